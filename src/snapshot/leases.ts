/** Files that say who uses a saved machine; of a dead process they say nothing. */
import { mkdir, rm, rmdir, writeFile } from "node:fs/promises";
import { codeOf } from "../base/errors.ts";
import { isAbandoned, makeOwnedName } from "../host/owned-name.ts";
import type { SnapshotLayout } from "./layout.ts";

/** Under the lock of the store. */
export async function beginLease(layout: SnapshotLayout, id: string): Promise<AsyncDisposable> {
  const file = layout.path("leases", id, await makeOwnedName());
  await mkdir(layout.path("leases", id), { recursive: true, mode: 0o700 });
  await writeFile(file, "", { flag: "wx" });
  let release: Promise<void> | undefined;
  return {
    [Symbol.asyncDispose]() {
      release ??= rm(file, { force: true });
      return release;
    },
  };
}

/** How many use it; under the lock of the store. What dead processes held goes on the way. */
export async function countLeases(layout: SnapshotLayout, id: string): Promise<number> {
  let live = 0;
  for (const name of await layout.names("leases", id)) {
    if (await isAbandoned(name)) await rm(layout.path("leases", id, name), { force: true });
    else live++;
  }
  return live;
}

/** Under the lock of the store; what somebody holds stays. */
export async function removeLeases(layout: SnapshotLayout, id: string): Promise<void> {
  await countLeases(layout, id);
  await rmdir(layout.path("leases", id)).catch((error: unknown) => {
    if (codeOf(error) !== "ENOTEMPTY" && codeOf(error) !== "ENOENT") throw error;
  });
}
