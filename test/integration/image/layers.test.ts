import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { packImage } from "../../../src/image/archive/pack.ts";
import { writeDifference, writeFlat } from "../../../src/image/layer.ts";
import { type ArchiveSource, fileSource } from "../../../src/image/store/archive-source.ts";
import { MAX_CHAIN_LENGTH } from "../../../src/image/store/chain.ts";
import { collectImages } from "../../../src/image/store/collect.ts";
import { imageHistory } from "../../../src/image/store/history.ts";
import type { Image } from "../../../src/image/store/image.ts";
import type { ImageLease } from "../../../src/image/store/image-lease.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { parentDisk } from "../../../src/image/store/parent.ts";
import { BinaryZstd } from "../../../src/image/zstd/binary-zstd.ts";
import { ArchiveFolder, MIB, sha256Of } from "./archives.ts";
import {
  type ChainedArchive,
  DISK_BYTES,
  FILLED_BYTES,
  fill,
  holds,
  makeChain,
  makeChild,
  makeRoot,
} from "./chains.ts";

const folder = new ArchiveFolder();
afterAll(() => folder[Symbol.dispose]());

const chain = makeChain(folder, 3);
const [root, child, grandchild] = chain as unknown as [ChainedArchive, ChainedArchive, ChainedArchive];

let count = 0;
let directory: string;
beforeEach(() => {
  directory = join(folder.path, `store-${count++}`);
});

async function openStore(): Promise<ImageStore> {
  return await ImageStore.open({ directory, limits: { reserveBytes: 0 }, zstd: new BinaryZstd() });
}

function entries(name: string): string[] {
  return readdirSync(join(directory, name));
}

/** Everything that is in a store of which nothing is under way, but for its images. */
function leftovers(): string[] {
  return ["staging", "locks"].flatMap((name) => entries(name));
}

/** Gives parents out of a list of archives, and notes what it was asked for. */
class Registry {
  readonly asked: string[] = [];
  disposed = 0;
  readonly #archives: ReadonlyMap<string, ChainedArchive>;

  constructor(archives: readonly ChainedArchive[]) {
    this.#archives = new Map(archives.map((archive) => [archive.digest, archive]));
  }

  readonly bring = async (digest: string): Promise<ArchiveSource & AsyncDisposable> => {
    this.asked.push(digest);
    const found = this.#archives.get(digest);
    if (found === undefined) throw new Error(`the registry has no ${digest}`);
    const dispose = async () => {
      this.disposed++;
    };
    return { ...(await fileSource(found.archive)), [Symbol.asyncDispose]: dispose };
  };
}

async function overlayOf(lease: ImageLease): Promise<string> {
  const target = join(folder.path, `overlay-${count++}`);
  mkdirSync(target);
  return (await lease.createOverlay(target)).diskFile;
}

describe("an image with a parent", () => {
  it("is read through all that it lies on, by the links that the store makes", async () => {
    await using store = await openStore();
    for (const { archive } of chain) await store.import(archive);
    const image = await store.inspect(grandchild.digest);
    expect(image).toMatchObject({ parent: child.digest, ancestors: [child.digest, root.digest] });
    expect(Object.keys(image.files).sort()).toEqual(["image.json", "layer.qcow2", "machine.json"]);
    expect(readlinkSync(join(directory, "blobs", grandchild.sha256, "parent"))).toMatch(child.sha256);
    expect((await store.ancestors(image)).map(({ digest }) => digest)).toEqual([child.digest, root.digest]);

    await using lease = await store.acquire(grandchild.digest);
    const disk = await overlayOf(lease);
    for (const pattern of [1, 2, 3]) expect(holds(disk, "qcow2", pattern, pattern), `${pattern}`).toBe(true);
    expect(holds(disk, "qcow2", 2, 1), "what a test looks for can be missing").toBe(false);
    fill(disk, "qcow2", 2, 9);
    expect(holds(disk, "qcow2", 2, 9)).toBe(true);
    expect(holds(lease.image.files["layer.qcow2"] as string, "qcow2", 2, 2)).toBe(true);
  });

  it("boots the kernel of the nearest image that has one", async () => {
    const ownKernel = makeChild(folder, child, { pattern: 4, kernel: "kernel of the child" });
    const above = makeChild(folder, ownKernel, { pattern: 5 });
    await using store = await openStore();
    for (const { archive } of [root, child, grandchild, ownKernel, above]) await store.import(archive);
    const kernelOf = async ({ digest }: ChainedArchive) => {
      await using lease = await store.acquire(digest);
      return readFileSync(lease.directBoot?.kernel as string, "utf8");
    };
    expect(await kernelOf(grandchild)).toBe("kernel of the root");
    expect(await kernelOf(ownKernel)).toBe("kernel of the child");
    expect(await kernelOf(above)).toBe("kernel of the child");
  });

  it("may have a larger disk than its parent, and no smaller one", async () => {
    await using store = await openStore();
    await store.import(root.archive);
    const larger = await store.import(makeChild(folder, root, { pattern: 2, virtualBytes: 2 * DISK_BYTES }).archive);
    expect(larger.sizes.virtualBytes).toBe(2 * DISK_BYTES);
    const smaller = makeChild(folder, root, { pattern: 2, virtualBytes: DISK_BYTES / 2 });
    await expect(store.import(smaller.archive)).rejects.toMatchObject({ code: "layer-smaller-than-parent" });
    expect(leftovers()).toEqual([]);
  });

  it("is refused while its parent is not here and nobody brings it, and nothing of it is left", async () => {
    await using store = await openStore();
    await expect(store.import(child.archive)).rejects.toMatchObject({
      code: "image-parent-missing",
      details: { parent: root.digest },
    });
    expect([...leftovers(), ...entries("blobs"), ...entries("leases")]).toEqual([]);
    await store.import(root.archive);
    await store.import(child.archive);
  });

  it("says so when somebody has removed what it lies on by hand", async () => {
    await using store = await openStore();
    for (const { archive } of [root, child]) await store.import(archive);
    rmSync(join(directory, "blobs", root.sha256), { recursive: true });
    await expect(store.acquire(child.digest)).rejects.toMatchObject({ code: "image-parent-missing", blame: "host" });
    expect(await store.list()).toHaveLength(1);
    await store.import(root.archive);
    await using _lease = await store.acquire(child.digest);
  });
});

