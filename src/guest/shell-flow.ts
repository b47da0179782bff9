/**
 * What each side of a shell may still say: the windows of its streams, which ones have ended, whether all is over.
 *
 * Pure bookkeeping; neither side is trusted.
 */
import {
  SHELL_WINDOW_BYTES,
  type ShellInput,
  type ShellOutput,
  ShellProtocolError,
  type ShellStream,
} from "./shell-protocol.ts";

interface StreamState {
  /** Sent and not acknowledged. */
  openBytes: number;
  ended: boolean;
}

export class ShellFlow {
  readonly #streams = { stdin: newStream(), stdout: newStream(), stderr: newStream() };
  #exited = false;

  get exited(): boolean {
    return this.#exited;
  }

  /** @throws {ShellProtocolError} The client must not say this; nothing has changed. */
  input(message: ShellInput): void {
    if (message.type === "data") this.#send("stdin", message.bytes.length);
    else if (message.type === "ack") this.#acknowledge(message.stream, message.count);
  }

  /** @throws {ShellProtocolError} The guest must not say this; nothing has changed. */
  output(message: ShellOutput): void {
    if (this.#exited) throw new ShellProtocolError("nothing may follow the exit of a shell");
    if (message.type === "data") this.#send(message.stream, message.bytes.length);
    else if (message.type === "ack") this.#acknowledge(message.stream, message.count);
    else this.#exited = true;
  }

  #send(name: ShellStream, length: number): void {
    const stream = this.#streams[name];
    if (stream.ended) throw new ShellProtocolError(`${name} of the shell has ended already`);
    if (stream.openBytes + length > SHELL_WINDOW_BYTES) {
      throw new ShellProtocolError(`more than ${SHELL_WINDOW_BYTES} bytes of ${name} are not acknowledged`);
    }
    stream.openBytes += length;
    stream.ended = length === 0;
  }

  #acknowledge(name: ShellStream, count: number): void {
    const stream = this.#streams[name];
    if (count > stream.openBytes) throw new ShellProtocolError(`more of ${name} is acknowledged than was sent`);
    stream.openBytes -= count;
  }
}

function newStream(): StreamState {
  return { openBytes: 0, ended: false };
}
