import { describe, expect, it } from "vitest";
import { Cancellation } from "../../../src/base/errors.ts";
import { Metrics } from "../../../src/telemetry/metrics.ts";
import type { RunFacts } from "../../../src/worker/observer.ts";
import { FakeClaim } from "../../fakes/fake-queue.ts";
import { attachedMetrics } from "../../fixtures/telemetry/attached-metrics.ts";
import { parsePrometheusText } from "../../fixtures/telemetry/prometheus-text.ts";

const NETWORK = { asked: 5, allowed: 3, refused: 2, failed: 0 };
const TRAFFIC = {
  ...{ framesFromGuest: 1, bytesFromGuest: 1_000, framesToGuest: 2, bytesToGuest: 2_000, refused: 2 },
  ...{ dropped: { "spoofed-mac": 3 }, connections: 0, connectionsOpened: 3, connectionsOverLimit: 0, waitingBytes: 0 },
};
const FACTS: RunFacts = {
  report: { phases: [], steps: [], workerId: "w" },
  artifacts: [
    { name: "a", sizeBytes: 10 },
    { name: "b", sizeBytes: 20 },
  ],
  logBytes: 300,
  network: NETWORK,
  traffic: TRAFFIC,
};

async function read(metrics: Metrics): Promise<(name: string, labels?: Record<string, string>) => number | undefined> {
  const samples = parsePrometheusText(await metrics.text()).flatMap((family) => family.samples);
  return (name, labels = {}) => {
    const isMeant = (each: Record<string, string>) =>
      Object.entries(labels).every(([key, value]) => each[key] === value);
    return samples.find((sample) => sample.name === name && isMeant(sample.labels))?.value;
  };
}

