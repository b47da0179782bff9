/**
 * Keeps secrets out of a log: each occurrence of a value, plain or in a form that programs print it in, becomes
 * `[secret NAME]`. Built once for a task, used for any number of streams; never changed.
 */
import { Transform } from "node:stream";
import { type Blame, WorkerError } from "../../base/errors.ts";
import { type Automaton, buildAutomaton, type Needle } from "./automaton.ts";
import { MaskScanner } from "./mask-scanner.ts";
import { formsOf, MIN_NEEDLE_BYTES } from "./secret-forms.ts";

export interface Secret {
  readonly name: string;
  readonly value: string;
}

const MAX_SECRET_BYTES = 64 * 1_024;
/** Of all secrets together: the automaton takes up to a thousand bytes for one of them. */
const MAX_TOTAL_BYTES = 128 * 1_024;

export class SecretMask {
  readonly #automaton: Automaton;
  readonly #masks: readonly Buffer[];
  /** A stream holds back less than this. */
  readonly longestNeedleBytes: number;

  private constructor(automaton: Automaton, masks: readonly Buffer[], longestNeedleBytes: number) {
    this.#automaton = automaton;
    this.#masks = masks;
    this.longestNeedleBytes = longestNeedleBytes;
  }

  /**
   * @param blame Who gave the secrets.
   * @throws {WorkerError} `secret-refused`: one is too short or too long to be masked.
   */
  static build(secrets: readonly Secret[], blame: Blame = "task"): SecretMask {
    const refuse = (message: string) => new WorkerError(message, { code: "secret-refused", blame });
    for (const { name, value } of secrets) {
      const fault = faultOf(value);
      if (fault !== undefined) throw refuse(`the secret ${name} ${fault}`);
    }
    const totalBytes = secrets.reduce((sum, { value }) => sum + Buffer.byteLength(value), 0);
    if (totalBytes > MAX_TOTAL_BYTES) {
      throw refuse(`the secrets of a task may have ${MAX_TOTAL_BYTES} bytes together, and have ${totalBytes}`);
    }
    const needles = secrets.flatMap(({ value }, label) => formsOf(value).map((bytes): Needle => ({ bytes, label })));
    const masks = secrets.map(({ name }) => {
      const mask = chooseMask(name, needles);
      if (mask !== undefined) return mask;
      throw refuse(`the secret ${name} cannot be told from what would stand in its place; choose another value`);
    });
    const longest = needles.reduce((most, { bytes }) => Math.max(most, bytes.length), 0);
    return new SecretMask(buildAutomaton(needles), masks, longest);
  }

  /** For one stream of bytes. */
  scanner(): MaskScanner {
    return new MaskScanner(this.#automaton, this.#masks);
  }

  /** A text that is complete. */
  apply(text: string): string {
    const scanner = this.scanner();
    return Buffer.concat([...scanner.push(Buffer.from(text)), ...scanner.flush()]).toString();
  }

  /** {@link scanner} as a stream. */
  transform(): Transform {
    const scanner = this.scanner();
    return new Transform({
      transform(chunk: Buffer, _encoding, done) {
        for (const part of scanner.push(chunk)) this.push(part);
        done();
      },
      flush(done) {
        for (const part of scanner.flush()) this.push(part);
        done();
      },
    });
  }
}

function faultOf(value: string): string | undefined {
  const sizeBytes = Buffer.byteLength(value.trim());
  if (sizeBytes < MIN_NEEDLE_BYTES) {
    return `has ${sizeBytes} bytes; what has less than ${MIN_NEEDLE_BYTES} cannot be masked in the log`;
  }
  if (Buffer.byteLength(value) > MAX_SECRET_BYTES) {
    return `has more than ${MAX_SECRET_BYTES} bytes; what is larger cannot be masked in the log`;
  }
  return undefined;
}

/** The first that can be part of no needle, and no needle of it, whatever is beside it. */
function chooseMask(name: string, needles: readonly Needle[]): Buffer | undefined {
  const printable = name.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, "?");
  const candidates = [`[secret ${printable}]`, "***", "[secret]", "<masked>", "\u2588"];
  return candidates.map((text) => Buffer.from(text)).find((mask) => !needles.some(({ bytes }) => touch(mask, bytes)));
}

/** Whether one holds the other, or ends with what the other begins with. */
function touch(mask: Buffer, bytes: Uint8Array): boolean {
  const needle = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (mask.includes(needle) || needle.includes(mask)) return true;
  for (let length = Math.min(mask.length, needle.length); length > 0; length--) {
    if (mask.subarray(-length).equals(needle.subarray(0, length))) return true;
    if (mask.subarray(0, length).equals(needle.subarray(-length))) return true;
  }
  return false;
}
