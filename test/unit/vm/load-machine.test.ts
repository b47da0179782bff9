import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadMachine } from "../../../src/vm/load-machine.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-test-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function file(content: string): Promise<string> {
  const path = join(directory, "machine.json");
  await writeFile(path, content);
  return path;
}

it("reads a machine of an old version", async () => {
  const machine = await loadMachine(await file('{"version": 1, "memory": 256}'));
  expect(machine).toMatchObject({ version: 2, memory: 256, chipset: "pc" });
});

it("refuses a file that is too large without reading all of it", async () => {
  await expect(loadMachine(await file(" ".repeat(5_000_000)))).rejects.toThrow("larger than 1 MiB");
});

it("blames the image for a definition that is wrong", async () => {
  await expect(loadMachine(await file('{"version": 2, "memory": -1}'))).rejects.toMatchObject({ blame: "image" });
  await expect(loadMachine(await file("{"))).rejects.toMatchObject({ blame: "image", code: "invalid-input" });
});
