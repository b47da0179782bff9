/**
 * Bytes that wait to be written, copied together into a few blocks of memory that are used again and again.
 *
 * What comes from a socket is one piece of memory for each read. Kept until the disk has it, it would outlive the young
 * generation of the garbage collector, which costs ten times the copy.
 */
const BLOCK_BYTES = 128 * 1_024;
const MAX_FREE_BLOCKS = 8;

export class BlockQueue {
  readonly #free: Buffer[] = [];
  #full: Buffer[] = [];
  #filling: Buffer | undefined;
  #filledBytes = 0;
  #sizeBytes = 0;

  /** Bytes that wait. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  push(bytes: Uint8Array): void {
    this.#sizeBytes += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      this.#filling ??= this.#free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
      const taken = bytes.subarray(at, at + BLOCK_BYTES - this.#filledBytes);
      this.#filling.set(taken, this.#filledBytes);
      this.#filledBytes += taken.length;
      at += taken.length;
      if (this.#filledBytes === BLOCK_BYTES) this.#seal();
    }
  }

  /** All that waits; to be given back by {@link release}. */
  take(): Buffer[] {
    this.#seal();
    const blocks = this.#full;
    this.#full = [];
    this.#sizeBytes = 0;
    return blocks;
  }

  /** @param blocks As {@link take} returned them; from now on they may hold something else. */
  release(blocks: readonly Buffer[]): void {
    for (const { buffer } of blocks) {
      if (this.#free.length < MAX_FREE_BLOCKS) this.#free.push(Buffer.from(buffer));
    }
  }

  #seal(): void {
    if (this.#filling === undefined || this.#filledBytes === 0) return;
    this.#full.push(this.#filling.subarray(0, this.#filledBytes));
    this.#filling = undefined;
    this.#filledBytes = 0;
  }
}
