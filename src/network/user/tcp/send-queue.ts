/**
 * Bytes on their way to the guest, kept until it has acknowledged them.
 *
 * Holds the chunks themselves, not copies: whoever appends one gives it away.
 * Only small ones are put together, so that many of them cost no more than
 * their bytes.
 */
const SMALL_BYTES = 1_024;
const BLOCK_BYTES = 8 * 1_024;

export class SendQueue {
  #chunks: Buffer[] = [];
  /** Chunks before this index are acknowledged and forgotten. */
  #head = 0;
  /** Acknowledged bytes of the first chunk. */
  #offset = 0;
  #length = 0;
  /** Where small chunks are put together, and from where to where the last chunk of the queue lies in it. */
  #block: Buffer | undefined;
  #blockStart = 0;
  #filled = 0;
  /** The chunk that was put together last. */
  #tail: Buffer | undefined;
  /** Where the last copy ended, because the next one mostly begins there: chunk index and its position. */
  #cursorIndex = 0;
  #cursorStart = 0;

  /** Bytes not acknowledged. */
  get length(): number {
    return this.#length;
  }

  append(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (chunk.length < SMALL_BYTES) this.#appendSmall(chunk);
    else this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** Copies `length` bytes, beginning `from` bytes after the first not acknowledged. */
  copy(target: Buffer, from: number, length: number): void {
    if (from + length > this.#length) throw new RangeError("beyond the end of the queue");
    const position = this.#offset + from;
    if (position < this.#cursorStart) this.#rewind();
    let copied = 0;
    while (copied < length) {
      const chunk = this.#chunks[this.#cursorIndex] as Buffer;
      const start = position + copied - this.#cursorStart;
      if (start >= chunk.length) {
        this.#cursorStart += chunk.length;
        this.#cursorIndex += 1;
        continue;
      }
      const part = Math.min(chunk.length - start, length - copied);
      chunk.copy(target, copied, start, start + part);
      copied += part;
    }
  }

  /** Forgets the first `bytes`. */
  drop(bytes: number): void {
    if (bytes > this.#length) throw new RangeError("beyond the end of the queue");
    this.#length -= bytes;
    this.#offset += bytes;
    for (;;) {
      const first = this.#chunks[this.#head];
      if (first === undefined || this.#offset < first.length) break;
      this.#offset -= first.length;
      this.#head += 1;
      if (this.#cursorIndex < this.#head) this.#rewind();
      else this.#cursorStart -= first.length;
    }
    // Moving the rest up now and then keeps both the array and the time per drop small.
    if (this.#head > 32 && this.#head * 2 >= this.#chunks.length) this.#compact();
  }

  #appendSmall(chunk: Buffer): void {
    if (this.#block === undefined || this.#filled + chunk.length > BLOCK_BYTES) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      this.#filled = 0;
      this.#tail = undefined;
    }
    const last = this.#chunks.length - 1;
    const grows = last >= this.#head && this.#tail !== undefined && this.#chunks[last] === this.#tail;
    if (!grows) this.#blockStart = this.#filled;
    this.#filled += chunk.copy(this.#block, this.#filled);
    this.#tail = this.#block.subarray(this.#blockStart, this.#filled);
    if (grows) this.#chunks[last] = this.#tail;
    else this.#chunks.push(this.#tail);
  }

  #rewind(): void {
    this.#cursorIndex = this.#head;
    this.#cursorStart = 0;
  }

  #compact(): void {
    this.#chunks = this.#chunks.slice(this.#head);
    this.#cursorIndex -= this.#head;
    this.#head = 0;
  }
}
