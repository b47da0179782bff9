/** A program in a guest, and its shell, which insists on the protocol as the real one does. */
import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import type { GuestShell } from "../../../../src/guest/guest-shell.ts";
import { ShellFlow } from "../../../../src/guest/shell-flow.ts";
import {
  encodeShellMessage,
  parseShellInput,
  parseShellOutput,
  SHELL_BLOCK_BYTES,
  SHELL_WINDOW_BYTES,
} from "../../../../src/guest/shell-protocol.ts";

export class FakeProgram {
  /** What it was asked. */
  readonly requests: string[] = [];
  disposed = false;
  readonly #said: string;
  readonly #answer: (request: string) => string;
  readonly #ends: boolean;

  /** @param ends After what it says; else it answers for ever. */
  constructor(said: string, answer: (request: string) => string, { ends = false } = {}) {
    this.#said = said;
    this.#answer = answer;
    this.#ends = ends;
  }

  async open(): Promise<GuestShell> {
    const flow = new ShellFlow();
    const frames = new PassThrough({ objectMode: true, highWaterMark: 64 });
    const acknowledged = new PassThrough().resume();
    let room = SHELL_WINDOW_BYTES;
    const tell = (message: Parameters<typeof encodeShellMessage>[0]) => {
      const frame = encodeShellMessage(message);
      flow.output(parseShellOutput(frame));
      frames.write(frame);
    };
    const say = async (text: string) => {
      const bytes = Buffer.from(text, "latin1");
      for (let from = 0; from < bytes.length; ) {
        if (room === 0) await once(acknowledged, "widened");
        const part = bytes.subarray(from, from + Math.min(room, SHELL_BLOCK_BYTES));
        room -= part.length;
        from += part.length;
        tell({ type: "data", stream: "stdout", bytes: part });
      }
    };
    let unread = "";
    let speaking = say(this.#said);
    if (this.#ends) {
      speaking = speaking.then(() => {
        tell({ type: "exit", success: false });
        frames.end();
      });
    }
    return {
      frames: frames as AsyncIterable<Buffer>,
      send: async (frame) => {
        const message = parseShellInput(frame);
        flow.input(message);
        if (message.type === "ack") {
          room += message.count;
          acknowledged.emit("widened");
        } else if (message.type === "data") {
          unread += Buffer.from(message.bytes).toString("latin1");
          const requests = unread.split("\0");
          unread = requests.pop() ?? "";
          this.requests.push(...requests);
          tell({ type: "ack", stream: "stdin", count: message.bytes.length } as never);
          speaking = speaking.then(() => say(requests.map(this.#answer).join("")));
        }
      },
      resize: async () => {},
      abort: () => {},
      done: new Promise(() => {}),
      [Symbol.asyncDispose]: async () => {
        this.disposed = true;
        Readable.prototype.destroy.call(frames);
      },
    };
  }
}
