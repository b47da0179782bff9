/**
 * The messages of a shell, as taskcluster-worker has them: each is one binary message of a websocket, and its first
 * byte is its type. src/guest/shell-protocol.ts is the other side. Pure.
 */

export type ShellOutput =
  | { readonly type: "data"; readonly stream: OutputStream; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: "ack"; readonly count: number }
  | { readonly type: "exit"; readonly success: boolean }
  /** Not of this protocol, or not for us. */
  | { readonly type: "unknown" };

export type OutputStream = "stdout" | "stderr";

/** Most bytes of one message, and most of a stream that are not acknowledged. */
export const BLOCK_BYTES = 16 * 1_024;
export const WINDOW_BYTES = 4 * BLOCK_BYTES;

const DATA = 0;
const ACK = 1;
const SIZE = 3;
const ABORT = 4;
const EXIT = 5;
const STDIN = 0;
const OUTPUT: Readonly<Record<number, OutputStream>> = { 1: "stdout", 2: "stderr" };

type Bytes = Uint8Array<ArrayBuffer>;

/** @param bytes At most {@link BLOCK_BYTES}; none: stdin has ended. */
export function encodeInput(bytes: Uint8Array): Bytes {
  const message = new Uint8Array(2 + bytes.length);
  message.set([DATA, STDIN]);
  message.set(bytes, 2);
  return message;
}

export function encodeAck(stream: OutputStream, count: number): Bytes {
  const message = Uint8Array.of(ACK, stream === "stdout" ? 1 : 2, 0, 0, 0, 0);
  new DataView(message.buffer).setUint32(2, count);
  return message;
}

export function encodeSize(columns: number, rows: number): Bytes {
  const message = Uint8Array.of(SIZE, 0, 0, 0, 0);
  const view = new DataView(message.buffer);
  view.setUint16(1, columns);
  view.setUint16(3, rows);
  return message;
}

export function encodeAbort(): Bytes {
  return Uint8Array.of(ABORT);
}

/** The bytes of data are a view of the message. */
export function decodeOutput(message: ArrayBuffer): ShellOutput {
  const [type, second] = new Uint8Array(message, 0, Math.min(2, message.byteLength));
  const stream = second === undefined ? undefined : OUTPUT[second];
  if (type === DATA && stream !== undefined) return { type: "data", stream, bytes: new Uint8Array(message, 2) };
  if (type === ACK && second === STDIN && message.byteLength === 6) {
    return { type: "ack", count: new DataView(message).getUint32(2) };
  }
  if (type === EXIT && second !== undefined) return { type: "exit", success: second === 0 };
  return { type: "unknown" };
}
