// What we use of @redis/client. Its own types describe every command of Redis, and cost a type check more than all of ours.
declare module "@redis/client" {
  export interface RedisClientType {
    readonly isOpen: boolean;
    readonly isReady: boolean;
    on(event: "error" | "ready", listener: (error: unknown) => void): this;
    connect(): Promise<unknown>;
    sendCommand(args: readonly string[]): Promise<unknown>;
    destroy(): void;
  }
  export function createClient(options: {
    readonly url: string;
    readonly disableOfflineQueue: boolean;
    readonly commandsQueueMaxLength: number;
    readonly socket: { readonly connectTimeout: number; readonly reconnectStrategy: (tries: number) => number };
  }): RedisClientType;
}
