/**
 * The right to use a cache, and a disk with what is in it for one machine.
 *
 *   acquired ──▶ the machine writes ──▶ its disk is taken out ──commit()──▶ disposed
 *                                                          └── without ──▶ disposed: nothing has happened
 *
 * *Owns* the disk, and the turn of who may write. The machine must be gone, or have given the disk back, before
 * the lease is committed or disposed.
 */
import { join } from "node:path";
import type { Scope } from "../base/scope.ts";
import { syncFile } from "../host/durable-file.ts";
import { createOverlay } from "../qcow2/create-overlay.ts";
import { allocatedBytes, type CacheFolder, type NewLayer } from "./cache-folder.ts";
import { planCommit } from "./commit-plan.ts";
import type { CacheLayer, Generation } from "./record.ts";
import { flatten, merge } from "./rewrite-layers.ts";

export type CacheMode = "exclusive" | "shared";

/** Fits the port of the machine. */
export interface CacheDisk {
  readonly diskFile: string;
  readonly format: "qcow2";
  readonly sizeBytes: number;
}

export interface CacheLeaseParts {
  mode: CacheMode;
  folder: CacheFolder;
  generation: Generation;
  /** Absolute path of an empty folder of this lease alone. */
  directory: string;
  lockState: () => Promise<AsyncDisposable>;
}

export class CacheLease implements AsyncDisposable {
  readonly disk: CacheDisk;
  readonly #parts: CacheLeaseParts;
  readonly #resources: Scope;
  #isCommitted = false;

  private constructor(parts: CacheLeaseParts, resources: Scope, disk: CacheDisk) {
    this.#parts = parts;
    this.#resources = resources;
    this.disk = disk;
  }

  /** @param resources What gives everything back; taken over when this resolves. */
  static async create(parts: CacheLeaseParts, resources: Scope): Promise<CacheLease> {
    const { directory, folder, generation } = parts;
    const top = generation.layers.at(-1) as CacheLayer;
    const diskFile = join(directory, "disk.qcow2");
    await createOverlay(diskFile, {
      virtualBytes: generation.sizeBytes,
      backingFile: folder.layerFile(top),
      backingFormat: top.format,
    });
    return new CacheLease(parts, resources.move(), { diskFile, format: "qcow2", sizeBytes: generation.sizeBytes });
  }

  get name(): string {
    return this.#parts.folder.name;
  }

  get mode(): CacheMode {
    return this.#parts.mode;
  }

  /** Nobody has kept anything in it yet, and it was not preloaded. */
  get isEmpty(): boolean {
    return this.#parts.generation.isEmpty;
  }

  /**
   * Keeps what the machine has written, for all who acquire the cache from now on; only of an exclusive lease, and once.
   * Killed on the way, it has either happened or not.
   *
   * @returns `purged` if the cache was purged since it was acquired: nothing is kept then.
   */
  async commit({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<"kept" | "purged"> {
    const { mode, folder, generation, lockState } = this.#parts;
    if (mode !== "exclusive" || this.#isCommitted) throw new Error("a cache is committed once, by who may write");
    this.#isCommitted = true;
    const { below, layer } = await this.#prepare(signal);
    await syncFile(layer.path);
    await using _lock = await lockState();
    if ((await folder.read())?.id !== generation.id) return "purged";
    const { sizeBytes, created } = generation;
    await folder.publish(layer, below, { sizeBytes, created, isEmpty: false });
    return "kept";
  }

  async #prepare(signal: AbortSignal | undefined): Promise<{ below: readonly CacheLayer[]; layer: NewLayer }> {
    const { folder, generation, directory } = this.#parts;
    const { layers, sizeBytes } = generation;
    const path = this.disk.diskFile;
    const layerBytes = await Promise.all(layers.map((layer) => allocatedBytes(folder.layerFile(layer))));
    const [base] = layers as [CacheLayer];
    switch (planCommit({ sizeBytes, layerBytes, overlayBytes: await allocatedBytes(path) })) {
      case "append":
        return { below: layers, layer: { path, format: "qcow2" } };
      case "merge":
        await merge(path, folder.layerFile(base), signal);
        return { below: [base], layer: { path, format: "qcow2" } };
      case "flatten": {
        const flat = join(directory, "flat.raw");
        await flatten(path, flat, signal);
        return { below: [], layer: { path: flat, format: "raw" } };
      }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources[Symbol.asyncDispose]();
  }
}