describe("parents that are not here", () => {
  it("are brought, each after the image that names it, and given back", async () => {
    await using store = await openStore();
    const registry = new Registry(chain);
    const image = await store.import(grandchild.archive, { bringParent: registry.bring, keepArchive: true });
    expect(image.ancestors).toEqual([child.digest, root.digest]);
    expect(registry).toMatchObject({ asked: [child.digest, root.digest], disposed: 2 });
    for (const { digest, archive } of chain) {
      expect(sha256Of((await store.archiveFile(digest)) as string)).toBe(sha256Of(archive));
    }
    expect([...leftovers(), ...entries(`leases/${root.sha256}`)]).toEqual([]);
  });

  it("are brought once for all who need them at the same time", async () => {
    const other = makeChild(folder, root, { pattern: 7 });
    await using store = await openStore();
    await using elsewhere = await openStore();
    let opened = 0;
    const bringParent = async (): Promise<ArchiveSource> => {
      const source = await fileSource(root.archive);
      const open = (signal: AbortSignal) => {
        opened++;
        return source.open(signal);
      };
      return { ...source, open };
    };
    await Promise.all([
      store.import(child.archive, { bringParent }),
      store.import(other.archive, { bringParent }),
      elsewhere.import(other.archive, { bringParent }),
    ]);
    expect(opened).toBe(1);
    expect((await store.list()).map(({ digest }) => digest).sort()).toEqual(
      [root.digest, child.digest, other.digest].sort(),
    );
  });

  it("are refused when other bytes come, and the image with them", async () => {
    await using store = await openStore();
    const bringParent = () => fileSource(grandchild.archive);
    await expect(store.import(child.archive, { bringParent })).rejects.toMatchObject({ code: "image-digest-mismatch" });
    expect([...leftovers(), ...entries("blobs")]).toEqual([]);
  });

  it("do not make an import wait for itself, whatever a registry serves as whose archive", async () => {
    await using store = await openStore();
    // What was asked for by its place is a child; asked for the parent, the same place gives the same bytes.
    const source = await fileSource(child.archive);
    const bringParent = async () => source;
    await expect(store.import(source, { bringParent })).rejects.toMatchObject({ code: "image-digest-mismatch" });
    expect([...leftovers(), ...entries("blobs")]).toEqual([]);
  });

  it("tell their failure to who imports the child, and are asked for again the next time", async () => {
    await using store = await openStore();
    const empty = new Registry([]);
    await expect(store.import(child.archive, { bringParent: empty.bring })).rejects.toThrow("the registry has no");
    await store.import(child.archive, { bringParent: new Registry(chain).bring });
    expect(leftovers()).toEqual([]);
  });

  it("are not removed between their arrival and that of the child", async () => {
    await using store = await openStore();
    const registry = new Registry(chain);
    const done = new AbortController();
    const collecting = (async () => {
      let rounds = 0;
      while (!done.signal.aborted) {
        await collectImages(store, async () => false);
        rounds++;
      }
      return rounds;
    })();
    for (let round = 0; round < 5; round++) {
      const imported = store.import(grandchild.archive, { bringParent: registry.bring }).catch((error: unknown) => {
        // It was whole, and collected before it could be shown.
        expect(error).toMatchObject({ code: "image-not-found" });
      });
      await imported;
    }
    done.abort();
    expect(await collecting).toBeGreaterThan(0);
    await collectImages(store, async () => false);
    expect([...leftovers(), ...entries("blobs")]).toEqual([]);
  });

  it(`are at most ${MAX_CHAIN_LENGTH - 1}`, async () => {
    const long = makeChain(folder, MAX_CHAIN_LENGTH + 1);
    const top = long.at(-1) as ChainedArchive;
    const registry = new Registry(long);
    await using store = await openStore();
    const tooDeep = { code: "image-chain-too-deep", blame: "image" };
    await expect(store.import(top.archive, { bringParent: registry.bring })).rejects.toMatchObject(tooDeep);
    expect(registry.asked, "the last one is not even fetched").toHaveLength(MAX_CHAIN_LENGTH - 1);
    expect([...leftovers(), ...entries("blobs")]).toEqual([]);

    await store.import((long.at(-2) as ChainedArchive).archive, { bringParent: registry.bring });
    await expect(store.import(top.archive)).rejects.toMatchObject(tooDeep);
    await using lease = await store.acquire((long.at(-2) as ChainedArchive).digest);
    const disk = await overlayOf(lease);
    expect([1, 2, 9, 15].map((pattern) => holds(disk, "qcow2", pattern, pattern))).toEqual([true, true, true, true]);
  });
});

