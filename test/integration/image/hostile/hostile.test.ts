import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WorkerError } from "../../../../src/base/errors.ts";
import { ownerOfName } from "../../../../src/host/owned-name.ts";
import { currentOwner } from "../../../../src/host/owner.ts";
import { DEFAULT_LIMITS } from "../../../../src/image/archive/format.ts";
import { streamSource } from "../../../../src/image/store/archive-source.ts";
import { ImageStore } from "../../../../src/image/store/image-store.ts";
import { verifyArchive } from "../../../../src/image/verify/verify-archive.ts";
import { verifyStored } from "../../../../src/image/verify/verify-stored.ts";
import { BinaryZstd } from "../../../../src/image/zstd/binary-zstd.ts";
import { ArchiveFolder, MIB } from "../archives.ts";
import { HOSTILE_LAYERS } from "./layer-corpus.ts";
import { archive, DISK, END, entry, header, MACHINE, pax } from "./tar-builder.ts";
import { HOSTILE_TARS } from "./tar-corpus.ts";
import { HOSTILE_FRAMES, ZERO_DISK } from "./zstd-corpus.ts";

const LIMITS = { ...DEFAULT_LIMITS, reserveBytes: 0 };
const zstd = new BinaryZstd();
const folder = new ArchiveFolder();
/** What an archive may not leave comes here: the store, and files beside it that somebody may want to overwrite. */
const watched = join(folder.path, "watched");
const workDirectory = join(watched, "work");
let store: ImageStore;
/** A layer.qcow2 with an L2 table and some data, on a disk.img of 1 MiB. */
let goodLayer: Buffer;
let disk: Buffer;

