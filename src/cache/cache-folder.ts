/**
 * One cache on the disk. All of it is to be called under the lock of its state, but for {@link CacheFolder.read} by who
 * only wants to show it.
 */
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { codeOf } from "../base/errors.ts";
import { ignoreMissing, syncDirectory } from "../host/durable-file.ts";
import { isAbandoned, makeOwnedName } from "../host/owned-name.ts";
import { type CacheLayout, namesIn } from "./layout.ts";
import { type CacheLayer, formatRecord, type Generation, tryParseRecord } from "./record.ts";

const RECORD_FILE = "record.json";
const LAST_USED_FILE = "last-used";

/** A file that is to become a layer. */
export interface NewLayer {
  /** On the same disk; it is moved, and all of it is on the disk already. */
  path: string;
  format: CacheLayer["format"];
}

export class CacheFolder {
  readonly name: string;
  readonly #layout: CacheLayout;

  constructor(layout: CacheLayout, name: string) {
    this.#layout = layout;
    this.name = name;
  }

  path(...names: string[]): string {
    return this.#layout.path("names", this.name, ...names);
  }

  layerFile({ file }: CacheLayer): string {
    return this.path("layers", file);
  }

  /** Undefined where there is none, or none that can be read. */
  async read(): Promise<Generation | undefined> {
    const text = await readFile(this.path(RECORD_FILE), "utf8").catch(ignoreMissing);
    return text === undefined ? undefined : tryParseRecord(text);
  }

  async lastUsed(): Promise<Date | undefined> {
    return (await stat(this.path(LAST_USED_FILE)).catch(ignoreMissing))?.mtime;
  }

  /** What its layers take on the disk, those that only machines still use included. */
  async diskBytes(): Promise<number> {
    const files = await namesIn(this.path("layers"));
    const sizes = await Promise.all(files.map((file) => allocatedBytes(this.path("layers", file))));
    return sizes.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Notes that somebody needs these layers; resolves with the name of the lease. */
  async addLease({ layers }: Generation): Promise<string> {
    const lease = await makeOwnedName();
    await mkdir(this.path("leases"), { recursive: true, mode: 0o700 });
    await writeFile(this.path("leases", lease), JSON.stringify(layers.map(({ file }) => file)), { flag: "wx" });
    const now = new Date();
    await writeFile(this.path(LAST_USED_FILE), "");
    await utimes(this.path(LAST_USED_FILE), now, now);
    return lease;
  }

  async removeLease(lease: string): Promise<void> {
    await rm(this.path("leases", lease), { force: true });
  }

  /** Names of the leases of processes that live; the others are removed on the way. */
  async liveLeases(): Promise<string[]> {
    const live: string[] = [];
    for (const lease of await namesIn(this.path("leases"))) {
      if (await isAbandoned(lease)) await this.removeLease(lease);
      else live.push(lease);
    }
    return live;
  }

  /** Makes `layer` the top of a new state, on `below`. */
  async publish(
    layer: NewLayer,
    below: readonly CacheLayer[],
    facts: Omit<Generation, "id" | "layers">,
  ): Promise<void> {
    const id = crypto.randomUUID();
    const top: CacheLayer = { file: `${id}.${layer.format}`, format: layer.format };
    await mkdir(this.path("layers"), { recursive: true, mode: 0o700 });
    await rename(layer.path, this.layerFile(top));
    await syncDirectory(this.path("layers"));
    await this.#layout.writeAtomically(this.path(RECORD_FILE), formatRecord({ ...facts, id, layers: [...below, top] }));
  }

  /** Users keep what they have; the next one finds nothing. */
  async forget(): Promise<void> {
    await rm(this.path(RECORD_FILE), { force: true });
  }

  /** Removes layers that nobody needs any more, and what is left of a cache that was forgotten. */
  async collectGarbage(): Promise<void> {
    const generation = await this.read();
    const leases = await this.liveLeases();
    const needed = new Set(generation?.layers.map(({ file }) => file));
    for (const lease of leases) for (const file of await this.#layersOf(lease)) needed.add(file);
    for (const file of await namesIn(this.path("layers"))) {
      if (!needed.has(file)) await rm(this.path("layers", file), { force: true });
    }
    if (generation === undefined && leases.length === 0) await rm(this.path(), { recursive: true, force: true });
  }

  async #layersOf(lease: string): Promise<string[]> {
    try {
      return JSON.parse(await readFile(this.path("leases", lease), "utf8")) as string[];
    } catch (error) {
      if (codeOf(error) === "ENOENT") return [];
      throw error;
    }
  }
}

export async function allocatedBytes(file: string): Promise<number> {
  return ((await stat(file).catch(ignoreMissing))?.blocks ?? 0) * 512;
}
