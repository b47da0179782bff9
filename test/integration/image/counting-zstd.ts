import { BinaryZstd } from "../../../src/image/zstd/binary-zstd.ts";
import type { DecompressOptions } from "../../../src/image/zstd/codec.ts";

/** Counts how often something is unpacked. */
export class CountingZstd extends BinaryZstd {
  unpacked = 0;

  override decompress(source: AsyncIterable<Uint8Array>, options: DecompressOptions): AsyncGenerator<Buffer> {
    this.unpacked++;
    return super.decompress(source, options);
  }
}
