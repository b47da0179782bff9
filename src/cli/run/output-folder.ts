/**
 * The folder a run leaves its log, result and artifacts in: what an earlier run left there is replaced, what anybody
 * else put there is not touched.
 */
import { createReadStream } from "node:fs";
import { lstat, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { InvalidInputError } from "../../base/errors.ts";

const NAMES: ReadonlySet<string> = new Set([
  "artifacts",
  "task.log",
  "result.json",
  "failure.png",
  "console.log",
  "network.jsonl",
]);

/** How a line of the worker begins, and with it every log. */
const LOG_BEGIN = "[boxcar ";

/**
 * Makes the folder, or takes it over from an earlier run.
 *
 * @throws {InvalidInputError} There is something in it that a run would replace, and no run made it.
 */
export async function claimOutputFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const names = (await readdir(folder)).filter((name) => NAMES.has(name)).sort();
  const empty = await Promise.all(names.map((name) => isEmptyFile(join(folder, name))));
  const taken = names.filter((_, index) => !empty[index]);
  if (taken.length > 0 && !(await isOfARun(folder))) {
    const message = "is in the way, and no run of Boxcar made it; move it away, or choose another folder";
    const issues = taken.map((name) => ({ path: name, message }));
    throw new InvalidInputError(`The output folder ${folder}`, issues, "task");
  }
  await Promise.all(names.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}

/** All that comes of a run whose disk is full, or that is killed at once; there is nothing in it to lose. */
async function isEmptyFile(path: string): Promise<boolean> {
  const facts = await lstat(path);
  return facts.isFile() && facts.size === 0;
}

/** A run that was killed has left no result, but the beginning of its log. */
async function isOfARun(folder: string): Promise<boolean> {
  return hasTaskId(await tryRead(readFile(join(folder, "result.json"), "utf8"))) || (await beginsAsLog(folder));
}

function hasTaskId(json: string): boolean {
  try {
    const result: unknown = JSON.parse(json);
    return typeof result === "object" && result !== null && "taskId" in result;
  } catch {
    return false;
  }
}

async function beginsAsLog(folder: string): Promise<boolean> {
  const begin = createReadStream(join(folder, "task.log"), { end: LOG_BEGIN.length - 1 });
  return (await tryRead(text(begin))) === LOG_BEGIN;
}

/** What cannot be read is not ours. */
async function tryRead(content: Promise<string>): Promise<string> {
  return content.catch(() => "");
}
