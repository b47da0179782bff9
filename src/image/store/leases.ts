/** Files that say who uses an image; of a dead process they say nothing. */
import { mkdir, rm, rmdir, writeFile } from "node:fs/promises";
import { codeOf } from "../../base/errors.ts";
import { isAbandoned, makeOwnedName } from "../../host/owned-name.ts";
import type { StoreLayout } from "./layout.ts";

/** Under the lock of the image. From when it is in the store on it stays there until this is disposed. */
export async function beginLease(layout: StoreLayout, sha256: string): Promise<AsyncDisposable> {
  const file = layout.path("leases", sha256, await makeOwnedName());
  await mkdir(layout.path("leases", sha256), { recursive: true });
  await writeFile(file, "", { flag: "wx" });
  let release: Promise<void> | undefined;
  return {
    [Symbol.asyncDispose]() {
      release ??= rm(file, { force: true });
      return release;
    },
  };
}

/** Under the lock of an image that is not in the store. What others hold stays. */
export async function tryRemoveLeaseFolder(layout: StoreLayout, sha256: string): Promise<void> {
  await rmdir(layout.path("leases", sha256)).catch((error: unknown) => {
    if (codeOf(error) !== "ENOTEMPTY" && codeOf(error) !== "ENOENT") throw error;
  });
}

/** Names of the leases on an image whose owners live; the others are removed on the way. */
export async function liveLeases(layout: StoreLayout, sha256: string): Promise<string[]> {
  const live: string[] = [];
  for (const name of await layout.names("leases", sha256)) {
    if (await isAbandoned(name)) await rm(layout.path("leases", sha256, name), { force: true });
    else live.push(name);
  }
  return live;
}
