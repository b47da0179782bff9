import { describe, expect, it, onTestFinished } from "vitest";
import { Secret } from "../../../src/config/secret.ts";
import type { TracesSettings } from "../../../src/config/telemetry.ts";
import type { ClaimedTask } from "../../../src/queue/driver.ts";
import { Traces } from "../../../src/telemetry/traces.ts";
import type { RunFacts, RunObserver } from "../../../src/worker/observer.ts";
import { FakeClaim } from "../../fakes/fake-queue.ts";
import { OtlpReceiver } from "../../fixtures/telemetry/otlp-receiver.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const FACTS: RunFacts = {
  report: { phases: [], steps: [], workerId: "w" },
  artifacts: [{ name: "public/a.txt", sizeBytes: 10 }],
  logBytes: 0,
};

async function open(more: Partial<TracesSettings> = {}) {
  const receiver = await OtlpReceiver.open();
  onTestFinished(() => receiver[Symbol.asyncDispose]());
  const logged: string[] = [];
  const headers = { authorization: Secret.of("Bearer s3cret") };
  const traces = Traces.open({
    settings: { endpoint: receiver.url, headers, sampling: 1, ...more },
    ...{ version: "1.2.3", workerId: "worker-7", queue: "linux/large", closeTimeoutMs: 200 },
    logger: { log: (_level, message) => void logged.push(message) },
  });
  onTestFinished(() => traces[Symbol.asyncDispose]());
  return { receiver, traces, logged };
}

function task(more: Partial<ClaimedTask> = {}): ClaimedTask {
  return { ...new FakeClaim({ command: ["true"] }).task, name: "tests", ...more };
}

/** A run with two phases, and a step in the second. */
function play(run: RunObserver): Record<string, string | undefined> {
  const parents: Record<string, string | undefined> = {};
  run.phaseBegan?.("image", new Date());
  run.phaseEnded?.("image", 1);
  run.machine?.({ imageDigest: "sha256:0", start: "resumed", accelerator: "kvm", memoryMiB: 512 });
  run.phaseBegan?.("run", new Date());
  run.stepBegan?.("build", new Date());
  parents["step"] = run.environment?.()["TRACEPARENT"];
  run.stepEnded?.({ name: "build", exitCode: 3, durationMs: 1 });
  parents["run"] = run.environment?.()["TRACEPARENT"];
  run.phaseEnded?.("run", 1);
  run.over?.({ resolution: { kind: "failed", reason: "command-failed" } }, FACTS);
  return parents;
}

describe("traces of runs", () => {
  it("have a span for the run, its phases and its steps, one in the other", async () => {
    const { receiver, traces } = await open();
    const run = traces.claimed(task({ scheduled: new Date(Date.now() - 5_000) }));
    const { step } = play(run);
    await traces[Symbol.asyncDispose]();
    const spans = new Map(receiver.spans.map((span) => [span.name, span]));
    expect([...spans.keys()].sort()).toEqual(["image", "run", "step build"].sort());
    const phases = receiver.spans.filter(({ name }) => name === "run");
    const root = phases.find(({ parentSpanId }) => !parentSpanId);
    const phase = phases.find(({ parentSpanId }) => parentSpanId === root?.spanId);
    expect(root).toMatchObject({
      traceId: run.logFields?.["traceId"],
      attributes: {
        "boxcar.task.id": "a-task",
        "boxcar.task.name": "tests",
        "boxcar.queue": "linux/large",
        "boxcar.resolution": "failed",
        "boxcar.reason": "command-failed",
        "boxcar.machine.start": "resumed",
      },
      events: [{ name: "artifact", attributes: { "boxcar.artifact.name": "public/a.txt" } }],
      status: { code: 2, message: "command-failed" },
      resource: { "service.name": "boxcar", "service.version": "1.2.3", "service.instance.id": "worker-7" },
    });
    expect(Number(root?.attributes["boxcar.wait_ms"])).toBeGreaterThanOrEqual(5_000);
    expect(spans.get("image")?.parentSpanId).toBe(root?.spanId);
    expect(spans.get("step build")).toMatchObject({
      parentSpanId: phase?.spanId,
      attributes: { "boxcar.exit_code": 3 },
      status: { code: 2 },
    });
    for (const { startTimeUnixNano, endTimeUnixNano } of receiver.spans) {
      expect(BigInt(endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(startTimeUnixNano));
    }
    expect(step).toBe(`00-${root?.traceId}-${spans.get("step build")?.spanId}-01`);
    expect(receiver.headers[0]?.authorization).toBe("Bearer s3cret");
  });

  it.each([
    ["its tag", task({ traceparent: `00-${TRACE}-${SPAN}-01` })],
    ["the environment of its command", task({ payload: { env: { TRACEPARENT: `00-${TRACE}-${SPAN}-01` } } })],
  ])("go on where a task says so in %s, whatever the share", async (_where, claimed) => {
    const { receiver, traces } = await open({ sampling: 0 });
    play(traces.claimed(claimed));
    await traces[Symbol.asyncDispose]();
    expect(receiver.spans.find(({ parentSpanId }) => parentSpanId === SPAN)).toMatchObject({ traceId: TRACE });
    expect(new Set(receiver.spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]));
  });

  it("are not sent where the task's own is not, and the guest is told so", async () => {
    const { receiver, traces } = await open();
    const { step } = play(traces.claimed(task({ traceparent: `00-${TRACE}-${SPAN}-00` })));
    expect(step).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
    await traces[Symbol.asyncDispose]();
    expect(receiver.requests).toBe(0);
  });

  it("begin anew where what a task says is no trace", async () => {
    const { receiver, traces } = await open();
    for (const traceparent of ["", "x", `00-${"0".repeat(32)}-${SPAN}-01`, `00-${TRACE}-${SPAN}`]) {
      play(traces.claimed(task({ traceparent })));
    }
    play(traces.claimed(task({ payload: { env: null } })));
    await traces[Symbol.asyncDispose]();
    const roots = receiver.spans.filter(({ name, parentSpanId }) => name === "run" && !parentSpanId);
    expect(new Set(roots.map(({ traceId }) => traceId)).size).toBe(5);
  });

  it("are lost, and no run waits, where the collector refuses or hangs; the log says so once", async () => {
    const { receiver, traces, logged } = await open();
    receiver.mode = "refuses";
    const asked = receiver.asked;
    for (let count = 0; count < 2_000; count++) play(traces.claimed(task()));
    await asked;
    receiver.mode = "hangs";
    await traces[Symbol.asyncDispose]();
    expect(receiver.spans).toEqual([]);
    expect(logged.filter((line) => line.startsWith("traces are lost"))).toHaveLength(1);
  });
});
