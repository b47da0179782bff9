/**
 * What of an image store can be had again: archives that were kept, snapshots, which the next task makes anew, and
 * images without a name, which came by a URL or a path, or for an image that lies on them. The least recently used
 * first; images with a name stay, somebody has put them there, and so do those that they lie on.
 */
import { codeOf } from "../../base/errors.ts";
import { nextToCollect } from "./collect-order.ts";
import type { Image } from "./image.ts";
import type { ImageStore } from "./image-store.ts";
import type { SnapshotEntry } from "./snapshots.ts";

/**
 * Removes one thing after the other until `isEnough`; what is in use stays.
 *
 * @returns what was removed, for people.
 */
export async function collectImages(store: ImageStore, isEnough: () => Promise<boolean>): Promise<string[]> {
  const removed: string[] = [];
  for (const image of (await store.list()).reverse().filter(({ sizes }) => sizes.keptArchiveBytes > 0)) {
    if (await isEnough()) return removed;
    if (await tryRemove(() => store.removeArchive(image.digest))) removed.push(`the archive of ${nameOf(image)}`);
  }
  for (const { image, entry } of await snapshotsByAge(store)) {
    if (await isEnough()) return removed;
    if (await tryRemove(() => removeSnapshot(store, image, entry))) removed.push(`a snapshot of ${nameOf(image)}`);
  }
  const left = new Set((await store.list()).reverse());
  const kept = new Set<Image>();
  for (let image = nextToCollect(left, kept); image !== undefined; image = nextToCollect(left, kept)) {
    if (await isEnough()) return removed;
    const { digest } = image;
    if (await tryRemove(() => store.remove(digest))) {
      removed.push(`the image ${nameOf(image)}`);
      left.delete(image);
    } else kept.add(image);
  }
  return removed;
}

/** Those of the image that was used least recently first. */
async function snapshotsByAge(store: ImageStore): Promise<{ image: Image; entry: SnapshotEntry }[]> {
  const images = (await store.list()).reverse();
  const entries = await Promise.all(
    images.map(async (image) => (await store.listSnapshots(image)).reverse().map((entry) => ({ image, entry }))),
  );
  return entries.flat().filter(({ entry }) => entry.kind !== "refusal");
}

async function removeSnapshot(store: ImageStore, { digest }: Image, entry: SnapshotEntry): Promise<void> {
  if (entry.kind === "refusal") return;
  await using lease = await store.acquire(digest);
  await lease.snapshots.remove(entry);
}

/** Somebody uses it, or has removed it meanwhile. */
async function tryRemove(remove: () => Promise<unknown>): Promise<boolean> {
  try {
    await remove();
    return true;
  } catch (error) {
    if (codeOf(error) === "image-in-use" || codeOf(error) === "image-not-found") return false;
    throw error;
  }
}

function nameOf({ digest, tags }: Image): string {
  return tags[0] ?? digest.slice(0, "sha256:".length + 12);
}
