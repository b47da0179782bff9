/**
 * Bytes from the guest that nobody has read yet.
 *
 * They are copied in, so that one small segment cannot keep the large chunk
 * alive that it came in; small ones share a block, so that many of them cost
 * no more than their bytes.
 */
const BLOCK_BYTES = 32 * 1_024;

export class ReceiveQueue {
  #full: Buffer[] = [];
  #block: Buffer | undefined;
  #filled = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      this.#block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES);
      const copied = bytes.copy(this.#block, this.#filled, at);
      this.#filled += copied;
      at += copied;
      if (this.#filled === BLOCK_BYTES) this.#retire();
    }
    this.#length += bytes.length;
  }

  /** The next bytes, up to one block of them, or undefined if there are none. They belong to the caller. */
  take(): Buffer | undefined {
    const bytes = this.#full.shift() ?? this.#takePartial();
    if (bytes !== undefined) this.#length -= bytes.length;
    return bytes;
  }

  clear(): void {
    this.#full = [];
    this.#block = undefined;
    this.#filled = 0;
    this.#length = 0;
  }

  #retire(): void {
    if (this.#block !== undefined) this.#full.push(this.#block);
    this.#block = undefined;
    this.#filled = 0;
  }

  #takePartial(): Buffer | undefined {
    if (this.#block === undefined || this.#filled === 0) return undefined;
    const bytes = this.#block.subarray(0, this.#filled);
    this.#filled = 0;
    if (bytes.length < BLOCK_BYTES / 2) return copyOf(bytes);
    this.#block = undefined;
    return bytes;
  }
}

/** Not from Node's shared pool, for the same reason as above. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
