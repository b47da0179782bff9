/**
 * Unpacks zstd by the decoder that Node has, in threads of its pool: no process has to be fed and read, which costs
 * more than the decoding does.
 */
import { pipeline } from "node:stream/promises";
import { constants, createZstdDecompress } from "node:zlib";
import { codeOf, messageOf } from "../../base/errors.ts";
import { corrupt, type DecompressOptions, outputTooLarge } from "./codec.ts";
import { MAX_WINDOW_LOG } from "./frame-walker.ts";
import { walked } from "./guards.ts";

const CHUNK_BYTES = 1_024 * 1_024;

/** As {@link ZstdCodec.decompress}; the decoder alone would let pass what follows the frame. */
export async function* unpackZstd(
  source: AsyncIterable<Uint8Array>,
  { maxOutputBytes, isTransient = false, signal }: DecompressOptions,
): AsyncGenerator<Buffer> {
  signal?.throwIfAborted();
  const decoder = createZstdDecompress({
    chunkSize: CHUNK_BYTES,
    params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG },
  });
  // How it ends is seen at the decoder, too. Not awaited: a source that is stuck must not hold up who gave up on it.
  void pipeline(walked(source, maxOutputBytes), decoder, { signal }).catch(() => {});
  let total = 0;
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) {
      total += chunk.length;
      if (total > maxOutputBytes) throw outputTooLarge(maxOutputBytes);
      yield chunk;
      if (isTransient) letGo(chunk);
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (codeOf(error)?.startsWith("ZSTD_error_") === true) throw corrupt(messageOf(error), error);
    throw error;
  }
}

/**
 * Gives the memory back now. The collector is told of each chunk as of so much to collect, and would go to work after
 * every few of them.
 *
 * A chunk may be a part of a buffer that the decoder still writes to, except for the one at its end.
 */
function letGo({ buffer, byteOffset, length }: Buffer): void {
  const isOfDecoder = buffer.byteLength >= CHUNK_BYTES && byteOffset + length === buffer.byteLength;
  if (isOfDecoder && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
