/** A saved machine as one file. It holds the memory of a machine, with all the secrets that were in it. */
import { open, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Scope } from "../../base/scope.ts";
import { contentBytesOf, planFile, type TarStreamOptions, tarStream } from "../../image/archive/tar-stream.ts";
import type { ZstdCodec } from "../../image/zstd/codec.ts";
import { SnapshotError } from "../errors.ts";
import { formatRecord } from "../format-record.ts";
import { MEMORY_FILE, type SavedMachine } from "../saved-machine.ts";
import { makeExportFolder } from "./export-folder.ts";
import { MANIFEST_FILE } from "./format.ts";

export interface ExportOptions extends TarStreamOptions {
  zstd: ZstdCodec;
  /** 1 to 19; default 3. */
  level?: number;
  threads?: number;
}

/**
 * Writes a tar.zst: first `snapshot.json`, then the files it names.
 *
 * @param saved Leased by the caller.
 * @throws {SnapshotError} `snapshot-not-portable`: part of it is a file of this host.
 * @param targetFile Absolute path; appears when it is whole and replaces what was there, for this user alone.
 */
export async function exportSnapshot(saved: SavedMachine, targetFile: string, options: ExportOptions): Promise<void> {
  const { zstd, level = 3, threads = 1, signal } = options;
  signal?.throwIfAborted();
  requirePortable(saved);
  await using scope = new Scope();
  const { path: work } = scope.use(await makeExportFolder(dirname(targetFile)));
  // When a file was written to says nothing on another host.
  const files = saved.record.files.map(({ mtimeNs: _, ...file }) => file);
  await writeFile(join(work, MANIFEST_FILE), formatRecord({ ...saved.record, files }));
  const plan = [await planFile(work, MANIFEST_FILE, scope, signal)];
  // The largest last: what can be refused early comes first.
  const names = files.map(({ name }) => name).sort((a, b) => Number(a === MEMORY_FILE) - Number(b === MEMORY_FILE));
  for (const name of names) plan.push(await planFile(saved.directory, name, scope, signal));
  const partFile = join(work, "archive");
  await using target = await open(partFile, "wx", 0o600);
  const contentBytes = contentBytesOf(plan);
  await zstd.compressInto(target, tarStream(plan, options), { level, threads, contentBytes, signal });
  await target.sync();
  await rename(partFile, targetFile);
}

/** @throws {SnapshotError} `snapshot-not-portable` */
function requirePortable({ id, record: { directBoot } }: SavedMachine): void {
  if (directBoot === undefined) return;
  const message = `the snapshot ${id} cannot leave this host: it goes on only with ${directBoot.kernel}, a file of this host`;
  throw new SnapshotError("snapshot-not-portable", message, { blame: "task" });
}
