/** What workers know of each other: one suite, run against each directory. */
import { describe, expect, it, onTestFinished } from "vitest";
import type { AnnounceOptions, WorkerAnnouncement, WorkerDirectory } from "../../src/queue/worker-directory.ts";

export interface DirectoryHarness extends AsyncDisposable {
  readonly directory: WorkerDirectory;
  /** As another process has it; undefined where there is only one. */
  readonly openOther?: () => Promise<WorkerDirectory>;
}

/** Longer than any test: it is said when it has changed. */
const NEVER: AnnounceOptions = { everyMs: 600_000 };

export const WORKER: WorkerAnnouncement = {
  url: "http://10.0.0.1:7070",
  queue: "default",
  version: "1.2.3",
  startedAt: new Date("2026-01-02T03:04:05.678Z"),
  status: { state: "claiming", running: [], why: "a\u0000b" },
};

export function describeWorkerDirectory(name: string, start: () => Promise<DirectoryHarness>): void {
  const open = async () => {
    const harness = await start();
    onTestFinished(() => harness[Symbol.asyncDispose]());
    return harness;
  };

  describe(`a directory of workers: ${name}`, () => {
    it("knows what a worker says of itself, until it ends", async () => {
      const { directory } = await open();
      expect(await directory.list()).toEqual([]);
      let status: WorkerAnnouncement["status"] = WORKER.status;
      await using announced = directory.announce("worker-1", () => ({ ...WORKER, status }), NEVER);
      await announced.flush();
      const entry = { ...WORKER, workerId: "worker-1", isAlive: true, seenAt: expect.any(Date) };
      expect(await directory.list()).toEqual([entry]);
      status = { state: "paused" };
      announced.changed();
      await announced.flush();
      expect(await directory.find("worker-1")).toEqual({ ...entry, status });
      expect(await directory.find("worker-2")).toBeUndefined();
      await announced[Symbol.asyncDispose]();
      await announced[Symbol.asyncDispose]();
      expect(await directory.list()).toEqual([]);
      expect(await directory.find("worker-1")).toBeUndefined();
    });

    it("has one key for all", async () => {
      const { directory, openOther } = await open();
      const other = (await openOther?.()) ?? directory;
      const keys = await Promise.all([directory.fleetKey(), other.fleetKey(), directory.fleetKey()]);
      expect(keys[0]).toHaveLength(32);
      expect(new Set(keys.map((key) => Buffer.from(key).toString("hex"))).size).toBe(1);
      expect(new Set(keys[0]).size).toBeGreaterThan(8);
    });

    it("keeps the status of a worker short", async () => {
      const { directory } = await open();
      const task = { taskId: "x".repeat(22), runId: 0, name: "ä".repeat(255), phase: "run" };
      const status = { state: "full", running: Array.from({ length: 5_000 }, () => task) };
      await using announced = directory.announce("worker-1", () => ({ ...WORKER, status }), NEVER);
      await announced.flush();
      const found = await directory.find("worker-1");
      const { running, omitted, state } = found?.status ?? {};
      expect(state).toBe("full");
      expect(running).toContainEqual(task);
      expect((running as unknown[]).length + Number(omitted)).toBe(5_000);
      expect(Buffer.byteLength(JSON.stringify(found?.status))).toBeLessThan(300_000);
    });
  });
}
