import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CacheStore } from "../../../src/cache/cache-store.ts";

const MAIN = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));
const SIZE = 32 * 1_048_576;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-cache-cli-"));
});

afterEach(() => rm(directory, { recursive: true }));

function boxcar(...args: string[]) {
  const env = { BOXCAR_STATE_DIR: directory };
  return execa(process.execPath, [MAIN, ...args], { env, reject: false });
}

async function make(...names: string[]): Promise<void> {
  const store = await CacheStore.open({ directory: join(directory, "caches") });
  for (const name of names)
    await (await store.acquire(name, { mode: "shared", sizeBytes: SIZE }))[Symbol.asyncDispose]();
}

describe("boxcar cache", () => {
  it("lists the caches, for people and for programs", async () => {
    expect(await boxcar("cache", "list")).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^There are no/),
    });
    await make("npm");
    const { stdout } = await boxcar("cache", "list");
    expect(stdout).toMatch(/^NAME +SIZE +ON DISK +LAST USED +IN USE BY\nnpm +32\.0 MiB .* -$/);
    const json = await boxcar("cache", "ls", "--json");
    expect(JSON.parse(json.stdout)).toMatchObject([{ name: "npm", sizeBytes: SIZE, users: 0 }]);
  });

  it("removes the ones that are named, and says which is not there", async () => {
    await make("a", "b", "c");
    expect(await boxcar("cache", "purge", "a", "b")).toMatchObject({ exitCode: 0, stdout: "purged a\npurged b" });
    expect(await boxcar("cache", "purge", "a")).toMatchObject({
      exitCode: 2,
      stderr: 'boxcar: there is no cache "a"; "boxcar cache list" shows which there are',
    });
    expect(JSON.parse((await boxcar("cache", "list", "--json")).stdout)).toMatchObject([{ name: "c" }]);
  });

  it("completes their names", async () => {
    await make("npm", "nuget", "pip");
    expect((await boxcar("complete", "cache", "purge", "n")).stdout).toBe("npm\nnuget");
    expect((await boxcar("complete", "cache", "")).stdout).toContain("purge\t");
  });
});
