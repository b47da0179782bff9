/** An image whose guest is 512 bytes and has no agent, in a store: its machine runs within milliseconds. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { ArchiveFolder } from "../../integration/image/archives.ts";
import { makeImage } from "../../integration/snapshot/counting-machine.ts";

export const COUNTING_IMAGE = "counter";

export async function importCountingImage(store: string): Promise<void> {
  using folder = new ArchiveFolder();
  const directory = join(folder.path, "counter");
  await makeImage(directory);
  await writeFile(join(directory, "machine.json"), JSON.stringify({ version: 2, memory: 64 }));
  const archive = folder.pack(directory, ["--format=posix", "-S", "machine.json", "disk.img"]);
  await using images = await ImageStore.open({ directory: store });
  await images.import(archive, { tag: COUNTING_IMAGE });
}
