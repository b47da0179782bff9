import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Boxcar, finish, untilPrinted } from "./boxcar.ts";

let boxcar: Boxcar;

beforeEach(async () => {
  boxcar = await Boxcar.open();
});

afterEach(() => boxcar[Symbol.asyncDispose]());

const BUSY = ["sh", "-c", "echo up; sleep 60"];

describe("Ctrl-C", () => {
  it.each([
    ["boot", "stderr", "machine: q35", { command: BUSY }],
    ["run", "stdout", "up\n", { command: BUSY }],
  ] as const)("leaves nothing during %s", async (_phase, stream, text, payload) => {
    const { child } = await boxcar.startTask(payload);
    await untilPrinted(child, stream, text);
    child.kill("SIGINT");
    const { exitCode, result } = await finish(child);
    expect(exitCode).toBe(130);
    expect(result).toMatchObject({ state: "exception", reason: "canceled" });
    expect(await boxcar.leftovers()).toEqual([]);
  });

  it("leaves nothing while artifacts are collected, not even half a file", async () => {
    const { child, output } = await boxcar.startTask({
      command: ["sh", "-c", "truncate -s 4G huge"],
      artifacts: [{ name: "huge", path: "huge" }],
    });
    const collecting = Promise.withResolvers<void>();
    const look = setInterval(() => {
      void readdir(join(output, "artifacts"))
        .then(() => collecting.resolve())
        .catch(() => {});
    }, 20);
    void child.then(() => collecting.reject(new Error("the task ended before its artifact was collected")));
    await collecting.promise.finally(() => clearInterval(look));
    child.kill("SIGINT");
    const { exitCode } = await finish(child);
    expect(exitCode).toBe(130);
    expect(await boxcar.leftovers()).toEqual([]);
    expect(await readdir(join(output, "artifacts"))).toEqual([]);
  });
});

describe("kill -9 of the worker", () => {
  it("ends its machine, and what it leaves is gone after the next start", async () => {
    const { child } = await boxcar.startTask({ command: BUSY });
    await untilPrinted(child, "stdout", "up\n");
    const machines = await boxcar.machines();
    expect(machines).toHaveLength(1);
    child.kill("SIGKILL");
    await child;
    expect(await boxcar.leftovers()).not.toEqual([]);
    const { exitCode } = await boxcar.runTask({ command: ["true"] });
    expect(exitCode).toBe(0);
    expect(await boxcar.leftovers()).toEqual([]);
  });
});

describe("the accelerator", () => {
  it("is found out once, and the reason for a slow one is in the log", async () => {
    const first = await boxcar.runTask({ command: ["true"] });
    const cache = join(boxcar.directory, "state/cache");
    await mkdir(cache, { recursive: true });
    const { fault } = JSON.parse(await readFile(join(cache, "accelerator.json"), "utf8")) as { fault?: string };
    expect(first.result.accelerator).toBe(fault === undefined ? "kvm" : "tcg");
    if (fault !== undefined) expect(first.stderr).toContain(fault);
    expect(await readdir(cache)).toEqual(["accelerator.json"]);
  });
});
