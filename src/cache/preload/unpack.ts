/**
 * Unpacks a preload archive into a folder, from which a file system is made.
 *
 * The archive may come from anybody: see entries.ts for what of it gets as far as this. On failure some of it may be
 * left; the folder is in a place that the caller removes.
 */
import { createWriteStream } from "node:fs";
import { chmod, chown, lchown, link, lutimes, mkdir, symlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { getuid } from "node:process";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, type Header } from "tar-stream";
import { CacheError } from "../errors.ts";
import { readArchive } from "./archive-stream.ts";
import { PreloadEntries, type PreloadEntry, type PreloadLimits, refused } from "./entries.ts";

/** As the decoder hands it out. */
type Contents = AsyncIterable<unknown> & { readonly header: Header; resume(): unknown };

export interface PreloadOptions extends Partial<PreloadLimits> {
  /** Of all files together. */
  maxBytes: number;
  signal?: AbortSignal | undefined;
}

const MAX_ENTRIES = 500_000;
/** What an entry may need beside its contents: its header, long names before it, padding. */
const OVERHEAD_BYTES_PER_ENTRY = 16 * 1_024;

/**
 * @param directory Absolute path at which nothing is.
 * @throws {@link CacheError} `preload-refused`, `preload-too-large`; system errors of the host; `signal.reason`
 */
export async function unpackPreload(archive: string, directory: string, options: PreloadOptions): Promise<void> {
  const { maxBytes, maxEntries = MAX_ENTRIES, signal } = options;
  await mkdir(directory, { mode: 0o755 });
  const tar = extract();
  const source = Readable.from(readArchive(archive, maxBytes + maxEntries * OVERHEAD_BYTES_PER_ENTRY, signal));
  const fed = pipeline(source, tar);
  fed.catch(() => {});
  try {
    const entries = new PreloadEntries({ maxBytes, maxEntries });
    const tree = new Tree(directory);
    for await (const entry of tar) {
      const judged = entries.add(entry.header);
      if (judged === undefined) entry.resume();
      else await tree.make(judged, entry);
    }
    await fed;
    await tree.finish();
  } catch (error) {
    signal?.throwIfAborted();
    const first = await fed.then(
      () => error,
      (reason: unknown) => (error instanceof CacheError ? error : reason),
    );
    if (first instanceof CacheError || (first instanceof Error && "syscall" in first)) throw first;
    throw refused("it is no valid tar archive", first);
  } finally {
    tar.destroy();
    source.destroy();
  }
}

/** Numbers of the archive's makers mean the same in a guest; only root may give files to others. */
const KEEPS_OWNERS = getuid?.() === 0;

/** Writes entries that were judged. Folders get their modes, and links come, when nothing more is written. */
class Tree {
  readonly #directory: string;
  readonly #folders: { path: string; mode: number; header: Header }[] = [];
  readonly #symlinks: { path: string; target: string; header: Header }[] = [];

  constructor(directory: string) {
    this.#directory = directory;
  }

  async make(entry: PreloadEntry, contents: Contents): Promise<void> {
    const { header } = contents;
    for (const parent of entry.parents) await mkdir(this.#path(parent), { mode: 0o755 });
    const path = this.#path(entry.path);
    if (entry.kind === "file") {
      await pipeline(contents, createWriteStream(path, { flags: "wx", mode: 0o600 }));
      await this.#finishFile(path, entry.mode, header);
      return;
    }
    contents.resume();
    if (entry.kind === "hardlink") await link(this.#path(entry.target), path);
    if (entry.kind === "symlink") this.#symlinks.push({ path, target: entry.target, header });
    if (entry.kind !== "folder") return;
    await mkdir(path, { recursive: true, mode: 0o755 });
    this.#folders.push({ path, mode: entry.mode, header });
  }

  async finish(): Promise<void> {
    for (const { path, target, header } of this.#symlinks) {
      await symlink(target, path);
      if (KEEPS_OWNERS) await lchown(path, header.uid ?? 0, header.gid ?? 0);
      await lutimes(path, ...times(header));
    }
    // From the inside out: what is made in a folder changes its time.
    for (const { path, mode, header } of this.#folders.reverse()) await this.#finishFile(path, mode, header);
  }

  async #finishFile(path: string, mode: number, header: Header): Promise<void> {
    if (KEEPS_OWNERS) await chown(path, header.uid ?? 0, header.gid ?? 0);
    await chmod(path, mode);
    await utimes(path, ...times(header));
  }

  #path(path: string): string {
    return join(this.#directory, path);
  }
}

function times({ mtime }: Header): [Date, Date] {
  const time = mtime ?? new Date(0);
  return [time, time];
}
