import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { ArchiveFolder } from "./archives.ts";

const folder = new ArchiveFolder();
afterAll(() => folder[Symbol.dispose]());

it("a pin keeps an image for as long as there is what lies on it, and is forgotten then", async () => {
  const directory = join(folder.path, "store");
  await using store = await ImageStore.open({ directory, limits: { reserveBytes: 0 } });
  const { digest } = await store.import(folder.packImage(folder.makeImage()), { tag: "debian" });
  const machine = join(folder.path, "machine");
  await mkdir(machine);
  await store.pin("debian", { key: "machine-1", path: machine });
  await store.pin("debian", { key: "machine-1", path: machine });
  await expect(store.remove(digest)).rejects.toMatchObject({ code: "image-in-use", details: { pins: [machine] } });

  await rm(machine, { recursive: true });
  expect((await store.remove("debian")).removedImage).toBe(true);
  expect(await readdir(join(directory, "pins"))).toEqual([]);
});
