/** What a guest writes, line by line, bounded. */

/** A line that is longer comes in pieces. */
const MAX_LINE_BYTES = 4_096;
const NEWLINE = 10;

export class LineSplitter {
  readonly #onLine: (line: string) => void;
  #rest = Buffer.alloc(0);

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#take(chunk.subarray(start, end));
      this.#flush();
      start = end + 1;
    }
    this.#take(chunk.subarray(start));
  }

  /** What came after the last line is a line, if there is any. */
  end(): void {
    if (this.#rest.length > 0) this.#flush();
  }

  #take(part: Buffer): void {
    let rest = Buffer.concat([this.#rest, part]);
    while (rest.length > MAX_LINE_BYTES) {
      this.#rest = rest.subarray(0, MAX_LINE_BYTES);
      this.#flush();
      rest = rest.subarray(MAX_LINE_BYTES);
    }
    this.#rest = rest;
  }

  #flush(): void {
    // Of a line that a program writes over again and again, such as a progress bar, what it came to.
    const line = this.#rest.toString("utf8").replace(/\r+$/, "");
    this.#rest = Buffer.alloc(0);
    this.#onLine(line.slice(line.lastIndexOf("\r") + 1));
  }
}
