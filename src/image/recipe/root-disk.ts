/** A folder as a disk: ext4, sparse, without mounting anything. */
import { truncate, writeFile } from "node:fs/promises";
import { ADMINISTRATORS_PATH, runCommand } from "../../host/command.ts";

/** Looked for by src/guest/init; see ROOT_LABEL there. */
export const ROOT_LABEL = "boxcar-root";

const FILE_SYSTEM_ID = "b0cca500-0000-4000-8000-000000000001";
const MIB = 1_048_576;

/** @param file Absolute path of the new disk. */
export async function makeRootDisk(root: string, file: string, sizeMiB: number, signal?: AbortSignal): Promise<void> {
  await writeFile(file, "", { flag: "wx" });
  await truncate(file, sizeMiB * MIB);
  const extended = `hash_seed=${FILE_SYSTEM_ID},lazy_itable_init=1,nodiscard,root_owner=0:0`;
  await runCommand(
    [
      "mke2fs",
      ...["-q", "-F", "-t", "ext4", "-L", ROOT_LABEL, "-U", FILE_SYSTEM_ID, "-m", "0"],
      // The disk of a task is thrown away with it: a journal would cost writes and protect nothing.
      ...["-O", "^has_journal", "-E", extended, "-d", root, file],
    ],
    { signal, env: { PATH: ADMINISTRATORS_PATH, E2FSPROGS_FAKE_TIME: "1" } },
  );
}
