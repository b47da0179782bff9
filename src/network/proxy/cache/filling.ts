/**
 * An answer on its way into the folder, and to all who want it meanwhile.
 *
 *   filling ──end of the body──▶ kept
 *      ├──no room any more────▶ handed over to the reader who comes to that point first
 *      └──error, or nobody reads it any more──▶ discarded
 *
 * *Owns* the body of the upstream's answer and the room that is reserved.
 */
import { Readable } from "node:stream";
import type { UpstreamAnswer } from "../exchange.ts";
import type { AnswerFolder, KeptAnswer } from "./answer-folder.ts";
import { keptHeaders } from "./freshness.ts";
import type { GrowingFile } from "./growing-file.ts";

/** Room for answers that do not say how long they are; twice as much whenever it is used up. */
const FIRST_ROOM_BYTES = 1_024 * 1_024;

type Head = Omit<KeptAnswer, "bytes">;

export class Filling implements AsyncDisposable {
  /** Settles when it is kept or given up; never rejects. */
  readonly done: Promise<void>;
  readonly #folder: AnswerFolder;
  readonly #head: Head;
  readonly #answer: UpstreamAnswer;
  readonly #life: AbortController;
  readonly #file: GrowingFile;
  #reservedBytes: number;
  #isOpen = true;

  private constructor(
    folder: AnswerFolder,
    head: Head,
    answer: UpstreamAnswer,
    life: AbortController,
    file: GrowingFile,
    reservedBytes: number,
  ) {
    this.#folder = folder;
    this.#head = head;
    this.#answer = answer;
    this.#life = life;
    this.#file = file;
    this.#reservedBytes = reservedBytes;
    // Those who wait for it are told all at once; whoever has not come by then does not.
    const host = file.read();
    setImmediate(() => host.destroy());
    this.done = this.#run();
  }

  /**
   * @param life Ends the exchange with the upstream.
   * @returns undefined where there is no room for it.
   */
  static async start(
    folder: AnswerFolder,
    head: Head,
    answer: UpstreamAnswer,
    life: AbortController,
  ): Promise<Filling | undefined> {
    const bytes = lengthOf(answer) ?? Math.min(FIRST_ROOM_BYTES, folder.maxAnswerBytes);
    if (bytes > folder.maxAnswerBytes || !(await folder.reserve(bytes))) return undefined;
    try {
      const onReaders = (count: number) => {
        if (count === 0) life.abort(new Error("nobody wants it any more"));
      };
      return new Filling(folder, head, answer, life, await folder.create(head.id, onReaders), bytes);
    } catch {
      // A full disk is no reason to answer nothing.
      folder.release(bytes);
      return undefined;
    }
  }

  /** Whether one more reader may come; afterwards it is kept, and as fresh as its headers say. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  answer(): UpstreamAnswer {
    const length = lengthOf(this.#answer);
    const headers = {
      ...keptHeaders(this.#head.policy),
      ...(length === undefined ? {} : { "content-length": String(length) }),
    };
    return { status: 200, headers, body: this.#file.read() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort(new Error("the proxy was closed"));
    await this.done;
  }

  async #run(): Promise<void> {
    const { body } = this.#answer;
    const abort = () => body.destroy(this.#life.signal.reason);
    this.#life.signal.addEventListener("abort", abort, { once: true });
    if (this.#life.signal.aborted) abort();
    try {
      if (await this.#store(body.iterator({ destroyOnReturn: false }))) await this.#keep();
    } catch (error) {
      this.#isOpen = false;
      body.destroy();
      await this.#file.fail(error).catch(() => {});
    } finally {
      this.#folder.release(this.#reservedBytes);
      await this.#folder.discard(this.#head.id).catch(() => {});
    }
  }

  /** @returns whether the file has all of it. */
  async #store(chunks: AsyncIterator<Buffer>): Promise<boolean> {
    for (;;) {
      const { done, value } = await chunks.next();
      if (done === true) return true;
      if (await this.#append(value)) continue;
      this.#isOpen = false;
      await this.#file.handOver(this.#restOf(value, chunks));
      return false;
    }
  }

  #restOf(first: Buffer, chunks: AsyncIterator<Buffer>): Readable {
    const rest = async function* () {
      yield first;
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
    };
    return Readable.from(rest(), { objectMode: false }).once("close", () => this.#answer.body.destroy());
  }

  async #append(chunk: Buffer): Promise<boolean> {
    if (!(await this.#makeRoom(this.#file.bytes + chunk.length))) return false;
    return await this.#file.append(chunk).then(
      () => true,
      () => false,
    );
  }

  async #makeRoom(bytes: number): Promise<boolean> {
    if (bytes <= this.#reservedBytes) return true;
    const wanted = Math.max(bytes, Math.min(2 * this.#reservedBytes, this.#folder.maxAnswerBytes));
    const more = wanted - this.#reservedBytes;
    if (wanted > this.#folder.maxAnswerBytes || !(await this.#folder.reserve(more))) return false;
    this.#reservedBytes = wanted;
    return true;
  }

  /** It is shown only when the disk has it. Those who read it neither wait for that nor lose anything if it fails. */
  async #keep(): Promise<void> {
    this.#isOpen = false;
    this.#file.complete();
    await this.#file
      .sync()
      .then(() => this.#folder.keep({ ...this.#head, bytes: this.#file.bytes }))
      .catch(() => {});
    await this.#file.close();
  }
}

function lengthOf({ headers }: UpstreamAnswer): number | undefined {
  const length = headers["content-length"];
  return typeof length === "string" && /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}
