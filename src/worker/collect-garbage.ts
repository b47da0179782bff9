/**
 * Makes room on the host: what nothing needs any more, then, if the disk is still too full, what can be had again.
 *
 * One collection at a time; what goes wrong with one part of it does not keep the others from it.
 */
import { readdir, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { codeOf, messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { CacheStore } from "../cache/cache-store.ts";
import { ignoreMissing } from "../host/durable-file.ts";
import { freeDiskBytes } from "../host/room.ts";
import { collectImages } from "../image/store/collect.ts";
import type { ImageStore } from "../image/store/image-store.ts";
import type { SavedMachine } from "../snapshot/saved-machine.ts";
import type { SnapshotStore } from "../snapshot/snapshot-store.ts";
import { LOG_FILE } from "./run-log.ts";

export interface GarbageOptions {
  images: ImageStore;
  caches: CacheStore;
  inputs: { trim(maxBytes: number): Promise<number> };
  /** Saved machines. */
  snapshots: Pick<SnapshotStore, "removeExpired">;
  /** Absolute path of the folder of runs. */
  runsFolder: string;
  /** Is one of them, right now? */
  isRunning: (taskId: string, runId: number) => boolean;
  /** Absolute; on the disk that is looked at. */
  stateDir: string;
  settings: { minFreeDiskBytes: number; maxCacheBytes: number | undefined };
  logger: Logger;
  /** Told of what was removed: its kind, and how many. */
  onRemoved?: (kind: GarbageKind, count: number) => void;
  /** Default: what the file system says. */
  freeBytes?: () => Promise<number>;
  now?: () => Date;
}

export type GarbageKind = "logs" | "caches" | "inputs" | "images" | "snapshots";

/** Logs of runs that were lost are kept so long where there is room. */
const KEEP_RUNS_MS = 7 * 86_400_000;
/** And so long where there is not: nobody else has them. */
const KEEP_RUNS_ANYWAY_MS = 86_400_000;

/** Never rejects. */
export async function collectGarbage(options: GarbageOptions): Promise<void> {
  const { images, caches, inputs, settings, stateDir } = options;
  const { freeBytes = () => freeDiskBytes(stateDir) } = options;
  const isEnough = async () => (await freeBytes()) >= settings.minFreeDiskBytes;
  const unlessEnough = async (part: () => Promise<readonly string[]>) => ((await isEnough()) ? [] : await part());
  const removed: string[] = [];
  const attempt = async (what: string, kind: GarbageKind, part: () => Promise<readonly string[]>) => {
    try {
      const some = await part();
      if (some.length > 0) options.onRemoved?.(kind, some.length);
      removed.push(...some);
    } catch (error) {
      options.logger.log("warn", `${what} could not be collected: ${messageOf(error)}`);
    }
  };
  const purge = async (maxBytes: number) => (await caches.trim(maxBytes)).map((name) => `the cache ${name}`);
  const { maxCacheBytes } = settings;
  await attempt("snapshots", "snapshots", async () =>
    (await options.snapshots.removeExpired(options.now?.())).map(describeSnapshot),
  );
  await attempt("old logs", "logs", () => removeRuns(options, KEEP_RUNS_MS));
  if (maxCacheBytes !== undefined) await attempt("caches", "caches", () => purge(maxCacheBytes));
  await attempt("inputs", "inputs", () =>
    unlessEnough(async () => ((await inputs.trim(0)) > 0 ? ["the inputs of tasks"] : [])),
  );
  await attempt("images", "images", () => collectImages(images, isEnough));
  await attempt("caches", "caches", () => unlessEnough(() => purge(0)));
  await attempt("logs", "logs", () => removeRuns(options, KEEP_RUNS_ANYWAY_MS, isEnough));
  if (removed.length === 0) return;
  options.logger.log("info", `removed ${removed.join(", ")}`, { freeBytes: await freeBytes().catch(() => undefined) });
}

function describeSnapshot({ id, record }: SavedMachine): string {
  const { task } = record.source;
  if (task === undefined) return `the snapshot ${id}`;
  const what = task.checkpoint === undefined ? "the failed machine" : `the checkpoint ${task.checkpoint}`;
  return `${what} of ${task.taskId}/${task.runId}`;
}

interface LeftRun {
  readonly name: string;
  readonly folder: string;
  readonly ageMs: number;
}

/**
 * Removes the oldest first, until it `isEnough`, and none that is younger than `keepMs`.
 *
 * @returns what was removed, for people.
 */
async function removeRuns(
  options: GarbageOptions,
  keepMs: number,
  isEnough: () => Promise<boolean> = async () => false,
): Promise<string[]> {
  const removed: string[] = [];
  const runs = await leftRuns(options);
  for (const { name, folder } of runs.filter(({ ageMs }) => ageMs >= keepMs).sort((a, b) => b.ageMs - a.ageMs)) {
    if (await isEnough()) break;
    await rm(folder, { recursive: true, force: true });
    removed.push(`the log of ${name}`);
    // Other runs may be in it.
    await rmdir(dirname(folder)).catch(() => {});
  }
  return removed;
}

async function leftRuns({ runsFolder, isRunning, now = () => new Date() }: GarbageOptions): Promise<LeftRun[]> {
  const runs: LeftRun[] = [];
  for (const taskId of await namesIn(runsFolder)) {
    for (const run of await namesIn(join(runsFolder, taskId))) {
      const folder = join(runsFolder, taskId, run);
      // One that has just ended is gone; one of another worker of this host shows in its log that it goes on.
      const paths = [folder, join(folder, LOG_FILE)];
      const facts = await Promise.all(paths.map((path) => stat(path).catch(ignoreMissing)));
      if (facts[0] === undefined || isRunning(taskId, Number(run))) continue;
      const changedMs = Math.max(...facts.map((each) => each?.mtimeMs ?? 0));
      runs.push({ name: `${taskId}/${run}`, folder, ageMs: now().getTime() - changedMs });
    }
  }
  return runs;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}