describe("removing", () => {
  it("refuses an image while others lie on it, and names them", async () => {
    await using store = await openStore();
    for (const { archive } of chain) await store.import(archive);
    await store.tag(child.digest, "the-child");
    await expect(store.remove(root.digest)).rejects.toMatchObject({
      code: "image-in-use",
      message: expect.stringContaining("the-child"),
      details: { children: ["the-child"] },
    });
    await expect(store.remove("the-child")).rejects.toMatchObject({
      details: { children: [grandchild.sha256.slice(0, 12)] },
    });
    for (const { digest } of [...chain].reverse()) await store.remove(digest);
    expect([...entries("blobs"), ...entries("leases"), ...leftovers()]).toEqual([]);
  });

  it("collects archives, then children, then what they lie on, and keeps what names lie on", async () => {
    await using store = await openStore();
    for (const { archive } of chain) await store.import(archive, { keepArchive: true });
    // Of the three the root was used last.
    await using lease = await store.acquire(root.digest);
    await lease[Symbol.asyncDispose]();
    expect((await store.list())[0]?.digest).toBe(root.digest);
    const short = (digest: string) => digest.slice(0, 19);
    const removed = await collectImages(store, async () => false);
    expect(removed.slice(0, 3).every((text) => text.startsWith("the archive of"))).toBe(true);
    expect(removed.slice(3)).toEqual([grandchild, child, root].map(({ digest }) => `the image ${short(digest)}`));

    for (const { archive } of chain) await store.import(archive);
    await store.tag(child.digest, "named");
    expect(await collectImages(store, async () => false)).toEqual([`the image ${short(grandchild.digest)}`]);
    expect((await store.list()).map(({ digest }) => digest).sort()).toEqual([root.digest, child.digest].sort());
  });
});

describe("kept archives", () => {
  it("are the very bytes that came, and go with the image or before it", async () => {
    await using store = await openStore();
    await store.import(root.archive, { tag: "root", keepArchive: true });
    const file = (await store.archiveFile("root")) as string;
    expect(sha256Of(file)).toBe(root.sha256);
    expect((await store.inspect("root")).sizes.keptArchiveBytes).toBeGreaterThan(0);
    expect((await store.removeArchive("root")).freedBytes).toBeGreaterThan(0);
    expect(await store.archiveFile("root")).toBeUndefined();
    expect((await store.inspect("root")).sizes.keptArchiveBytes).toBe(0);
    await store.import(root.archive, { keepArchive: true });
    expect(sha256Of((await store.archiveFile("root")) as string)).toBe(root.sha256);
    await store.remove("root");
    expect(entries("archives")).toEqual([]);
  });

  it("are exported as they are; without one, or with a damaged one, an archive is packed anew and says so", async () => {
    await using store = await openStore();
    const target = join(folder.path, "exported.tar.zst");
    for (const { archive } of chain) await store.import(archive, { keepArchive: true });
    expect(await store.export(child.digest, target)).toEqual({
      digest: child.digest,
      bytes: statSync(child.archive).size,
      isExact: true,
    });
    expect(sha256Of(target)).toBe(child.sha256);

    const kept = (await store.archiveFile(child.digest)) as string;
    rmSync(kept);
    writeFileSync(kept, "damaged");
    const packed = await store.export(child.digest, target);
    expect(packed).toMatchObject({
      isExact: false,
      digest: `sha256:${sha256Of(target)}`,
      bytes: statSync(target).size,
    });
    const image = await store.import(target, { keepArchive: true });
    expect(image).toMatchObject({ digest: packed.digest, parent: root.digest });
    await using lease = await store.acquire(image.digest);
    expect(holds(await overlayOf(lease), "qcow2", 2, 2)).toBe(true);
    // What was packed here is packed again to the same bytes.
    await store.removeArchive(image.digest);
    expect(await store.export(image.digest, target)).toEqual({ ...packed, isExact: true });
    expect(readdirSync(folder.path).filter((name) => name.endsWith(".part"))).toEqual([]);
  });
});

