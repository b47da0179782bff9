/**
 * The disk of a machine that may be saved at any instant: layers in a folder of its own, above an image.
 *
 *   base ──▶ folder of the image     disk.0.qcow2 on base/…  ◀──  disk.1.qcow2  ◀──  …  ◀──  the one that is written to
 *
 * Each layer names the one below by a name without a folder. So a layer that is not written to any more can have a
 * second name (a hard link) in the folder of a snapshot, or of a machine made from one: nothing is copied, nobody
 * depends on anybody, and the last one to go takes the layer with it. *Borrows* the folder and the image.
 */
import { readdir, readlink, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { copySparse } from "../host/copy-sparse.ts";
import { linkOrCopy } from "../host/link-or-copy.ts";
import { topDisk } from "../image/store/chain.ts";
import type { Image } from "../image/store/image.ts";
import { createOverlay } from "../qcow2/create-overlay.ts";
import { renameBacking } from "../qcow2/rename-backing.ts";
import { readVirtualBytes } from "../qcow2/virtual-bytes.ts";
import { SnapshotError } from "./errors.ts";
import { layerFile, topLayer } from "./saved-machine.ts";

/** Link to the folder of the image, in the folder of the layers. */
const BASE_LINK = "base";
/** QEMU opens all of them; more make every read slower. */
export const MAX_LAYERS = 48;

/** What the first layer lies on, as it is named there. */
export function baseOf(image: Pick<Image, "files">): { name: string; format: "raw" | "qcow2"; directory: string } {
  const { file, format } = topDisk(image);
  return { name: `${BASE_LINK}/${basename(file)}`, format, directory: dirname(file) };
}

export class OwnDisk {
  readonly directory: string;
  readonly virtualBytes: number;
  #layers: number;

  private constructor(directory: string, virtualBytes: number, layers: number) {
    this.directory = directory;
    this.virtualBytes = virtualBytes;
    this.#layers = layers;
  }

  /**
   * A disk that is as the image is, or as a machine left it that was captured when it had booted.
   *
   * @param directory Absolute path of a folder without a disk.
   * @param booted The disk of that machine, an overlay on this very image.
   */
  static async create(
    directory: string,
    image: Pick<Image, "files" | "sizes">,
    options: { booted?: string | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<OwnDisk> {
    const { name, format } = await linkBase(directory, image);
    const { virtualBytes } = image.sizes;
    if (options.booted === undefined) {
      await makeLayer(join(directory, layerFile(0)), { virtualBytes, backingFile: name, backingFormat: format });
    } else {
      const part = join(directory, "disk.part");
      await copySparse(options.booted, part, options.signal);
      await renameBacking(part, name);
      await rename(part, join(directory, layerFile(0)));
    }
    return new OwnDisk(directory, virtualBytes, 1);
  }

  /** On the disk of another folder, which is not written to, or whose last layer is not: that has `layers` of them. */
  static async fork(
    directory: string,
    from: { directory: string; layers: number },
    image: Pick<Image, "files">,
    signal?: AbortSignal,
  ): Promise<OwnDisk> {
    if (from.layers >= MAX_LAYERS + 1) throw tooDeep(from.layers);
    await linkBase(directory, image);
    await linkLayers(from.directory, directory, from.layers, signal);
    const virtualBytes = await readVirtualBytes(join(directory, topLayer(from.layers)));
    const disk = new OwnDisk(directory, virtualBytes, from.layers);
    disk.adopt(await disk.prepareLayer());
    return disk;
  }

  /** The disk of a machine that was stopped. */
  static async open(directory: string): Promise<OwnDisk> {
    const names = new Set(await readdir(directory));
    let layers = 0;
    while (names.has(layerFile(layers))) layers++;
    if (layers === 0) throw new SnapshotError("snapshot-damaged", `${directory} has no disk`, { blame: "host" });
    return new OwnDisk(directory, await readVirtualBytes(join(directory, topLayer(layers))), layers);
  }

  get layers(): number {
    return this.#layers;
  }

  /** Absolute path of the one that is written to. */
  get file(): string {
    return join(this.directory, topLayer(this.#layers));
  }

  /** Makes an empty layer on top, to which nobody writes yet: see {@link adopt}. Undefined: there are too many. */
  async tryPrepareLayer(): Promise<string | undefined> {
    return this.#layers >= MAX_LAYERS ? undefined : await this.prepareLayer();
  }

  async prepareLayer(): Promise<string> {
    const file = join(this.directory, layerFile(this.#layers));
    await rm(file, { force: true });
    const { virtualBytes } = this;
    await makeLayer(file, { virtualBytes, backingFile: topLayer(this.#layers), backingFormat: "qcow2" });
    return file;
  }

  /** A machine writes to that layer now. */
  adopt(file: string): void {
    if (file === join(this.directory, layerFile(this.#layers))) this.#layers++;
  }

  /** Gives the first `layers` of them a second name in another folder, where they find the image too. */
  async linkTo(directory: string, layers: number, signal?: AbortSignal): Promise<void> {
    await symlink(await readlink(join(this.directory, BASE_LINK)), join(directory, BASE_LINK));
    await linkLayers(this.directory, directory, layers, signal);
  }
}

async function linkLayers(from: string, to: string, layers: number, signal?: AbortSignal): Promise<void> {
  for (let number = 0; number < layers; number++) {
    await linkOrCopy(join(from, layerFile(number)), join(to, layerFile(number)), signal);
  }
}

/** So that the layers in this folder find the image. */
export async function linkBase(directory: string, image: Pick<Image, "files">) {
  const base = baseOf(image);
  await symlink(base.directory, join(directory, BASE_LINK));
  return base;
}

/** Whole or not at all: whoever opens the folder after a crash counts the layers. */
async function makeLayer(file: string, options: Parameters<typeof createOverlay>[1]): Promise<void> {
  const part = join(dirname(file), `layer.part`);
  await rm(part, { force: true });
  await createOverlay(part, options);
  await rename(part, file);
}

function tooDeep(layers: number): SnapshotError {
  const message = `the disk of this snapshot has ${layers} layers, and at most ${MAX_LAYERS} are allowed`;
  return new SnapshotError("snapshot-too-deep", message, { blame: "host" });
}
