/** `work.ts pack DIRECTORY ARCHIVE` or `work.ts import STORE ARCHIVE`: in a process of its own, whose memory is counted. */
import { DEFAULT_LIMITS } from "../../../src/image/archive/format.ts";
import { packImage } from "../../../src/image/archive/pack.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { chooseZstd } from "../../../src/image/zstd/choose-zstd.ts";

const [what, directory = "", archive = ""] = process.argv.slice(2);
if (what === "pack") {
  await packImage(directory, archive, { zstd: await chooseZstd(), limits: DEFAULT_LIMITS });
} else {
  await using store = await ImageStore.open({ directory });
  await store.import(archive);
}