describe("the metrics of a worker", () => {
  it("count what becomes of a run", async () => {
    const metrics = attachedMetrics();
    const claim = new FakeClaim({});
    const run = metrics.observer.claimed?.({ ...claim.task, scheduled: new Date(Date.now() - 2_000) });
    run?.phaseBegan?.("image", new Date());
    run?.image?.({ digest: "sha256:0", importedBytes: 77 });
    run?.phaseEnded?.("image", 1_500);
    run?.machine?.({ imageDigest: "sha256:0", start: "pooled", accelerator: "kvm", memoryMiB: 64 });
    let value = await read(metrics);
    expect(value("boxcar_claim_wait_seconds_sum")).toBeGreaterThanOrEqual(2);
    expect(value("boxcar_machines_running")).toBe(1);
    expect(value("boxcar_machines_memory_bytes")).toBe(64 * 1_048_576);
    run?.phaseEnded?.("release", 5);
    run?.over?.({ resolution: { kind: "failed", reason: "command-failed" } }, FACTS);
    value = await read(metrics);
    expect(value("boxcar_claims_total")).toBe(1);
    expect(value("boxcar_claim_wait_seconds_count")).toBe(1);
    expect(value("boxcar_run_phase_duration_seconds_count", { phase: "image" })).toBe(1);
    expect(value("boxcar_runs_total", { resolution: "failed", reason: "command-failed" })).toBe(1);
    expect(value("boxcar_run_duration_seconds_count", { resolution: "failed" })).toBe(1);
    expect(value("boxcar_machines_started_total", { start: "pooled", accelerator: "kvm" })).toBe(1);
    expect(value("boxcar_machines_started_total", { start: "booted", accelerator: "tcg" })).toBe(0);
    expect(value("boxcar_machines_running")).toBe(0);
    expect(value("boxcar_machines_memory_bytes")).toBe(0);
    expect(value("boxcar_image_requests_total", { result: "imported" })).toBe(1);
    expect(value("boxcar_image_imported_bytes_total")).toBe(77);
    expect(value("boxcar_log_bytes_total")).toBe(300);
    expect(value("boxcar_artifacts_total")).toBe(2);
    expect(value("boxcar_artifact_bytes_total")).toBe(30);
    expect(value("boxcar_network_requests_total", { outcome: "refused" })).toBe(2);
    expect(value("boxcar_network_bytes_total", { direction: "to_guest" })).toBe(2_000);
    expect(value("boxcar_network_dropped_total", { reason: "spoofed-mac" })).toBe(3);
  });

  it("say what the worker is and has when they are asked for", async () => {
    const metrics = attachedMetrics();
    metrics.observer.queueAnswered?.(undefined);
    metrics.observer.queueAnswered?.(new Error("no answer"));
    metrics.http.answered({ operation: "listTasks", method: "GET" }, { status: 200, durationMs: 3 });
    metrics.http.opened({ operation: "followLog" });
    metrics.http.opened({ operation: "followLog" })();
    metrics.noteRemoved("images", 2);
    metrics.noteWebhook("delivered");
    const value = await read(metrics);
    expect(value("boxcar_worker_state", { state: "waiting" })).toBe(1);
    expect(value("boxcar_worker_state", { state: "claiming" })).toBe(0);
    expect(value("boxcar_worker_capacity")).toBe(4);
    expect(value("boxcar_runs_in_phase", { phase: "run" })).toBe(1);
    expect(value("boxcar_runs_in_phase", { phase: "boot" })).toBe(0);
    expect(value("boxcar_machines_pooled")).toBe(2);
    expect(value("boxcar_event_clients")).toBe(6);
    expect(value("boxcar_host_memory_available_bytes")).toBe(1_024 * 1_048_576);
    expect(value("boxcar_host_disk_free_bytes")).toBe(5_000);
    expect(value("boxcar_proxy_hits_total", { proxy: "npm" })).toBe(4);
    expect(value("boxcar_proxy_kept_bytes", { proxy: "npm" })).toBe(7);
    expect(value("boxcar_queue_tasks", { state: "pending" })).toBe(2);
    expect(value("boxcar_queue_errors_total")).toBe(1);
    expect(value("boxcar_http_requests_total", { operation: "listTasks", status: "200" })).toBe(1);
    expect(value("boxcar_websockets", { operation: "followLog" })).toBe(1);
    expect(value("boxcar_garbage_removed_total", { kind: "images" })).toBe(2);
    expect(value("boxcar_webhook_attempts_total", { outcome: "delivered" })).toBe(1);
    expect(value("boxcar_build_info", { version: "1.2.3", worker: "w", network: "user" })).toBe(1);
    expect(value("process_cpu_seconds_total")).toBeGreaterThan(0);
  });

  it("have no label that a task, or a queue, makes up", async () => {
    const metrics = attachedMetrics();
    const claim = new FakeClaim({}, { taskId: "secret-task-id" });
    for (const reason of ["made-up-1", "made-up-2"]) {
      metrics.observer.claimed?.(claim.task)?.over?.({ resolution: { kind: "failed", reason } }, FACTS);
    }
    const lost = new Cancellation("claim-expired", "too late");
    metrics.observer.claimed?.(claim.task)?.over?.({ lost }, FACTS);
    const value = await read(metrics);
    expect(value("boxcar_runs_total", { resolution: "failed", reason: "other" })).toBe(2);
    expect(value("boxcar_runs_total", { resolution: "lost", reason: "claim-expired" })).toBe(1);
    expect(await metrics.text()).not.toMatch(/secret-task-id|made-up/);
  });

  it("leave out what cannot be found out at the moment", async () => {
    const metrics = new Metrics();
    const fails = () => Promise.reject(new Error("gone"));
    metrics.attach(
      {
        status: () => ({ state: "full", capacity: 1, running: [] }),
        room: fails,
        proxies: () => ({}),
        queue: fails,
        eventClients: () => 0,
      },
      { version: "1", workerId: "w", network: "user" },
    );
    const value = await read(metrics);
    expect(value("boxcar_queue_tasks")).toBeUndefined();
    expect(value("boxcar_host_disk_free_bytes")).toBeNaN();
    expect(value("boxcar_worker_state", { state: "full" })).toBe(1);
  });

  it("are named as Prometheus has it", async () => {
    for (const { name, type, help, labels } of attachedMetrics().describe()) {
      if (!name.startsWith("boxcar_")) continue;
      expect(name, name).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(name.endsWith("_total"), name).toBe(type === "counter");
      if (type === "histogram") expect(name).toMatch(/_seconds$/);
      expect(help).toMatch(/^[A-Z1].*\.$/);
      for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
    }
  });
});
