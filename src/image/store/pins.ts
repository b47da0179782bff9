/**
 * What keeps an image in the store although nobody runs: something on the disk that lies on it, such as the disk of a
 * machine that is switched off.
 *
 * A pin is a link to that thing, and counts for as long as the thing is there. So nobody has to take it out, and nothing
 * is left of what a dead process was making.
 */
import { mkdir, readlink, rm, stat, symlink } from "node:fs/promises";
import { ignoreMissing, syncDirectory } from "../../host/durable-file.ts";
import type { StoreLayout } from "./layout.ts";

/**
 * Under the lock of the image.
 *
 * @param key Unique among all that pin images, such as the id of a machine.
 * @param path Absolute path of what lies on the image.
 */
export async function addPin(layout: StoreLayout, sha256: string, key: string, path: string): Promise<void> {
  await mkdir(layout.path("pins", sha256), { recursive: true });
  const link = layout.path("pins", sha256, key);
  await rm(link, { force: true });
  await symlink(path, link);
  await syncDirectory(layout.path("pins", sha256));
}

/** What pins the image; links to what is gone are removed on the way. */
export async function livePins(layout: StoreLayout, sha256: string): Promise<string[]> {
  const live: string[] = [];
  for (const key of await layout.names("pins", sha256)) {
    const link = layout.path("pins", sha256, key);
    const path = await readlink(link).catch(ignoreMissing);
    if (path === undefined) continue;
    if ((await stat(path).catch(ignoreMissing)) === undefined) await rm(link, { force: true });
    else live.push(path);
  }
  return live;
}
