/** zstd by the Debian package's program: for images, where speed matters. */
import type { FileHandle } from "node:fs/promises";
import { CommandError } from "../../host/command.ts";
import { filter } from "../../host/filter.ts";
import { type CompressOptions, corrupt, type DecompressOptions, outputTooLarge, type ZstdCodec } from "./codec.ts";
import { walked } from "./guards.ts";

/** Far above what an 8 MiB window takes; a bug in the decoder must not take the host's memory. */
const ADDRESS_SPACE_BYTES = 2 * 1_024 ** 3;

export class BinaryZstd implements ZstdCodec {
  readonly name = "zstd program";
  readonly #program: string;

  /** @param program Name or path of the program. */
  constructor(program = "zstd") {
    this.#program = program;
  }

  async *decompress(source: AsyncIterable<Uint8Array>, options: DecompressOptions): AsyncGenerator<Buffer> {
    const output = filter([this.#program, "-d", "-q", "-c"], walked(source, options.maxOutputBytes), {
      signal: options.signal,
      limits: { addressSpaceBytes: ADDRESS_SPACE_BYTES },
    });
    let total = 0;
    try {
      for await (const chunk of output) {
        total += chunk.length;
        if (total > options.maxOutputBytes) throw outputTooLarge(options.maxOutputBytes);
        yield chunk;
      }
    } catch (error) {
      if (error instanceof CommandError && error.exitCode === 1) throw corrupt(lastLine(error.stderr), error);
      throw error;
    }
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

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
