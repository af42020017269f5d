// The request line and the headers of a request over HTTP/1.1 (RFC 9112), as bytes.
import { RpcError } from "../../base/errors.ts";
import type { OutgoingRequest } from "./http.ts";

/** What may stand in a head beside the ends of its lines. */
const TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * What stands before a request's body, in ISO-8859-1; `authority` is the host that the server is told. Throws a RpcError
 * INTERNAL when a part of it would end its line.
 */
export function writeRequestHead({ path, headers, body }: OutgoingRequest, authority: string): string {
  let text = `POST ${path} HTTP/1.1\r\nhost: ${authority}\r\ncontent-length: ${body.length}\r\n`;
  if (!TEXT.test(path) || !TEXT.test(authority)) throw unwritable("the path or the host");
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i]!, headers[i + 1]!];
    if (!TEXT.test(name) || !TEXT.test(value)) throw unwritable(`the header ${name}`);
    text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}

function unwritable(what: string): RpcError {
  return new RpcError("INTERNAL", `${JSON.stringify(what.slice(0, 100))} holds what HTTP/1.1 cannot carry`);
}
