/** The server name in the first bytes of a TLS connection (RFC 8446, 4.1.2; RFC 6066, 3). Pure; reads hostile bytes. */

const RECORD_HEADER_BYTES = 5;
const HANDSHAKE_HEADER_BYTES = 4;
const HANDSHAKE_RECORD = 22;
const FIRST_RECORD_TYPE = 20;
const LAST_RECORD_TYPE = 24;
const MAX_RECORD_BYTES = 16_384 + 256;
const CLIENT_HELLO = 1;
const VERSION_AND_RANDOM_BYTES = 34;
const SERVER_NAME_EXTENSION = 0;
const HOST_NAME = 0;

/** Names in lower case; none if it is no ClientHello or has none; undefined: it takes more bytes to tell. */
export function tlsServerNames(bytes: Buffer): readonly string[] | undefined {
  const message = handshakeBytes(bytes);
  if (message === "none" || (message.length > 0 && message[0] !== CLIENT_HELLO)) return [];
  if (message.length < HANDSHAKE_HEADER_BYTES) return undefined;
  const end = HANDSHAKE_HEADER_BYTES + message.readUIntBE(1, 3);
  if (message.length < end) return undefined;
  return helloNames(new Reader(message.subarray(HANDSHAKE_HEADER_BYTES, end)));
}

/**
 * The handshake's bytes, which may be in several records, as far as they are there. Records of other kinds, and empty
 * ones, are passed over: there are servers that do so too.
 */
function handshakeBytes(bytes: Buffer): Buffer | "none" {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const header = bytes.subarray(at, at + RECORD_HEADER_BYTES);
    const length = header.length < RECORD_HEADER_BYTES ? 0 : header.readUInt16BE(3);
    if (!mayBeTls(header) || length > MAX_RECORD_BYTES) return parts.length === 0 ? "none" : Buffer.concat(parts);
    at += RECORD_HEADER_BYTES;
    if (header[0] === HANDSHAKE_RECORD) parts.push(bytes.subarray(at, at + length));
    at += length;
  }
  return Buffer.concat(parts);
}

/** Whether a record begins so, as far as its header is there. */
export function mayBeTls([type = 0, version = 3]: Uint8Array): boolean {
  return FIRST_RECORD_TYPE <= type && type <= LAST_RECORD_TYPE && version === 3;
}

function helloNames(hello: Reader): string[] {
  hello.take(VERSION_AND_RANDOM_BYTES);
  hello.vector(1);
  hello.vector(2);
  hello.vector(1);
  const extensions = new Reader(hello.vector(2));
  const names: string[] = [];
  while (extensions.left > 0) {
    const type = extensions.number(2);
    const body = new Reader(extensions.vector(2));
    if (type !== SERVER_NAME_EXTENSION) continue;
    const list = new Reader(body.vector(2));
    while (list.left > 0) {
      const kind = list.number(1);
      const name = list.vector(2);
      if (kind === HOST_NAME && name.length > 0) names.push(name.toString("latin1").toLowerCase());
    }
  }
  return names;
}

/** Beyond the end there is nothing, which ends every loop. */
class Reader {
  #rest: Buffer;

  constructor(bytes: Buffer) {
    this.#rest = bytes;
  }

  get left(): number {
    return this.#rest.length;
  }

  take(count: number): Buffer {
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }

  number(bytes: 1 | 2): number {
    const taken = this.take(bytes);
    return taken.length < bytes ? 0 : taken.readUIntBE(0, bytes);
  }

  /** What follows its own length. */
  vector(lengthBytes: 1 | 2): Buffer {
    return this.take(this.number(lengthBytes));
  }
}
