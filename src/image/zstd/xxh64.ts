/**
 * XXH64 with seed 0, of which a zstd frame carries the lower 32 bits as its checksum (RFC 8878, section 3.1.1).
 *
 * 64-bit words are kept as two 32-bit halves: BigInt is twenty times slower.
 */

/** A 64-bit word; a class so that the hot loop changes fields and allocates nothing. */
class Word {
  high: number;
  low: number;

  constructor(high: number, low: number) {
    this.high = high | 0;
    this.low = low | 0;
  }

  add(high: number, low: number): void {
    const sum = (this.low >>> 0) + (low >>> 0);
    this.high = (this.high + high + (sum > 0xffffffff ? 1 : 0)) | 0;
    this.low = sum | 0;
  }

  multiply(by: Word): void {
    const a0 = this.low & 0xffff;
    const a1 = this.low >>> 16;
    const b0 = by.low & 0xffff;
    const b1 = by.low >>> 16;
    // Math.imul would do for the products, but their carries are wanted: these stay below 2^53.
    const middle = a1 * b0 + ((a0 * b0) >>> 16);
    const carry = a0 * b1 + (middle & 0xffff);
    const upper = a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000);
    this.high = (upper + Math.imul(this.low, by.high) + Math.imul(this.high, by.low)) | 0;
    this.low = Math.imul(this.low, by.low);
  }

  /** `bits` from 1 to 31. */
  rotateLeft(bits: number): void {
    const { high, low } = this;
    this.high = (high << bits) | (low >>> (32 - bits));
    this.low = (low << bits) | (high >>> (32 - bits));
  }

  /** The word xor itself shifted right by `bits`, from 1 to 63. */
  xorShiftRight(bits: number): void {
    const { high, low } = this;
    if (bits < 32) {
      this.high = high ^ (high >>> bits);
      this.low = low ^ ((low >>> bits) | (high << (32 - bits)));
    } else {
      this.low = low ^ (high >>> (bits - 32));
    }
  }

  xor(other: Word): void {
    this.high ^= other.high;
    this.low ^= other.low;
  }

  set(other: Word): void {
    this.high = other.high;
    this.low = other.low;
  }
}

const P1 = new Word(0x9e3779b1, 0x85ebca87);
const P2 = new Word(0xc2b2ae3d, 0x27d4eb4f);
const P3 = new Word(0x165667b1, 0x9e3779f9);
const P4 = new Word(0x85ebca77, 0xc2b2ae63);
const P5 = new Word(0x27d4eb2f, 0x165667c5);

const STRIPE_BYTES = 32;

export class Xxh64 {
  readonly #lanes: readonly [Word, Word, Word, Word];
  readonly #rest = Buffer.alloc(STRIPE_BYTES);
  #restBytes = 0;
  #total = 0;
  readonly #scratch = new Word(0, 0);

  constructor() {
    const first = new Word(P1.high, P1.low);
    first.add(P2.high, P2.low);
    const fourth = new Word(~P1.high, ~P1.low);
    fourth.add(0, 1);
    this.#lanes = [first, new Word(P2.high, P2.low), new Word(0, 0), fourth];
  }

  update(chunk: Uint8Array): void {
    this.#total += chunk.length;
    let offset = 0;
    if (this.#restBytes > 0) {
      offset = Math.min(STRIPE_BYTES - this.#restBytes, chunk.length);
      this.#rest.set(chunk.subarray(0, offset), this.#restBytes);
      this.#restBytes += offset;
      if (this.#restBytes < STRIPE_BYTES) return;
      this.#stripes(this.#rest, 0, STRIPE_BYTES);
      this.#restBytes = 0;
    }
    const end = offset + Math.floor((chunk.length - offset) / STRIPE_BYTES) * STRIPE_BYTES;
    this.#stripes(chunk, offset, end);
    this.#rest.set(chunk.subarray(end));
    this.#restBytes = chunk.length - end;
  }

  /** The lower 32 bits of the hash of everything so far. */
  digest32(): number {
    const hash = this.#total >= STRIPE_BYTES ? this.#merged() : new Word(P5.high, P5.low);
    hash.add(Math.floor(this.#total / 2 ** 32), this.#total);
    this.#finish(hash);
    hash.xorShiftRight(33);
    hash.multiply(P2);
    hash.xorShiftRight(29);
    hash.multiply(P3);
    hash.xorShiftRight(32);
    return hash.low >>> 0;
  }

  #stripes(bytes: Uint8Array, from: number, to: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let offset = from; offset < to; offset += STRIPE_BYTES) {
      for (let lane = 0; lane < 4; lane++) {
        const at = offset + lane * 8;
        round(this.#lanes[lane] as Word, view.getInt32(at + 4, true), view.getInt32(at, true), this.#scratch);
      }
    }
  }

  #merged(): Word {
    const hash = new Word(0, 0);
    const turned = new Word(0, 0);
    for (const [index, lane] of this.#lanes.entries()) {
      turned.set(lane);
      turned.rotateLeft([1, 7, 12, 18][index] as number);
      hash.add(turned.high, turned.low);
    }
    for (const lane of this.#lanes) {
      const mixed = new Word(0, 0);
      round(mixed, lane.high, lane.low, this.#scratch);
      hash.xor(mixed);
      hash.multiply(P1);
      hash.add(P4.high, P4.low);
    }
    return hash;
  }

  #finish(hash: Word): void {
    const rest = this.#rest;
    let offset = 0;
    for (; offset + 8 <= this.#restBytes; offset += 8) {
      const mixed = new Word(0, 0);
      round(mixed, rest.readInt32LE(offset + 4), rest.readInt32LE(offset), this.#scratch);
      hash.xor(mixed);
      hash.rotateLeft(27);
      hash.multiply(P1);
      hash.add(P4.high, P4.low);
    }
    if (offset + 4 <= this.#restBytes) {
      const mixed = new Word(0, rest.readInt32LE(offset));
      mixed.multiply(P1);
      hash.xor(mixed);
      hash.rotateLeft(23);
      hash.multiply(P2);
      hash.add(P3.high, P3.low);
      offset += 4;
    }
    for (; offset < this.#restBytes; offset++) {
      const mixed = new Word(0, rest[offset] as number);
      mixed.multiply(P5);
      hash.xor(mixed);
      hash.rotateLeft(11);
      hash.multiply(P1);
    }
  }
}

/** lane = rotl(lane + input × P2, 31) × P1 */
function round(lane: Word, high: number, low: number, scratch: Word): void {
  scratch.high = high;
  scratch.low = low;
  scratch.multiply(P2);
  lane.add(scratch.high, scratch.low);
  lane.rotateLeft(31);
  lane.multiply(P1);
}
