/** What is in a cache that is made, brought as the inputs of a task are. */
import { join } from "node:path";
import { pid } from "node:process";
import { showUrl } from "../../http/download.ts";
import type { RunContext } from "../feature.ts";
import { ByteBudget } from "../inputs/byte-budget.ts";
import { fetchInput } from "../inputs/fetch-input.ts";
import { InputCache } from "../inputs/input-cache.ts";
import { downloadNotes } from "../inputs/progress.ts";

export interface PreloadArchive extends AsyncDisposable {
  /** Of the file, while this is held. */
  readonly path: string;
}

/** @param subject Who needs it, for people. */
export async function fetchPreload(
  { url, sha256 }: { url: string; sha256: string },
  subject: string,
  { config, note, signal }: RunContext,
): Promise<PreloadArchive> {
  const { allow, maxBytes } = config.features.inputs;
  const cache = await InputCache.open(join(config.stateDir, "inputs"));
  const input = { kind: "fetched", url, sha256, path: subject, user: undefined, mode: 0o600, extract: false } as const;
  const file = await cache.acquire(
    sha256,
    async (path) => {
      const onProgress = downloadNotes(showUrl(new URL(url)), note);
      const makeRoom = () => cache.trim(0);
      const reserveBytes = config.worker.reserve.diskBytes;
      await fetchInput(input, path, {
        allow,
        budget: new ByteBudget(maxBytes),
        reserveBytes,
        makeRoom,
        onProgress,
        signal,
      });
    },
    signal,
  );
  // It may be removed from the cache while it is read; what is open stays.
  return { path: `/proc/${pid}/fd/${file.fd}`, [Symbol.asyncDispose]: () => file.close() };
}
