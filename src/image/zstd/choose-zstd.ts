/** Which zstd to use on this host. */
import { isInstalled } from "../../host/program.ts";
import { BinaryZstd } from "./binary-zstd.ts";
import type { ZstdCodec } from "./codec.ts";
import { CodecZstd } from "./codec-zstd.ts";

/** The program where it is installed: it is three times as fast. Else zstd-codec, which is always there. */
export async function chooseZstd(): Promise<ZstdCodec> {
  return (await isInstalled("zstd")) ? new BinaryZstd() : new CodecZstd();
}
