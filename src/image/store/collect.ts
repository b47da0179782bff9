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

export interface CollectOptions {
  /** `untagged`: images without a name alone, with all that belongs to them. Default: all that is said above. */
  what?: "all" | "untagged";
  /** Removes nothing, and does as if; what is in use is not known then. Default: no. */
  dryRun?: boolean;
}

export interface Collected {
  /** For people. */
  readonly what: string;
  /** On the disk. */
  readonly bytes: number;
}

/**
 * Removes one thing after the other until `isEnough`; what is in use stays.
 *
 * @param isEnough Told how much was removed, or would be.
 */
export async function collectFrom(
  store: ImageStore,
  isEnough: (freedBytes: number) => Promise<boolean>,
  { what = "all", dryRun = false }: CollectOptions = {},
): Promise<Collected[]> {
  const removed: Collected[] = [];
  const freed = () => removed.reduce((sum, { bytes }) => sum + bytes, 0);
  const tryOne = async (one: Collected, remove: () => Promise<unknown>): Promise<boolean> => {
    const isGone = dryRun || (await tryRemove(remove));
    if (isGone) removed.push(one);
    return isGone;
  };
  const archives = what === "all" ? (await store.list()).reverse().filter(hasArchive) : [];
  for (const image of archives) {
    if (await isEnough(freed())) return removed;
    const one = { what: `the archive of ${nameOf(image)}`, bytes: image.sizes.keptArchiveBytes };
    await tryOne(one, () => store.removeArchive(image.digest));
  }
  for (const { image, entry } of what === "all" ? await snapshotsByAge(store) : []) {
    if (await isEnough(freed())) return removed;
    const one = { what: `a snapshot of ${nameOf(image)}`, bytes: entry.kind === "snapshot" ? entry.diskBytes : 0 };
    await tryOne(one, () => removeSnapshot(store, image, entry));
  }
  const left = new Set((await store.list()).reverse());
  const kept = new Set<Image>();
  for (let image = nextToCollect(left, kept); image !== undefined; image = nextToCollect(left, kept)) {
    if (await isEnough(freed())) return removed;
    const { digest, sizes } = image;
    const bytes = sizes.diskBytes + (what === "untagged" ? sizes.keptArchiveBytes : 0);
    if (await tryOne({ what: `the image ${nameOf(image)}`, bytes }, () => store.remove(digest))) left.delete(image);
    else kept.add(image);
  }
  return removed;
}

/** {@link collectFrom} of everything. @returns what was removed, for people. */
export async function collectImages(store: ImageStore, isEnough: () => Promise<boolean>): Promise<string[]> {
  return (await collectFrom(store, isEnough)).map(({ what }) => what);
}

function hasArchive({ sizes }: Image): boolean {
  return sizes.keptArchiveBytes > 0;
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
