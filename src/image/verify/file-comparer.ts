/** Compares a file with the pieces of another one, which come in order; what lies between them must be zero. */
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { ignoreMissing } from "../../host/durable-file.ts";
import type { ImageFile } from "../archive/format.ts";
import { ImageError } from "../errors.ts";

const READ_BYTES = 1_024 * 1_024;
const ZEROS = Buffer.alloc(READ_BYTES);

export class FileComparer implements AsyncDisposable {
  readonly #name: ImageFile;
  readonly #file: FileHandle;
  readonly #buffer = Buffer.alloc(READ_BYTES);
  #position = 0;

  private constructor(name: ImageFile, file: FileHandle) {
    this.#name = name;
    this.#file = file;
  }

  /** @throws {@link ImageError} `image-damaged` if there is no such file. */
  static async open(directory: string, name: ImageFile): Promise<FileComparer> {
    const file = await open(join(directory, name), "r").catch(ignoreMissing);
    if (file === undefined) throw damaged(`${name} is missing`);
    return new FileComparer(name, file);
  }

  /** @throws {@link ImageError} `image-damaged` at the first piece that is another one. */
  async compare(offset: number, piece: Buffer): Promise<void> {
    await this.#expectZeros(offset);
    for (let done = 0; done < piece.length; ) {
      const step = Math.min(READ_BYTES, piece.length - done);
      await this.#expect(piece.subarray(done, done + step), offset + done);
      done += step;
    }
    this.#position = offset + piece.length;
  }

  /** After the last piece. */
  async finish(bytes: number): Promise<void> {
    await this.#expectZeros(bytes);
    const { size } = await this.#file.stat();
    if (size !== bytes) throw damaged(`${this.#name} has ${size} bytes, not ${bytes}`);
  }

  async #expectZeros(until: number): Promise<void> {
    while (this.#position < until) {
      const step = Math.min(READ_BYTES, until - this.#position);
      await this.#expect(ZEROS.subarray(0, step), this.#position);
      this.#position += step;
    }
  }

  async #expect(expected: Buffer, offset: number): Promise<void> {
    const { bytesRead } = await this.#file.read(this.#buffer, 0, expected.length, offset);
    if (bytesRead === expected.length && this.#buffer.compare(expected, 0, bytesRead, 0, bytesRead) === 0) return;
    throw damaged(`${this.#name} has other contents, somewhere in the ${expected.length} bytes from byte ${offset} on`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

function damaged(what: string): ImageError {
  return new ImageError(
    "image-damaged",
    `the image in the store is not what its archive holds: ${what}; remove it and import it again`,
    { blame: "host" },
  );
}
