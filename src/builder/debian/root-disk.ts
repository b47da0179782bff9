/** A folder as a disk: ext4, sparse, without mounting anything. The same files give the same disk. */
import { truncate, writeFile } from "node:fs/promises";
import { ADMINISTRATORS_PATH, runCommand } from "../../host/command.ts";
import type { Starter } from "./namespace.ts";

/** Looked for by src/guest/init; see ROOT_LABEL there. */
export const ROOT_LABEL = "boxcar-root";

const FILE_SYSTEM_ID = "b0cca500-0000-4000-8000-000000000001";
const MIB = 1_048_576;

export interface RootDiskOptions {
  /** Absolute path of the files. */
  root: string;
  /** Absolute path of the new disk. */
  file: string;
  sizeMiB: number;
  starter?: Starter;
  signal?: AbortSignal | undefined;
}

export async function makeRootDisk({ root, file, sizeMiB, starter = [], signal }: RootDiskOptions): Promise<void> {
  await writeFile(file, "", { flag: "wx" });
  await truncate(file, sizeMiB * MIB);
  const extended = `hash_seed=${FILE_SYSTEM_ID},lazy_itable_init=1,nodiscard,root_owner=0:0`;
  const env = { PATH: ADMINISTRATORS_PATH, E2FSPROGS_FAKE_TIME: "1" };
  await runCommand(
    [
      "mke2fs",
      ...["-q", "-F", "-t", "ext4", "-L", ROOT_LABEL, "-U", FILE_SYSTEM_ID, "-m", "0"],
      // The disk of a task is thrown away with it: a journal would cost writes and protect nothing.
      ...["-O", "^has_journal", "-E", extended, "-d", root, file],
    ],
    { starter, signal, env },
  );
  await forgetTimes(file, signal);
}

/**
 * Files on the host know when they were last read, and when they were made what they are, which nobody can set; and so
 * do their copies.
 *
 * @param fileSystem As debugfs names it: a file, where wanted with `?offset=` and a number of bytes.
 */
export async function forgetTimes(fileSystem: string, signal?: AbortSignal): Promise<void> {
  const env = { PATH: ADMINISTRATORS_PATH, E2FSPROGS_FAKE_TIME: "1" };
  const { stdout } = await runCommand(["dumpe2fs", "-h", fileSystem], { signal, env });
  const used = countOf(stdout, "Inode count") - countOf(stdout, "Free inodes");
  const commands = [ROOT_INODE, ...range(FIRST_INODE, used + 1)].flatMap((inode) =>
    ["atime", "ctime"].map((field) => `set_inode_field <${inode}> ${field} @1`),
  );
  await runCommand(["debugfs", "-w", "-f", "-", fileSystem], {
    signal,
    env,
    input: `${commands.join("\n")}\n`,
    maxOutputBytes: 256 * MIB,
  });
}

const ROOT_INODE = 2;
/** That of lost+found; those before it are the file system's own. */
const FIRST_INODE = 11;

function countOf(text: string, name: string): number {
  const count = new RegExp(`^${name}:\\s+(\\d+)$`, "m").exec(text)?.[1];
  if (count === undefined) throw new Error(`dumpe2fs did not say what ${name} is`);
  return Number(count);
}

function range(first: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index);
}
