/** Which zstd to use on this host. */
import { runCommand } from "../../host/command.ts";
import { BinaryZstd } from "./binary-zstd.ts";
import type { ZstdCodec } from "./codec.ts";
import { CodecZstd } from "./codec-zstd.ts";

/** The program where it is installed: it is three times as fast. Else zstd-codec, which is always there. */
export async function chooseZstd(): Promise<ZstdCodec> {
  try {
    await runCommand(["zstd", "--version"]);
    return new BinaryZstd();
  } catch {
    return new CodecZstd();
  }
}
