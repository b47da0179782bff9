/** An archive that is being made has the memory of a machine: of one that is never finished nothing may stay. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BinaryZstd } from "../../../src/image/zstd/binary-zstd.ts";
import { exportSnapshot } from "../../../src/snapshot/archive/export.ts";
import type { SavedMachine } from "../../../src/snapshot/saved-machine.ts";
import { SnapshotStore } from "../../../src/snapshot/snapshot-store.ts";
import { makeBase, save } from "./saved-files.ts";

const zstd = new BinaryZstd();
let top: string;
let folder: string;
let saved: SavedMachine;

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), "bx-ke-"));
  folder = join(top, "archives");
  await mkdir(folder);
  const store = await SnapshotStore.open({
    ...{ directory: join(top, "store"), images: { pin: async () => {} }, reserveBytes: 0 },
  });
  saved = await save(store, await makeBase(join(top, "disk.img")));
});

afterEach(() => rm(top, { recursive: true }));

/** Resolves when it is at it. */
async function begin(file: string): Promise<ChildProcess> {
  const script = join(import.meta.dirname, "exporting-process.ts");
  const child = spawn(process.execPath, [script, file], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout as NodeJS.ReadableStream, "data");
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

describe("what an export that was killed has left", () => {
  it("goes at the next one there, and what another one is at does not", async () => {
    const [killed, other] = await Promise.all(["killed", "other"].map((name) => begin(join(folder, name))));
    try {
      await kill(killed as ChildProcess);
      expect(await readdir(folder)).toHaveLength(2);
      await exportSnapshot(saved, join(folder, "whole"), { zstd });
      expect(await readdir(folder)).toEqual([expect.stringMatching(/^\.boxcar-export-/), "whole"]);
    } finally {
      await kill(other as ChildProcess);
    }
    await exportSnapshot(saved, join(folder, "whole"), { zstd });
    expect(await readdir(folder)).toEqual(["whole"]);
  });

  it("by a host that started again, or by another one, goes when nobody has written to it for long", async () => {
    await kill(await begin(join(folder, "killed")));
    const [left = ""] = await readdir(folder);
    const elsewhere = left.replace(/[0-9a-f-]{36}_/, `${crypto.randomUUID()}_`);
    await rename(join(folder, left), join(folder, elsewhere));
    await exportSnapshot(saved, join(folder, "whole"), { zstd });
    expect(await readdir(folder)).toEqual([elsewhere, "whole"]);
    const before = new Date(Date.now() - 3_600_000);
    const files = await readdir(join(folder, elsewhere));
    for (const name of [...files, "."]) await utimes(join(folder, elsewhere, name), before, before);
    await exportSnapshot(saved, join(folder, "whole"), { zstd });
    expect(await readdir(folder)).toEqual(["whole"]);
  });

  it("is nothing that only looks like it", async () => {
    await kill(await begin(join(folder, "killed")));
    const [left = ""] = await readdir(folder);
    await rename(join(folder, left), join(top, "elsewhere"));
    await symlink(join(top, "elsewhere"), join(folder, left));
    await writeFile(join(folder, ".boxcar-export-mine"), "x");
    await exportSnapshot(saved, join(folder, "whole"), { zstd });
    expect((await readdir(folder)).sort()).toEqual([left, ".boxcar-export-mine", "whole"].sort());
    expect(await readdir(join(top, "elsewhere"))).toContain("archive");
  });
});
