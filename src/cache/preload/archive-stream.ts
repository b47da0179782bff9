/** The tar data of an archive, plain or packed with gzip or zstd; which it is, its first bytes tell. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { CommandError } from "../../host/command.ts";
import { filter } from "../../host/filter.ts";
import { refused, tooLarge } from "./entries.ts";

const MAGIC: readonly { bytes: Buffer; command: readonly [string, ...string[]] }[] = [
  { bytes: Buffer.from([0x1f, 0x8b]), command: ["gzip", "-dc"] },
  { bytes: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), command: ["zstd", "-d", "-q", "-c"] },
];

/** A bug in a decoder must not take the host's memory. */
const LIMITS = { addressSpaceBytes: 2 * 1_024 ** 3 };

/** @throws {@link CacheError} `preload-refused`, `preload-too-large`; `signal.reason` */
export async function* readArchive(
  file: string,
  maxBytes: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  const command = await commandFor(file);
  const source: AsyncIterable<Buffer> = createReadStream(file, { signal, highWaterMark: 256 * 1_024 });
  const tar = command === undefined ? source : filter(command, source, { signal, limits: LIMITS });
  let total = 0;
  try {
    for await (const chunk of tar) {
      total += chunk.length;
      if (total > maxBytes) throw tooLarge(`it unpacks to more than ${maxBytes} bytes`);
      yield chunk;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof CommandError) || error.code !== "command-failed") throw error;
    throw refused(error.stderr.trim().split("\n").at(-1) ?? "it is damaged", error);
  }
}

async function commandFor(file: string): Promise<readonly [string, ...string[]] | undefined> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
  const start = buffer.subarray(0, bytesRead);
  return MAGIC.find(({ bytes }) => start.subarray(0, bytes.length).equals(bytes))?.command;
}