beforeAll(async () => {
  mkdirSync(workDirectory, { recursive: true });
  for (const name of ["x", "disk.img", "kernel"]) writeFileSync(join(watched, name), `the ${name} of somebody else`);
  store = await ImageStore.open({ directory: join(watched, "store"), limits: LIMITS, zstd });
  const image = folder.makeImage({ diskBytes: 6 * MIB });
  execFileSync("qemu-io", ["-c", "write -P 5 0 192k", join(image, "layer.qcow2")], { stdio: "ignore" });
  goodLayer = readFileSync(join(image, "layer.qcow2"));
  disk = entry({ name: "disk.img" }, readFileSync(join(image, "disk.img")));
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** All that is there, with its contents. */
function everything(): string[] {
  return readdirSync(watched, { recursive: true, encoding: "utf8" })
    .map((name) => {
      const stats = statSync(join(watched, name));
      if (!stats.isFile()) return `${name}/`;
      return `${name} ${createHash("sha256")
        .update(readFileSync(join(watched, name)))
        .digest("hex")}`;
    })
    .sort();
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

interface Verdict {
  code: string;
  message: string;
  error: unknown;
}

async function verdictOf(work: Promise<unknown>): Promise<Verdict> {
  try {
    await work;
    return { code: "accepted", message: "", error: undefined };
  } catch (error) {
    return { code: String((error as WorkerError).code), message: (error as Error).message, error };
  }
}

const importIt = (bytes: Buffer) => verdictOf(store.import(streamSource(once(bytes))));
const verifyIt = (bytes: Buffer) =>
  verdictOf(verifyArchive(streamSource(once(bytes)), { zstd, limits: LIMITS, workDirectory }));

/** Import and verification refuse alike, and nothing is changed anywhere. */
async function expectRefusal(bytes: Buffer, code: string, message: string): Promise<void> {
  const before = everything();
  const verdict = await importIt(bytes);
  expect(verdict).toMatchObject({ code, message: expect.stringContaining(message) });
  expect(verdict.error).toBeInstanceOf(WorkerError);
  expect((verdict.error as WorkerError).blame).toBe(code === "image-parent-missing" ? "task" : "image");
  expect(await verifyIt(bytes)).toMatchObject({ code, message: verdict.message });
  expect(everything()).toEqual(before);
}

/** Refused by an error of ours, or taken whole and removed again; never anything left. */
async function expectRefusedOrHarmless(bytes: Buffer, what: string): Promise<string> {
  const before = everything();
  const { code, error } = await importIt(bytes);
  if (code === "accepted") {
    const [image] = await store.list();
    await store.remove(image?.digest as string);
  } else {
    expect(error, what).toBeInstanceOf(WorkerError);
    expect((error as WorkerError).blame, what).toBe("image");
  }
  expect(everything(), what).toEqual(before);
  return code;
}

function withLayer(layer: Buffer): Buffer {
  return archive(MACHINE, entry({ name: "layer.qcow2" }, layer), disk);
}

/** Numbers that are the same for the same seed. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const SEED = Number(process.env["HOSTILE_SEED"] ?? Date.now() % 1_000_000);

function flipped(bytes: Buffer, next: (below: number) => number): { copy: Buffer; what: string } {
  const [at, bit] = [next(bytes.length), next(8)];
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ (1 << bit), at);
  return { copy, what: `bit ${bit} of byte ${at}; HOSTILE_SEED=${SEED}` };
}

it("takes the archive and the layer of which the hostile ones are made", async () => {
  for (const bytes of [archive(MACHINE, DISK), withLayer(goodLayer)]) {
    expect((await verifyIt(bytes)).code).toBe("accepted");
    expect(await expectRefusedOrHarmless(bytes, "good")).toBe("accepted");
  }
});

describe("an archive is refused, and leaves nothing, that has", () => {
  it.each(HOSTILE_TARS)("%s", async (_, code, message, bytes) => {
    await expectRefusal(bytes, code, message);
  });
});

describe("compressed data is refused, and leaves nothing, that has", () => {
  it.each(HOSTILE_FRAMES)("%s", async (_, code, message, bytes) => {
    await expectRefusal(bytes, code, message);
  });
});

describe("a layer is refused, and leaves nothing, that has", () => {
  it.each(HOSTILE_LAYERS)("%s", async (_, code, message, change) => {
    const layer = Buffer.from(goodLayer);
    change(layer);
    await expectRefusal(withLayer(layer), code, message);
  });
});

describe("what is harmless", () => {
  it.each([
    ["a global comment", archive(pax({ comment: "by git" }, "g"), MACHINE, DISK)],
    ["owners and times of any kind", archive(MACHINE, pax({ mtime: "-1.5", uid: "4294967295", uname: "../x" }), DISK)],
    ["a link name on a file", archive(MACHINE, pax({ linkpath: "/etc/passwd" }), DISK)],
    [
      "a mode with all bits",
      archive(MACHINE, entry({ name: "disk.img", change: (b) => b.write("7777777", 100) }, "x")),
    ],
    ["a contiguous file", archive(MACHINE, entry({ name: "disk.img", type: "7" }, "x"))],
    ["1 GiB of zeros that fit a disk", ZERO_DISK],
  ])("is taken: %s", async (_, bytes) => {
    expect(await expectRefusedOrHarmless(bytes, "harmless")).toBe("accepted");
  });

  it("is written as our files, whatever the archive says of them", async () => {
    const mode = (block: Buffer) => block.write("7777777", 100);
    const image = await store.import(
      streamSource(once(archive(MACHINE, entry({ name: "disk.img", change: mode }, "x")))),
    );
    expect(statSync(image.files["disk.img"] as string).mode & 0o7777).toBe(0o444);
    await store.remove(image.digest);
  });
});

it("refuses a small archive that is cut at any block, and one that is cut anywhere when compressed", async () => {
  const tar = Buffer.concat([MACHINE, DISK, END]);
  for (let blocks = 0; blocks * 512 < tar.length; blocks++) {
    const { code } = await importIt(zstdCompressSync(tar.subarray(0, blocks * 512)));
    // A single block of zeros is how some programs end an archive; others want two.
    expect([blocks, code]).toEqual([blocks, "archive-truncated"]);
  }
  const whole = archive(MACHINE, DISK);
  for (let bytes = 0; bytes < whole.length; bytes += 7) {
    expect((await importIt(whole.subarray(0, bytes))).code).toBe("zstd-truncated");
  }
});

it("refuses or survives flipped bits of an archive, of its tar, and of its layer", async () => {
  console.info(`HOSTILE_SEED=${SEED}`);
  const next = random(SEED);
  const tar = Buffer.concat([MACHINE, pax({ path: "disk.img" }), DISK, END]);
  const compressed = withLayer(goodLayer);
  for (let round = 0; round < 12; round++) {
    const archiveFlip = flipped(compressed, next);
    await expectRefusedOrHarmless(archiveFlip.copy, `archive: ${archiveFlip.what}`);
    const tarFlip = flipped(tar, next);
    await expectRefusedOrHarmless(zstdCompressSync(tarFlip.copy), `tar: ${tarFlip.what}`);
    // What is flipped in the data of a layer is only data.
    const headerFlip = flipped(goodLayer.subarray(0, 600), next);
    const layer = Buffer.concat([headerFlip.copy, goodLayer.subarray(600)]);
    await expectRefusedOrHarmless(withLayer(layer), `layer: ${headerFlip.what}`);
  }
});

describe("verification", () => {
  const bytes = () =>
    archive(MACHINE, entry({ name: "disk.img" }, Buffer.concat([Buffer.alloc(70_000), Buffer.from("data")])));

  it("tells all that is known of an archive", async () => {
    const verified = await verifyArchive(streamSource(once(bytes())), { zstd, limits: LIMITS, workDirectory });
    expect(verified).toMatchObject({
      digest: `sha256:${createHash("sha256").update(bytes()).digest("hex")}`,
      archiveBytes: bytes().length,
      files: [
        { name: "machine.json", bytes: 13, dataBytes: 13 },
        { name: "disk.img", bytes: 70_004, dataBytes: 70_004 },
      ],
      machine: { version: 2 },
      provenance: undefined,
      parent: undefined,
      virtualBytes: 70_004,
      findings: [{ code: "no-provenance" }],
    });
  });

  it("works in a folder that others know how to remove, should this process die", async () => {
    const folders: string[] = [];
    const source = {
      ...streamSource(once(bytes())),
      prepare: async () => void folders.push(...readdirSync(workDirectory)),
    };
    await verifyArchive(source, { zstd, limits: LIMITS, workDirectory });
    expect(folders.map(ownerOfName)).toEqual([await currentOwner()]);
    expect(readdirSync(workDirectory)).toEqual([]);
  });

  it("finds what has changed in a store", async () => {
    const options = { zstd, limits: LIMITS, workDirectory };
    const image = await store.import(streamSource(once(bytes())), { keepArchive: true });
    const kept = await store.archiveFile(image.digest);
    expect((await verifyStored(image, kept, options)).findings.map(({ code }) => code)).toEqual(["no-provenance"]);
    const forgotten = await verifyStored(image, undefined, options);
    expect(forgotten.findings.map(({ code }) => code)).toEqual(["no-provenance", "archive-not-kept"]);
    const file = image.files["disk.img"] as string;
    for (const change of [
      (contents: Buffer) => contents.writeUInt8(1, 5_000),
      (contents: Buffer) => contents.write("date", 70_000),
    ]) {
      const good = readFileSync(file);
      const bad = Buffer.from(good);
      change(bad);
      execFileSync("chmod", ["644", file]);
      writeFileSync(file, bad);
      await expect(verifyStored(image, kept, options)).rejects.toMatchObject({ code: "image-damaged" });
      writeFileSync(file, good);
    }
    writeFileSync(kept as string, "not an archive");
    await expect(verifyStored(image, kept, options)).rejects.toMatchObject({ code: "image-damaged" });
    await store.remove(image.digest);
  });
});

it("takes no more memory for bombs than for a good image of their size", { timeout: 120_000 }, () => {
  let runs = 0;
  const memoryOf = (file: string): number => {
    const script = join(import.meta.dirname, "import-one.ts");
    const args = [script, join(folder.path, `child-${runs++}`), file];
    return Number(execFileSync(process.execPath, args, { encoding: "utf8" }));
  };
  const lots = 300 * MIB;
  const good = folder.file("good.zst", archive(MACHINE, entry({ name: "disk.img" }, Buffer.alloc(lots, "not zero "))));
  const segments = 800_000;
  const map = `${segments}\n${Array.from({ length: segments }, (_, i) => `${i * 65_536}\n1\n`).join("")}`;
  const mapBlocks = Buffer.alloc(Math.ceil(map.length / 512) * 512);
  mapBlocks.write(map, "latin1");
  const records = {
    "GNU.sparse.major": "1",
    "GNU.sparse.minor": "0",
    "GNU.sparse.name": "disk.img",
    "GNU.sparse.realsize": String(48 * 1_024 * MIB),
  };
  const json = (text: string) => archive(MACHINE, entry({ name: "image.json" }, text), DISK);
  const bombs = {
    zeros: ZERO_DISK,
    map: archive(MACHINE, pax(records), entry({ name: "GNUSparseFile.0/disk.img" }, mapBlocks)),
    deep: json("[".repeat(15 * MIB)),
    wide: json(`{"name":"x","packages":[${"1,".repeat(7 * MIB)}1]}`),
    keys: json(`{"name":"x",${Array.from({ length: 400_000 }, (_, i) => `"k${i}":1`).join(",")}}`),
    wrong: json(`{"name":"x","packages":[${"1,".repeat(400_000)}1]}`),
    headers: archive(...Array.from({ length: 50 }, () => pax({ comment: "x".repeat(1_000_000) }, "g")), MACHINE),
    padding: HOSTILE_FRAMES.find(([title]) => title.includes("after the end"))?.[3] as Buffer,
    window: HOSTILE_FRAMES.find(([title]) => title.includes("window"))?.[3] as Buffer,
    cut: archive(MACHINE, header({ name: "disk.img", size: lots })),
  };
  const goodMiB = memoryOf(good);
  const usedMiB = Object.entries(bombs).map(([name, bytes]) => ({
    name,
    memoryMiB: Math.round(memoryOf(folder.file(`${name}.zst`, bytes))),
  }));
  console.info(`${Math.round(goodMiB)} MiB for a good image;`, usedMiB);
  // A map of the largest size and the errors of the largest document: all that a reader keeps.
  expect(usedMiB.filter(({ memoryMiB }) => memoryMiB > goodMiB + 150)).toEqual([]);
});
