/** Texts that end with a NUL, out of what a guest prints; bounded, since the guest may print anything for ever. */
import { formatBytes } from "../../base/units.ts";
import { InspectionError } from "./errors.ts";

export interface RecordLimits {
  /** Of one text. */
  maxRecordBytes: number;
  /** Of all that is printed. */
  maxBytes: number;
}

export class RecordReader {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #limits: RecordLimits;
  #rest: Buffer = Buffer.alloc(0);
  #seenBytes = 0;

  constructor(chunks: AsyncIterable<Buffer>, limits: RecordLimits) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#limits = limits;
  }

  /** The next text without its NUL; undefined at the end. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const text = this.tryNext();
      if (text !== undefined) return text;
      const searched = this.#rest.length;
      if (searched > this.#limits.maxRecordBytes) throw protocolError("a text without an end");
      if (!(await this.#fill())) {
        if (searched > 0) throw protocolError("half a text");
        return undefined;
      }
    }
  }

  /** The next text, if it is here already. */
  tryNext(): Buffer | undefined {
    const end = this.#rest.indexOf(0);
    return end === -1 ? undefined : this.#cut(end, 1);
  }

  /** So many bytes as they are. */
  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let missing = count; missing > 0; ) {
      if (this.#rest.length === 0 && !(await this.#fill())) throw protocolError("less than it had announced");
      const part = this.#cut(Math.min(missing, this.#rest.length), 0);
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  #cut(end: number, separator: number): Buffer {
    const part = this.#rest.subarray(0, end);
    this.#rest = this.#rest.subarray(end + separator);
    return part;
  }

  async #fill(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done) return false;
    this.#seenBytes += value.length;
    if (this.#seenBytes > this.#limits.maxBytes) {
      const most = formatBytes(this.#limits.maxBytes);
      throw new InspectionError("inspection-too-large", `there is more to tell of the disks than ${most}`);
    }
    this.#rest = this.#rest.length === 0 ? value : Buffer.concat([this.#rest, value]);
    return true;
  }
}

function protocolError(what: string): InspectionError {
  return new InspectionError("inspection-protocol-error", `the inspecting machine has sent ${what}`);
}
