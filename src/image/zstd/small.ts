/** zstd for payloads that are held in memory anyway; no program is started for them. */
import { WorkerError } from "../../base/errors.ts";
import { CodecZstd } from "./codec-zstd.ts";

export const MAX_SMALL_BYTES = 4 * 1_024 * 1_024;

const codec = new CodecZstd();

/** @throws {@link ZstdError}; `zstd-output-too-large` above {@link MAX_SMALL_BYTES}. */
export async function decompressSmall(bytes: Uint8Array): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(codec.decompress(once(bytes), { maxOutputBytes: MAX_SMALL_BYTES })));
}

/** @throws {@link WorkerError} `zstd-input-too-large` above {@link MAX_SMALL_BYTES}. */
export async function compressSmall(bytes: Uint8Array, level = 3): Promise<Buffer> {
  if (bytes.length > MAX_SMALL_BYTES) {
    throw new WorkerError(`${bytes.length} bytes are too many to compress in memory`, {
      code: "zstd-input-too-large",
      blame: "worker",
    });
  }
  return Buffer.concat(await Array.fromAsync(codec.compress(once(bytes), { level, contentBytes: bytes.length })));
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
