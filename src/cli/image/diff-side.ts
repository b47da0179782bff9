/** One of the images that are compared: of the store, or out of an archive that stays outside of it. */
import { join, resolve } from "node:path";
import { Scope } from "../../base/scope.ts";
import type { DiffSide } from "../../builder/inspect/diff-images.ts";
import type { Config } from "../../config/config.ts";
import { OwnedDirectory, reclaimDirectories } from "../../host/owned-directory.ts";
import { ImageError } from "../../image/errors.ts";
import { fileSource } from "../../image/store/archive-source.ts";
import type { ImageLease } from "../../image/store/image-lease.ts";
import { ImageStore } from "../../image/store/image-store.ts";
import type { ImportOptions } from "../../image/store/importer.ts";
import { sha256Of } from "../../image/store/reference.ts";
import type { CliContext } from "../context.ts";
import { imageHooks } from "../image-hooks.ts";
import { ProgressBar } from "../progress-bar.ts";
import { isArchivePath } from "./archive-file.ts";

export interface SideOptions {
  store: ImageStore;
  config: Config;
  context: CliContext;
}

/** What is unpacked goes with it. */
export async function openSide(reference: string, options: SideOptions): Promise<DiffSide & AsyncDisposable> {
  await using scope = new Scope();
  const lease = isArchivePath(reference)
    ? await unpack(scope, reference, options)
    : scope.use(await options.store.acquire(reference));
  const owned = scope.move();
  return { reference, lease, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}

async function unpack(scope: Scope, path: string, options: SideOptions): Promise<ImageLease> {
  const { config, context } = options;
  const parent = join(config.stateDir, "compared");
  await reclaimDirectories(parent);
  const folder = scope.use(await OwnedDirectory.create(parent));
  const limits = { maxFileBytes: config.images.maxSizeBytes };
  const store = scope.use(await ImageStore.open({ directory: join(folder.path, "images"), limits }));
  using bar = new ProgressBar(context.stderr);
  const { digest } = await store.import(resolve(context.cwd, path), {
    signal: context.signal,
    onProgress: bar.reporter(`unpacking ${path}`),
    bringParent: await parentsOf(folder.path, options),
  });
  return scope.use(await store.acquire(digest));
}

/** What a layer lies on is in the store, or in a registry. */
async function parentsOf(folder: string, { store, config }: SideOptions): Promise<ImportOptions["bringParent"]> {
  const { bringParent } = await imageHooks(config, { allowUnsigned: true });
  return async (digest, signal) => {
    const sha256 = sha256Of(digest);
    if (await store.has(sha256)) {
      const file = join(folder, `${sha256}.tar.zst`);
      const { isExact } = await store.export(digest, file, { signal });
      if (isExact) return await fileSource(file);
    }
    if (bringParent !== undefined) return await bringParent(digest, signal);
    const message = `the archive lies on ${digest}, which cannot be had as it was packed; import both, and compare them in the store`;
    throw new ImageError("image-parent-missing", message, { blame: "task", details: { parent: digest } });
  };
}
