/**
 * Makes room on the host: what nothing needs any more, then, if the disk is still too full, what can be had again.
 *
 * One collection at a time; what goes wrong with one part of it does not keep the others from it.
 */
import { readdir, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { CacheStore } from "../cache/cache-store.ts";
import { freeDiskBytes } from "../host/room.ts";
import { collectImages } from "../image/store/collect.ts";
import type { ImageStore } from "../image/store/image-store.ts";

export interface GarbageOptions {
  images: ImageStore;
  caches: CacheStore;
  inputs: { trim(maxBytes: number): Promise<number> };
  /** Absolute path of the folder of runs. */
  runsFolder: string;
  /** Is one of them, right now? */
  isRunning: (taskId: string, runId: number) => boolean;
  /** Absolute; on the disk that is looked at. */
  stateDir: string;
  settings: { minFreeDiskBytes: number; maxCacheBytes: number | undefined };
  logger: Logger;
  /** Default: what the file system says. */
  freeBytes?: () => Promise<number>;
  now?: () => Date;
}

/** Logs of runs that were lost are kept so long. */
const KEEP_RUNS_MS = 7 * 86_400_000;

/** Never rejects. */
export async function collectGarbage(options: GarbageOptions): Promise<void> {
  const { images, caches, inputs, settings, stateDir } = options;
  const { freeBytes = () => freeDiskBytes(stateDir) } = options;
  const isEnough = async () => (await freeBytes()) >= settings.minFreeDiskBytes;
  const removed: string[] = [];
  const attempt = async (what: string, part: () => Promise<readonly string[]>) => {
    try {
      removed.push(...(await part()));
    } catch (error) {
      options.logger.log("warn", `${what} could not be collected: ${messageOf(error)}`);
    }
  };
  await attempt("old logs", () => removeOldRuns(options));
  if (settings.maxCacheBytes !== undefined) {
    const { maxCacheBytes } = settings;
    await attempt("caches", async () => (await caches.trim(maxCacheBytes)).map((name) => `the cache ${name}`));
  }
  if (!(await isEnough()))
    await attempt("inputs", async () => ((await inputs.trim(0)) > 0 ? ["the inputs of tasks"] : []));
  await attempt("images", () => collectImages(images, isEnough));
  if (!(await isEnough()))
    await attempt("caches", async () => (await caches.trim(0)).map((name) => `the cache ${name}`));
  if (removed.length > 0) options.logger.log("info", `removed ${removed.join(", ")}`, { freeBytes: await freeBytes() });
}

/** @returns what was removed, for people. */
async function removeOldRuns({ runsFolder, isRunning, now = () => new Date() }: GarbageOptions): Promise<string[]> {
  const removed: string[] = [];
  for (const taskId of await namesIn(runsFolder)) {
    for (const run of await namesIn(join(runsFolder, taskId))) {
      const folder = join(runsFolder, taskId, run);
      if (isRunning(taskId, Number(run)) || now().getTime() - (await stat(folder)).mtimeMs < KEEP_RUNS_MS) continue;
      await rm(folder, { recursive: true, force: true });
      removed.push(`the log of ${taskId}/${run}`);
    }
    // Other runs may be in it.
    await rmdir(join(runsFolder, taskId)).catch(() => {});
  }
  return removed;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}
