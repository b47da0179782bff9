/** `work.ts pack DIRECTORY ARCHIVE` or `work.ts import STORE ARCHIVE`: in a process of its own, whose memory is counted. */
const [what, directory = "", archive = ""] = process.argv.slice(2);
// As the command line does: each command loads what it needs.
if (what === "pack") {
  const { DEFAULT_LIMITS } = await import("../../../src/image/archive/format.ts");
  const { packImage } = await import("../../../src/image/archive/pack.ts");
  const { chooseZstd } = await import("../../../src/image/zstd/choose-zstd.ts");
  await packImage(directory, archive, { zstd: await chooseZstd(), limits: DEFAULT_LIMITS });
} else {
  const { ImageStore } = await import("../../../src/image/store/image-store.ts");
  await using store = await ImageStore.open({ directory });
  await store.import(archive);
}
