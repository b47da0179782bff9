/** One of the images that are compared: of the store, or out of an archive that stays outside of it. */
import { join, resolve } from "node:path";
import { Scope } from "../../base/scope.ts";
import type { DiffSide } from "../../builder/inspect/diff-images.ts";
import type { Config } from "../../config/config.ts";
import { OwnedDirectory, reclaimDirectories } from "../../host/owned-directory.ts";
import { throttledProgress } from "../../image/progress.ts";
import type { ImageLease } from "../../image/store/image-lease.ts";
import { ImageStore } from "../../image/store/image-store.ts";

export interface SideOptions {
  store: ImageStore;
  config: Config;
  cwd: string;
  note: (text: string) => void;
  signal: AbortSignal;
}

/** Names have no slash, and none ends like an archive. */
export function isArchive(reference: string): boolean {
  return reference.includes("/") || reference.endsWith(".tar.zst");
}

/** What is unpacked goes with it. */
export async function openSide(reference: string, options: SideOptions): Promise<DiffSide & AsyncDisposable> {
  await using scope = new Scope();
  const lease = isArchive(reference)
    ? await unpack(scope, reference, options)
    : scope.use(await options.store.acquire(reference));
  const owned = scope.move();
  return { reference, lease, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}

async function unpack(scope: Scope, path: string, { config, cwd, note, signal }: SideOptions): Promise<ImageLease> {
  const parent = join(config.stateDir, "compared");
  await reclaimDirectories(parent);
  const folder = scope.use(await OwnedDirectory.create(parent));
  const limits = { maxFileBytes: config.images.maxSizeBytes };
  const store = scope.use(await ImageStore.open({ directory: folder.path, limits }));
  const { digest } = await store.import(resolve(cwd, path), { signal, onProgress: throttledProgress(note) });
  return scope.use(await store.acquire(digest));
}
