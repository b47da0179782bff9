import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/load-config.ts";

const host = { memoryMiB: 16_384, cpus: 4 };
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "boxcar-test-"));
  await mkdir(join(home, ".config/boxcar"), { recursive: true });
});
afterAll(() => rm(home, { recursive: true }));

function surroundings(env: Record<string, string> = {}, where = home) {
  return { env, uid: 1000, home: where, host };
}

async function file(name: string, content: string): Promise<string> {
  const path = join(home, name);
  await writeFile(path, content);
  return path;
}

it("reads the file it is given, else the one the environment names, else the default one", async () => {
  const given = await file("given.yml", "accelerator: kvm");
  const named = await file("named.json", '{"accelerator": "tcg"}');
  const usual = await file(".config/boxcar/worker.yml", "images: {default: mine}");
  const env = { BOXCAR_CONFIG: named };
  expect(await loadConfig(surroundings(env), given)).toMatchObject({ file: given, config: { accelerator: "kvm" } });
  expect(await loadConfig(surroundings(env))).toMatchObject({ file: named, config: { accelerator: "tcg" } });
  expect(await loadConfig(surroundings())).toMatchObject({ file: usual, config: { images: { default: "mine" } } });
});

it("does without a default file, but not without one that was asked for", async () => {
  const nowhere = join(home, "nowhere");
  expect(await loadConfig(surroundings({}, nowhere))).toMatchObject({
    file: undefined,
    config: { accelerator: "auto" },
  });
  await expect(loadConfig(surroundings(), join(nowhere, "x.yml"))).rejects.toMatchObject({
    code: "config-unreadable",
    blame: "host",
    message: expect.stringContaining("x.yml"),
  });
});

it("takes a file in which everything is commented out for an empty one", async () => {
  const path = await file("empty.yml", "# nothing\n");
  expect((await loadConfig(surroundings(), path)).config.accelerator).toBe("auto");
});

it("names the file in which something is wrong", async () => {
  const path = await file("wrong.yml", "accelerator: warp\n");
  await expect(loadConfig(surroundings(), path)).rejects.toThrow(`${path} has 1 issue`);
});
