// The part of the WebAssembly JavaScript interface that the engine's host uses: Node has it, TypeScript declares it for browsers
// only.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }
  class Instance {
    constructor(module: Module, imports?: object);
    readonly exports: object;
  }
  class Memory {
    private constructor();
    readonly buffer: ArrayBuffer;
  }
}
