/**
 * The messages of a shell, as taskcluster-worker has them: each is one binary message of a websocket, and its first
 * byte is its type.
 *
 *     0 data    [stream u8] [bytes]         no bytes: the stream has ended
 *     1 ack     [stream u8] [count u32]     so many bytes of the stream have been processed
 *     3 size    [columns u16] [rows u16]    of the terminal
 *     4 abort                               the shell is to be killed
 *     5 exit    [0 success, 1 failure]      the shell has ended
 *
 * Numbers are big-endian. A side sends at most {@link SHELL_WINDOW_BYTES} of a stream that are not acknowledged. Pure.
 */
import { WorkerError } from "../base/errors.ts";

export type ShellStream = "stdin" | "stdout" | "stderr";

/** What a client says. */
export type ShellInput =
  | { readonly type: "data"; readonly stream: "stdin"; readonly bytes: Uint8Array }
  | { readonly type: "ack"; readonly stream: "stdout" | "stderr"; readonly count: number }
  | { readonly type: "size"; readonly columns: number; readonly rows: number }
  | { readonly type: "abort" };

/** What a guest says. */
export type ShellOutput =
  | { readonly type: "data"; readonly stream: "stdout" | "stderr"; readonly bytes: Uint8Array }
  | { readonly type: "ack"; readonly stream: "stdin"; readonly count: number }
  | { readonly type: "exit"; readonly success: boolean };

export type ShellMessage = ShellInput | ShellOutput;

export const SHELL_BLOCK_BYTES = 16 * 1_024;
export const SHELL_WINDOW_BYTES = 4 * SHELL_BLOCK_BYTES;
/** The longest message there is. */
export const SHELL_MESSAGE_BYTES = SHELL_BLOCK_BYTES + 2;

const TYPE = { data: 0, ack: 1, size: 3, abort: 4, exit: 5 } as const;
const STREAMS: readonly ShellStream[] = ["stdin", "stdout", "stderr"];

/** A message that must not be passed on: malformed, not for this side to send, or more than the window lets through. */
export class ShellProtocolError extends WorkerError {
  constructor(message: string) {
    super(message, { code: "shell-protocol-error", blame: "task" });
  }
}

/** @throws {RangeError} if a number or a block is too large: a bug of the caller. */
export function encodeShellMessage(message: ShellMessage): Buffer {
  switch (message.type) {
    case "data": {
      if (message.bytes.length > SHELL_BLOCK_BYTES) throw new RangeError(`a block of ${message.bytes.length} bytes`);
      return Buffer.concat([Buffer.of(TYPE.data, STREAMS.indexOf(message.stream)), message.bytes]);
    }
    case "ack": {
      const frame = Buffer.of(TYPE.ack, STREAMS.indexOf(message.stream), 0, 0, 0, 0);
      frame.writeUInt32BE(message.count, 2);
      return frame;
    }
    case "size": {
      const frame = Buffer.of(TYPE.size, 0, 0, 0, 0);
      frame.writeUInt16BE(message.columns, 1);
      frame.writeUInt16BE(message.rows, 3);
      return frame;
    }
    case "abort":
      return Buffer.of(TYPE.abort);
    case "exit":
      return Buffer.of(TYPE.exit, message.success ? 0 : 1);
  }
}

/** What a client may have sent. The bytes of data are a view of `frame`. @throws {ShellProtocolError} */
export function parseShellInput(frame: Uint8Array): ShellInput {
  const message = parseShellMessage(frame);
  switch (message.type) {
    case "data":
      if (message.stream === "stdin") return { ...message, stream: message.stream };
      break;
    case "ack":
      if (message.stream !== "stdin") return { ...message, stream: message.stream };
      break;
    case "size":
    case "abort":
      return message;
  }
  throw new ShellProtocolError(`a client of a shell must not send ${describe(message)}`);
}

/** What a guest may have sent. The bytes of data are a view of `frame`. @throws {ShellProtocolError} */
export function parseShellOutput(frame: Uint8Array): ShellOutput {
  const message = parseShellMessage(frame);
  switch (message.type) {
    case "data":
      if (message.stream !== "stdin") return { ...message, stream: message.stream };
      break;
    case "ack":
      if (message.stream === "stdin") return { ...message, stream: message.stream };
      break;
    case "exit":
      return message;
  }
  throw new ShellProtocolError(`a guest must not send ${describe(message)}`);
}

/** A message of whichever side. */
type Parsed =
  | { readonly type: "data"; readonly stream: ShellStream; readonly bytes: Uint8Array }
  | { readonly type: "ack"; readonly stream: ShellStream; readonly count: number }
  | Extract<ShellMessage, { type: "size" | "abort" | "exit" }>;

function parseShellMessage(frame: Uint8Array): Parsed {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length === 0) throw new ShellProtocolError("a message of a shell is empty");
  if (frame.length > SHELL_MESSAGE_BYTES) throw new ShellProtocolError("a message of a shell is too long");
  const type = frame[0];
  switch (type) {
    case TYPE.data:
      if (frame.length < 2) throw wrongLength("data", frame);
      return { type: "data", stream: streamOf(frame), bytes: frame.subarray(2) };
    case TYPE.ack:
      if (frame.length !== 6) throw wrongLength("ack", frame);
      return { type: "ack", stream: streamOf(frame), count: view.getUint32(2) };
    case TYPE.size:
      if (frame.length !== 5) throw wrongLength("size", frame);
      return { type: "size", columns: view.getUint16(1), rows: view.getUint16(3) };
    case TYPE.abort:
      if (frame.length !== 1) throw wrongLength("abort", frame);
      return { type: "abort" };
    case TYPE.exit: {
      const failed = frame[1];
      if (frame.length !== 2) throw wrongLength("exit", frame);
      if (failed !== 0 && failed !== 1) throw new ShellProtocolError("an exit is neither success nor failure");
      return { type: "exit", success: failed === 0 };
    }
    default:
      throw new ShellProtocolError(`a message of a shell has the unknown type ${type}`);
  }
}

function streamOf(frame: Uint8Array): ShellStream {
  const stream = STREAMS[frame[1] ?? STREAMS.length];
  if (stream === undefined)
    throw new ShellProtocolError(`a message of a shell is about the unknown stream ${frame[1]}`);
  return stream;
}

function wrongLength(type: string, frame: Uint8Array): ShellProtocolError {
  return new ShellProtocolError(`a message of type ${type} must not have ${frame.length} bytes`);
}

function describe(message: Parsed): string {
  return "stream" in message ? `${message.type} of ${message.stream}` : message.type;
}
