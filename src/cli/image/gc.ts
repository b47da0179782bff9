/** `boxcar image gc`: what the worker's collector does with images, when somebody wants it. */
import { InvalidInputError } from "../../base/errors.ts";
import { formatBytes } from "../../base/units.ts";
import type { Config } from "../../config/config.ts";
import { freeDiskBytes } from "../../host/room.ts";
import { collectFrom } from "../../image/store/collect.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { openStore } from "../store.ts";
import { tryParseFree } from "./parse-free.ts";

export interface GcFlags {
  until?: string;
  allUntagged?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

export async function collectByHand(flags: GcFlags, config: Config, context: CliContext): Promise<void> {
  const { allUntagged = false, dryRun = false } = flags;
  const wantedBytes = flags.until === undefined ? config.worker.gc.minFreeDiskBytes : parseFree(flags.until);
  await using store = await openStore(config);
  const { directory } = config.images;
  const isFree = async (freedBytes: number) => {
    context.signal.throwIfAborted();
    return (await freeDiskBytes(directory)) + (dryRun ? freedBytes : 0) >= wantedBytes;
  };
  const nothing = async () => {
    context.signal.throwIfAborted();
    return false;
  };
  const removed =
    allUntagged && flags.until === undefined
      ? await collectFrom(store, nothing, { what: "untagged", dryRun })
      : await collectFrom(store, isFree, { what: allUntagged ? "untagged" : "all", dryRun });
  const freedBytes = removed.reduce((sum, { bytes }) => sum + bytes, 0);
  const freeBytes = await freeDiskBytes(directory);
  if (flags.json) {
    printJson(context, { dryRun, removed, freedBytes, freeBytes });
    return;
  }
  const verb = dryRun ? "would remove" : "removed";
  for (const { what, bytes } of removed) print(context, `${verb} ${what}: ${formatBytes(bytes)}`);
  const sum = removed.length === 0 ? "nothing to remove" : `${verb} ${formatBytes(freedBytes)} in all`;
  print(context, `${sum}; ${formatBytes(freeBytes)} are free`);
}

function parseFree(text: string): number {
  const bytes = tryParseFree(text);
  if (bytes !== undefined) return bytes;
  const message = `must say how much is to be free, such as "20 GiB free", not ${JSON.stringify(text.slice(0, 50))}`;
  throw new InvalidInputError("The command line", [{ path: "--until", message }], "task");
}
