/** New file systems for caches. No program of the host ever reads one that a guest has written to. */
import { truncate, writeFile } from "node:fs/promises";
import { ADMINISTRATORS_PATH, CommandError, runCommand } from "../host/command.ts";
import { CacheError } from "./errors.ts";

const MIB = 1_048_576;
/** Larger journals would only take room: nothing in a cache needs to survive a crash of its machine. */
const JOURNAL_MIB = 16;
const BYTES_PER_INODE = 8_192;

export interface FileSystemOptions {
  /** In whole MiB. */
  sizeBytes: number;
  /** A folder whose contents it gets. */
  contents?: string | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Makes an ext4 file system in a new sparse file.
 *
 * @throws {@link CacheError} `preload-too-large` if the contents do not fit; {@link CommandError}; `signal.reason`.
 */
export async function makeFileSystem(file: string, { sizeBytes, contents, signal }: FileSystemOptions): Promise<void> {
  await writeFile(file, "", { flag: "wx", mode: 0o600 });
  await truncate(file, sizeBytes);
  const options = { signal, env: { PATH: ADMINISTRATORS_PATH } };
  const journal = sizeBytes >= 256 * MIB ? ["-J", `size=${JOURNAL_MIB}`] : [];
  try {
    await runCommand(
      [
        "mke2fs",
        ...["-q", "-F", "-t", "ext4", "-b", "4096", "-I", "256", "-i", String(BYTES_PER_INODE), "-m", "0", ...journal],
        ...["-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0"],
        ...(contents === undefined ? [] : ["-d", contents]),
        file,
      ],
      options,
    );
  } catch (cause) {
    if (contents === undefined || !(cause instanceof CommandError) || cause.code !== "command-failed") throw cause;
    const message = `what the cache is to be preloaded with does not fit into it (${sizeBytes} bytes); make it larger`;
    throw new CacheError("preload-too-large", message, { cause });
  }
  // Programs that want an empty folder take it for one then.
  await runCommand(["debugfs", "-w", "-R", "rmdir lost+found", file], options);
}
