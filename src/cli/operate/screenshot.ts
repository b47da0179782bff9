/** Fetches a picture of a screen into a file. */
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { codeOf } from "../../base/errors.ts";
import { type CliContext, print } from "../context.ts";
import { openResponse, type ServerAddress } from "../server/request.ts";

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
  const picture = await openResponse({ server, path, signal });
  if (output === "-") {
    await pipeline(picture, stdout, { end: false, signal }).catch((error: unknown) => {
      if (codeOf(error) !== "EPIPE") throw error;
    });
    return;
  }
  const file = resolve(cwd, output ?? `${task}-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.png`);
  // Half a picture is none.
  const part = `${file}.part`;
  try {
    await pipeline(picture, createWriteStream(part), { signal });
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  print(context, file);
}
