/**
 * What a guest writes to its serial port: all of it read, the end kept in memory, the beginning in a file if there is
 * to be one, and the lines in which a kernel says why a task cannot go on remembered.
 *
 * *Owns* its end of the port and the file. A guest may write without end and whatever it likes; what is kept of it is
 * bounded.
 */
import { createWriteStream, type WriteStream } from "node:fs";
import { type Duplex, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { recognizeConsoleLine, type VmNotice } from "./notices.ts";

const MAX_FILE_BYTES = 16 * 1_024 * 1_024;
const TAIL_BYTES = 16_384;
const MAX_LINE_BYTES = 1_024;
const MAX_NOTICES = 20;
const NEWLINE = 10;

export class SerialConsole {
  /** Resolves when everything the guest has written is in the file; never rejects. */
  readonly closed: Promise<void>;
  #follower: ((chunk: Buffer) => void) | undefined;
  #file: WriteStream | undefined;
  #room = 0;
  #tail = Buffer.alloc(0);
  #line = Buffer.alloc(0);
  readonly #notices: VmNotice[] = [];
  readonly #port: Duplex;

  constructor(port: Duplex) {
    this.#port = port;
    const reader = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#note(chunk);
        this.#follower?.(chunk);
        void this.#record(chunk).then(() => done());
      },
    });
    this.closed = pipeline(port, reader)
      .catch(() => {})
      .then(() => this.#endFile());
  }

  /**
   * Writes what comes from now on to a file, after the end of what has come already.
   *
   * @param file Absolute path; written anew.
   */
  recordTo(file: string, maxBytes = MAX_FILE_BYTES): void {
    const stream = createWriteStream(file, { mode: 0o600 });
    // A full disk costs the file, not the guest's console.
    stream.on("error", () => {
      this.#room = 0;
    });
    this.#file = stream;
    this.#room = maxBytes;
    void this.#record(this.#tail);
  }

  /** Calls `follower` with what came last, and with all that comes from now on. There is one at a time. */
  follow(follower: (chunk: Buffer) => void): void {
    this.#follower = follower;
    if (this.#tail.length > 0) follower(this.#tail);
  }

  /** Types on it. Resolves when QEMU has it, or there is no machine any more. */
  async type(bytes: Uint8Array): Promise<void> {
    if (!this.#port.writable) return;
    await new Promise<void>((resolve) => this.#port.write(bytes, () => resolve()));
  }

  /** The end of it, at most 16 KiB; "" if there was nothing. */
  get tail(): string {
    return this.#tail.toString("utf8");
  }

  /** The first lines of the guest's kernel that mean trouble, in order; at most 20. */
  get notices(): readonly VmNotice[] {
    return this.#notices;
  }

  async #record(chunk: Buffer): Promise<void> {
    const kept = chunk.subarray(0, this.#room);
    this.#room -= kept.length;
    if (this.#file === undefined || kept.length === 0) return;
    if (!this.#file.write(kept)) await drained(this.#file);
  }

  async #endFile(): Promise<void> {
    const file = this.#file;
    if (file !== undefined && !file.closed) await new Promise<void>((resolve) => file.once("close", resolve).end());
  }

  #note(chunk: Buffer): void {
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    let start = 0;
    // Each line costs something, and a guest may write nothing but ends of lines.
    if (!mayTell(chunk) && this.#line.length === 0) start = chunk.lastIndexOf(NEWLINE) + 1;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#endLine(chunk.subarray(start, end));
      start = end + 1;
    }
    this.#line = Buffer.concat([this.#line, chunk.subarray(start)]).subarray(0, MAX_LINE_BYTES);
  }

  #endLine(rest: Buffer): void {
    const line = Buffer.concat([this.#line, rest]).subarray(0, MAX_LINE_BYTES);
    this.#line = Buffer.alloc(0);
    const notice = mayTell(line) ? recognizeConsoleLine(line.toString("utf8")) : undefined;
    if (notice === undefined) return;
    // The panic comes last, and is what counts.
    if (this.#notices.length >= MAX_NOTICES) this.#notices.pop();
    this.#notices.push(notice);
  }
}

/** Whether there may be a line in it that means something. */
function mayTell(text: Buffer): boolean {
  return text.includes("panic") || text.includes("Killed");
}

async function drained(stream: Writable): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const event of ["drain", "close", "error"]) stream.once(event, () => resolve());
  });
}
