import { describe, expect, it } from "vitest";
import type { WorkerEntry } from "../../../../src/queue/worker-directory.ts";
import { decideLocation, type RunFacts } from "../../../../src/web/fleet/locate-run.ts";

const SEEN = new Date("2026-01-02T03:04:05.678Z");
const OTHER: WorkerEntry = {
  ...{ workerId: "other", url: "http://10.0.0.2:7070", queue: "default", version: "1", status: {} },
  ...{ startedAt: SEEN, seenAt: SEEN, isAlive: true },
};
const RUNNING = { runId: 0, state: "running", workerId: "other" } as const;
const facts = (changes: Partial<RunFacts>): RunFacts => ({
  ...{ self: "self", run: RUNNING, isKeptHere: false, worker: OTHER },
  ...changes,
});
const { url: _url, ...NAMELESS } = OTHER;

describe("where a run is", () => {
  it.each([
    ["no worker has it yet", { run: { runId: 0, state: "pending" } }],
    ["the task has no run yet", { run: undefined }],
    ["it is this worker's", { run: { ...RUNNING, workerId: "self" }, worker: undefined }],
    ["its files are on this host", { run: { ...RUNNING, state: "completed" }, isKeptHere: true, worker: undefined }],
  ] as const)("is here where %s", (_, changes) => {
    expect(decideLocation(facts(changes))).toEqual({ kind: "here" });
  });

  it("is with the worker that has claimed it", () => {
    const elsewhere = { kind: "elsewhere", workerId: "other", url: "http://10.0.0.2:7070" };
    expect(decideLocation(facts({}))).toEqual(elsewhere);
    expect(decideLocation(facts({ run: { ...RUNNING, state: "failed" } }))).toEqual(elsewhere);
  });

  it.each([
    ["is silent", { ...OTHER, isAlive: false }, "worker-silent", /other has this run.*silent since 2026-01-02T03:04/],
    ["has ended", undefined, "worker-gone", /other has this run, and has ended/],
    ["has no address", NAMELESS, "worker-without-address", /worker\.http\.url/],
    ["has no address that is one", { ...OTHER, url: "x" }, "worker-without-address", /worker\.http\.url/],
  ] as const)("is nowhere where its worker %s", (_, worker, code, message) => {
    expect(() => decideLocation(facts({ worker }))).toThrow(
      expect.objectContaining({ status: 503, code, message: expect.stringMatching(message) }),
    );
  });
});
