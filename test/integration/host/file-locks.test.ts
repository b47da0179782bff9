import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileLocks } from "../../../src/host/file-locks.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "boxcar-locks-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

describe("FileLocks", () => {
  it("lets one at a time in, and takes over from the dead only once", async () => {
    const [a, b] = [new FileLocks(directory), new FileLocks(directory)];
    const dead = "999999999-1-00000000-0000-0000-0000-000000000000_11111111-1111-1111-1111-111111111111";
    execFileSync("ln", ["-s", dead, join(directory, "lock")]);
    let inside = 0;
    const enter = async (locks: FileLocks) => {
      await using _lock = await locks.acquire("lock");
      inside++;
      expect(inside).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    };
    await Promise.all([a, b, a, b, a, b].map(enter));
    expect(readdirSync(directory)).toEqual([]);
  });

  it("stops waiting when it is aborted, without disturbing the others", async () => {
    const locks = new FileLocks(directory);
    const held = await locks.acquire("lock");
    const controller = new AbortController();
    const impatient = locks.acquire("lock", { signal: controller.signal });
    const patient = locks.acquire("lock");
    controller.abort(new Error("enough"));
    await expect(impatient).rejects.toThrow("enough");
    await held[Symbol.asyncDispose]();
    await (await patient)[Symbol.asyncDispose]();
    expect(readdirSync(directory)).toEqual([]);
  });
});
