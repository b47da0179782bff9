import { describe, expect, it } from "vitest";
import { WorkerError } from "../../../../src/base/errors.ts";
import { Jobs } from "../../../../src/web/images/jobs.ts";

/** Work that goes on until it is told to end. */
function work() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  return { run: () => promise, resolve, reject };
}

/** Resolves when everything that has settled has been noticed. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("jobs", () => {
  it("say how far they are, and what came of them", async () => {
    await using jobs = new Jobs();
    const { promise, resolve } = Promise.withResolvers<string>();
    const { job } = jobs.start("pull", "a", (_signal, report) => {
      report(() => "half of it");
      return promise;
    });
    expect(jobs.find(job)).toMatchObject({ kind: "pull", state: "running", progress: "half of it" });
    resolve("sha256:00");
    await settled();
    expect(jobs.find(job)).toEqual({ ...jobs.list()[0], state: "done", image: "sha256:00" });
    expect(jobs.find(job)).not.toHaveProperty("progress");
    expect(jobs.find("another")).toBeUndefined();
  });

  it("fail with what people may know", async () => {
    const failures: unknown[] = [];
    await using jobs = new Jobs({ onFailure: (error) => void failures.push(error) });
    const bad = new WorkerError("this is no archive", { code: "archive-bad", blame: "image" });
    const bug = new Error("ENOENT: no such file, open '/var/lib/boxcar/images/x'");
    const { job: first } = jobs.start("pull", "a", () => Promise.reject(bad));
    const { job: second } = jobs.start("pull", "b", () => Promise.reject(bug));
    await settled();
    expect(jobs.find(first)).toMatchObject({ state: "failed", error: { code: "archive-bad", message: bad.message } });
    expect(jobs.find(second)).toMatchObject({ state: "failed", error: { code: "internal-error" } });
    expect(JSON.stringify(jobs.list())).not.toContain("/var/lib");
    expect(failures).toEqual([bad, bug]);
  });

  it("are one where they do the same, while it goes on", async () => {
    await using jobs = new Jobs();
    const { run, resolve } = work();
    const first = jobs.start("pull", "a", run);
    expect(jobs.start("pull", "a", run).job).toBe(first.job);
    expect(jobs.start("pull", "b", run).job).not.toBe(first.job);
    resolve("sha256:00");
    await settled();
    expect(jobs.start("pull", "a", run).job).not.toBe(first.job);
  });

  it("are not too many at once, nor remembered for ever", async () => {
    await using jobs = new Jobs({ maxRunning: 2, maxKept: 3 });
    for (let round = 0; round < 5; round++) {
      const { run, resolve } = work();
      jobs.start("pull", "a", run);
      jobs.start("pull", "b", run);
      expect(() => jobs.start("pull", "c", run)).toThrow("2 jobs run already");
      resolve("sha256:00");
      await settled();
    }
    const last = jobs.start("pull", "a", async () => "sha256:00");
    expect(jobs.list()).toHaveLength(4);
    expect(jobs.list()[0]?.job).toBe(last.job);
  });

  it("are aborted when the worker ends, which waits for them, and begins none any more", async () => {
    const jobs = new Jobs();
    let isOver = false;
    const { job } = jobs.start("warm", "a", async (signal) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      await settled();
      isOver = true;
      throw signal.reason;
    });
    await jobs[Symbol.asyncDispose]();
    expect(isOver).toBe(true);
    expect(jobs.find(job)).toMatchObject({ state: "failed", error: { code: "shutting-down" } });
    expect(() => jobs.start("warm", "a", async () => "")).toThrow("the worker ends");
  });
});