describe("what a build has changed", () => {
  async function changedDisk(lease: ImageLease): Promise<string> {
    const disk = await overlayOf(lease);
    fill(disk, "qcow2", 8, 8);
    // The same as was there: no difference.
    fill(disk, "qcow2", 2, 2);
    return disk;
  }

  it("is a layer that holds the difference only, the same bytes each time, and imports as a child", async () => {
    await using store = await openStore();
    for (const { archive } of [root, child]) await store.import(archive);
    await using lease = await store.acquire(child.digest);
    const disk = { file: await changedDisk(lease), format: "qcow2" } as const;
    const digests: string[] = [];
    for (const name of ["one", "two"]) {
      const work = join(folder.path, `${name}-${count}`);
      mkdirSync(work);
      await writeDifference(disk, lease.image, work, { maxBytes: DISK_BYTES, reserveBytes: 0 });
      writeFileSync(join(work, "image.json"), JSON.stringify({ name: "made", parent: { digest: child.digest } }));
      writeFileSync(join(work, "machine.json"), JSON.stringify({ version: 2 }));
      const limits = { maxFileBytes: DISK_BYTES };
      await packImage(work, `${work}.tar.zst`, { zstd: new BinaryZstd(), limits, parent: parentDisk(lease.image) });
      digests.push((await store.import(`${work}.tar.zst`)).digest);
      const info = execFileSync("qemu-img", ["info", "-U", "--output=json", join(work, "layer.qcow2")]);
      expect(JSON.parse(info.toString())).toMatchObject({
        "backing-filename": "parent/layer.qcow2",
        "backing-filename-format": "qcow2",
      });
      const taken = statSync(join(work, "layer.qcow2")).blocks * 512;
      expect(taken).toBeGreaterThan(FILLED_BYTES);
      expect(taken).toBeLessThan(1.9 * FILLED_BYTES);
    }
    expect(digests[1]).toBe(digests[0]);
    await using made = await store.acquire(digests[0] as string);
    expect(made.image.ancestors).toEqual([child.digest, root.digest]);
    const overlay = await overlayOf(made);
    expect([1, 2, 8].map((pattern) => holds(overlay, "qcow2", pattern, pattern))).toEqual([true, true, true]);
  });

  it("is, with all that it lies on, a raw sparse disk", async () => {
    await using store = await openStore();
    for (const { archive } of [root, child]) await store.import(archive);
    await using lease = await store.acquire(child.digest);
    const work = join(folder.path, `flat-${count}`);
    mkdirSync(work);
    const file = await changedDisk(lease);
    await writeFlat({ file, format: "qcow2" }, work, { maxBytes: DISK_BYTES, reserveBytes: 0 });
    const flat = join(work, "disk.img");
    expect([1, 2, 8].map((pattern) => holds(flat, "raw", pattern, pattern))).toEqual([true, true, true]);
    expect(statSync(flat).size).toBe(DISK_BYTES);
    expect(statSync(flat).blocks * 512).toBeLessThan(5 * MIB);
    expect(
      execFileSync("qemu-img", ["compare", "-f", "qcow2", "-F", "raw", file, flat], { encoding: "utf8" }),
    ).toContain("identical");
  });
});

it("the history of an image is its own and that of all it lies on", async () => {
  await using store = await openStore();
  for (const { archive } of chain) await store.import(archive);
  const image: Image = await store.inspect(grandchild.digest);
  expect(imageHistory([image, ...(await store.ancestors(image))])).toMatchObject([
    { image: grandchild.digest, name: "child-3", what: "built" },
    { image: child.digest, name: "child-2", what: "built" },
    { image: root.digest, name: undefined, what: expect.stringContaining("unknown") },
  ]);
  expect(existsSync(join(directory, "blobs", grandchild.sha256, "parent", "parent", "disk.img"))).toBe(true);
});

it("a store that was there before there were layers is opened, and its images are used", async () => {
  {
    await using store = await openStore();
    await store.import(makeRoot(folder).archive);
  }
  for (const name of ["archives", "signatures"]) rmSync(join(directory, name), { recursive: true });
  await using store = await openStore();
  const [image] = await store.list();
  expect(image).toMatchObject({ parent: undefined, ancestors: [] });
  await using _lease = await store.acquire(image?.digest as string);
});
