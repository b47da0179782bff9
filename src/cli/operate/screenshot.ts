/** Fetches a picture of a screen into a file. */
import { createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { codeOf, WorkerError } from "../../base/errors.ts";
import { whyUnreadable } from "../../base/why-unreadable.ts";
import { type CliContext, print } from "../context.ts";
import type { ServerAddress } from "../server/address.ts";
import { openResponse } from "../server/request.ts";

export interface WantedScreenshot {
  server: ServerAddress;
  task: string;
  run: number | "latest";
  /** Default: a name made of the task and the time; "-" is stdout. */
  output: string | undefined;
}

/** @throws {WorkerError} what the worker answers, such as `no-machine`. */
export async function saveScreenshot(
  { server, task, run, output }: WantedScreenshot,
  context: CliContext,
): Promise<void> {
  const { signal, stdout, cwd } = context;
  const path = `/api/v1/tasks/${encodeURIComponent(task)}/runs/${run}/screen`;
  const picture = await openResponse({ server, path, signal }, "image/png");
  if (output === "-") {
    await pipeline(picture, stdout, { end: false, signal }).catch((error: unknown) => {
      if (codeOf(error) !== "EPIPE") throw error;
    });
    return;
  }
  const file = resolve(cwd, output ?? `${task}-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.png`);
  await savePicture(picture, file, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    // What the worker has to do with it is said by others.
    if (typeof error !== "object" || error === null || !("syscall" in error) || !("path" in error)) throw error;
    const why = codeOf(error) === "ENOENT" ? "there is no such folder" : whyUnreadable(error);
    throw new WorkerError(`${file} cannot be written: ${why}`, { code: "cannot-write", blame: "host", cause: error });
  });
  print(context, file);
}

async function savePicture(picture: Readable, file: string, signal: AbortSignal): Promise<void> {
  const there = await stat(file).catch(() => undefined);
  // A device stays what it is.
  if (there !== undefined && !there.isFile()) return await pipeline(picture, createWriteStream(file), { signal });
  // Half a picture is none.
  const part = `${file}.part`;
  try {
    await pipeline(picture, createWriteStream(part), { signal });
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}
