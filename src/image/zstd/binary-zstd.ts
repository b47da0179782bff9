/** zstd for images, where speed matters: packs by the Debian package's program, and unpacks in this process. */
import type { FileHandle } from "node:fs/promises";
import { filter } from "../../host/filter.ts";
import type { CompressOptions, DecompressOptions, ZstdCodec } from "./codec.ts";
import { unpackZstd } from "./unpack-zstd.ts";

export class BinaryZstd implements ZstdCodec {
  readonly name = "zstd program";
  readonly #program: string;

  /** @param program Name or path of the program. */
  constructor(program = "zstd") {
    this.#program = program;
  }

  decompress(source: AsyncIterable<Uint8Array>, options: DecompressOptions): AsyncGenerator<Buffer> {
    return unpackZstd(source, options);
  }

  async *compress(source: AsyncIterable<Uint8Array>, options: CompressOptions): AsyncGenerator<Buffer> {
    yield* this.#compress(source, options);
  }

  /** The program writes the file itself. */
  async compressInto(file: FileHandle, source: AsyncIterable<Uint8Array>, options: CompressOptions): Promise<void> {
    for await (const _ of this.#compress(source, options, file.fd));
  }

  #compress(
    source: AsyncIterable<Uint8Array>,
    { level, threads = 1, contentBytes, signal }: CompressOptions,
    output?: number,
  ): AsyncGenerator<Buffer> {
    const flags = [`-${level}`, `-T${threads}`, "--check"];
    if (contentBytes !== undefined) flags.push(`--stream-size=${contentBytes}`);
    const options = output === undefined ? { signal } : { signal, output };
    return filter([this.#program, "-q", "-c", ...flags], source, options);
  }
}
