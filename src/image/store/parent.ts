/** The image below an image, while that one is imported or packed. */
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { Scope } from "../../base/scope.ts";
import type { FileLocks } from "../../host/file-locks.ts";
import type { ImageFile } from "../archive/format.ts";
import type { ParentDisk } from "../validate.ts";
import { type Ancestor, parentTop } from "./chain.ts";
import { type Image, readImage, readRecord } from "./image.ts";
import type { StoreLayout } from "./layout.ts";
import { beginLease, tryRemoveLeaseFolder } from "./leases.ts";
import { type ImageDigest, sha256Of } from "./reference.ts";

/** A parent that nobody removes until this is disposed. */
export interface HeldParent extends AsyncDisposable {
  readonly disk: ParentDisk;
  /** Of the child: the parent first. */
  readonly ancestors: [Ancestor, ...Ancestor[]];
}

/**
 * Holds the image from before it is there, so that nobody can remove it between its arrival and its use.
 *
 * @param bring Called if it is not in the store; it is there when that resolves.
 */
export async function holdParent(
  layout: StoreLayout,
  locks: FileLocks,
  digest: ImageDigest,
  bring: () => Promise<unknown>,
): Promise<HeldParent> {
  try {
    return await tryHold(layout, locks, digest, bring);
  } catch (error) {
    await forgetMissing(layout, locks, sha256Of(digest));
    throw error;
  }
}

async function tryHold(
  layout: StoreLayout,
  locks: FileLocks,
  digest: ImageDigest,
  bring: () => Promise<unknown>,
): Promise<HeldParent> {
  const sha256 = sha256Of(digest);
  await using scope = new Scope();
  scope.use(await leaseLocked(layout, locks, sha256));
  if (!(await layout.hasBlob(sha256))) await bring();
  const { files, ancestors = [] } = await readRecord(layout, sha256);
  const disk = parentDisk(await readImage(layout, sha256, []));
  const held = scope.move();
  return {
    disk,
    ancestors: [{ digest, files }, ...ancestors],
    [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
  };
}

/** Anybody can name parents that do not exist; no trace is left of them. */
async function forgetMissing(layout: StoreLayout, locks: FileLocks, sha256: string): Promise<void> {
  await using _lock = await locks.acquire(`image-${sha256}`);
  if (!(await layout.hasBlob(sha256))) await tryRemoveLeaseFolder(layout, sha256);
}

async function leaseLocked(layout: StoreLayout, locks: FileLocks, sha256: string): Promise<AsyncDisposable> {
  await using _lock = await locks.acquire(`image-${sha256}`);
  return await beginLease(layout, sha256);
}

/** What the layer of a child is judged by. */
export function parentDisk({ files, bootFiles, sizes }: Pick<Image, "files" | "bootFiles" | "sizes">): ParentDisk {
  const roles = (["kernel", "initrd"] as const).filter((role) => bootFiles[role] !== undefined);
  return { ...parentTop(files), virtualBytes: sizes.virtualBytes, bootFiles: new Set<ImageFile>(roles) };
}

/**
 * Makes the link by which the backing file of a layer in `directory` is found.
 *
 * @param directory One in staging or blobs: as deep in the store as the parent, so that the link is good in both.
 */
export async function linkParent(directory: string, parent: ImageDigest): Promise<void> {
  await symlink(`../../blobs/${sha256Of(parent)}`, join(directory, "parent"));
}
