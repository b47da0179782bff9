/** The way out of a shell that does not answer: `~.` at the beginning of a line, as with ssh. Pure. */

const [TILDE, DOT, RETURN, NEWLINE] = [0x7e, 0x2e, 0x0d, 0x0a];

export interface Escaped {
  /** What is meant for the shell. */
  readonly bytes: Buffer;
  /** Whoever types wants to leave. */
  readonly leaves: boolean;
}

export class EscapeReader {
  #atLineStart = true;
  #afterTilde = false;

  read(chunk: Uint8Array): Escaped {
    const bytes: number[] = [];
    for (const byte of chunk) {
      if (this.#afterTilde) {
        this.#afterTilde = false;
        if (byte === DOT) return { bytes: Buffer.from(bytes), leaves: true };
        // Two of them are one.
        if (byte !== TILDE) bytes.push(TILDE);
        bytes.push(byte);
        this.#atLineStart = isLineEnd(byte);
      } else if (this.#atLineStart && byte === TILDE) {
        this.#afterTilde = true;
        this.#atLineStart = false;
      } else {
        bytes.push(byte);
        this.#atLineStart = isLineEnd(byte);
      }
    }
    return { bytes: Buffer.from(bytes), leaves: false };
  }
}

function isLineEnd(byte: number): boolean {
  return byte === RETURN || byte === NEWLINE;
}
