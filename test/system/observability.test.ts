import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";
import { expect, it, onTestFinished } from "vitest";
import { controlSocket } from "../../src/cli/worker/control-socket.ts";
import { HookReceiver } from "../fixtures/telemetry/hook-receiver.ts";
import { OtlpReceiver } from "../fixtures/telemetry/otlp-receiver.ts";
import { parsePrometheusText } from "../fixtures/telemetry/prometheus-text.ts";
import { Boxcar } from "./boxcar.ts";
import { end, WorkerProcesses } from "./worker-process.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const TRACE = "0af7651916cd43dd8448eb211c80319c";

it("a worker tells metrics, traces, webhooks and its log of one task the same", async () => {
  const collector = await OtlpReceiver.open();
  const receiver = await HookReceiver.open();
  const boxcar = await Boxcar.open();
  onTestFinished(async () => {
    for (const each of [collector, receiver, boxcar]) await each[Symbol.asyncDispose]();
  });
  const workers = await WorkerProcesses.open(boxcar, {
    worker: { capacity: 2, reserve: { diskGiB: 0 } },
    queue: { workerId: "worker-7" },
    telemetry: { traces: { endpoint: collector.url } },
    webhooks: [{ url: receiver.url(), secret: SECRET, events: ["task.running", "task.failed"] }],
  });
  const steps = [
    { name: "build", command: ["sh", "-c", "echo traceparent $TRACEPARENT; sleep 0.2"] },
    { name: "test", command: ["sh", "-c", "exit 3"] },
  ];
  const tags = { traceparent: `00-${TRACE}-b7ad6b7169203331-01` };
  const { worker } = await workers.start();
  const taskId = await workers.submit("", { command: undefined, steps }, { tags, metadata: { name: "tests" } });
  const log = await workers.follow(taskId);
  expect(await workers.ended(taskId)).toMatchObject({ state: "failed" });

  const [running, failed] = await receiver.until(2);
  const verify = (hook = running) => new Webhook(SECRET).verify(hook?.body ?? "", hook?.headers as never);
  const known = { taskId, runId: 0, name: "tests", worker: "worker-7" };
  expect(verify(running)).toMatchObject({ type: "task.running", data: known });
  expect(verify(failed)).toMatchObject({ type: "task.failed", data: { ...known, exitCode: 3 } });

  const metrics = await ask(boxcar, "/metrics");
  expect(metrics.type).toContain("text/plain");
  const samples = parsePrometheusText(metrics.text).flatMap((family) => family.samples);
  const value = (name: string, labels: Record<string, string> = {}) =>
    samples.find(
      (each) => each.name === name && Object.entries(labels).every(([key, wanted]) => each.labels[key] === wanted),
    )?.value;
  expect(value("boxcar_claims_total")).toBe(1);
  expect(value("boxcar_runs_total", { resolution: "failed", reason: "command-failed" })).toBe(1);
  for (const phase of ["image", "start", "run", "collect", "release", "publish"]) {
    expect(value("boxcar_run_phase_duration_seconds_count", { phase }), phase).toBe(1);
  }
  expect(value("boxcar_machines_running")).toBe(0);
  expect(value("boxcar_queue_tasks", { state: "pending" })).toBe(0);
  expect(value("boxcar_image_requests_total", { result: "stored" })).toBe(1);
  expect(value("boxcar_log_bytes_total")).toBeGreaterThan(100);
  expect(value("boxcar_artifacts_total")).toBeGreaterThanOrEqual(2);
  expect(value("boxcar_network_bytes_total", { direction: "from_guest" })).toBeGreaterThan(0);

  const kept = await ask(boxcar, `/api/v1/tasks/${taskId}/runs/0/logs/run.json`);
  expect(JSON.parse(kept.text)).toMatchObject({
    workerId: "worker-7",
    steps: [
      { name: "build", exitCode: 0 },
      { name: "test", exitCode: 3 },
    ],
    phases: expect.arrayContaining([{ name: "run", startedAt: expect.any(String), durationMs: expect.any(Number) }]),
    machine: expect.any(String),
  });

  const { stderr } = await end(worker);
  const root = collector.spans.find(({ parentSpanId }) => parentSpanId === "b7ad6b7169203331");
  expect(root).toMatchObject({ name: "run", traceId: TRACE, attributes: { "boxcar.task.id": taskId } });
  const build = collector.spans.find(({ name }) => name === "step build");
  expect(log).toContain(`traceparent 00-${TRACE}-${build?.spanId}-01`);
  const phases = collector.spans.filter(({ parentSpanId }) => parentSpanId === root?.spanId).map(({ name }) => name);
  expect(phases).toEqual(expect.arrayContaining(["image", "start", "run", "collect", "release", "publish"]));

  const lines = stderr.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as object] : []));
  for (const msg of ["claimed a task", "a task is over: failed"]) {
    expect(lines).toContainEqual(expect.objectContaining({ msg, taskId, runId: 0, traceId: TRACE }));
  }
});

/** The worker of this host, on its socket. */
async function ask({ directory }: Boxcar, path: string): Promise<{ type: string | undefined; text: string }> {
  const socketPath = controlSocket({ runDir: join(directory, "run") });
  const [response] = (await once(get({ socketPath, path }), "response")) as [IncomingMessage];
  return { type: response.headers["content-type"], text: await text(response) };
}
