/** Worker processes on one PostgreSQL, with machines that are fakes; see test/system/fleet.test.ts for real ones. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, watch, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { HostArtifacts } from "../../../src/artifact/host-artifacts.ts";
import { connectionOfUrl } from "../../../src/queue/postgres/connection.ts";
import { PostgresQueue } from "../../../src/queue/postgres/postgres-queue.ts";
import { until } from "../../contract/queue.ts";
import type { FleetWorkerOptions } from "../../fixtures/worker/fleet-worker.ts";
import { PostgresServer } from "../../postgres-server.ts";

const PROGRAM = fileURLToPath(new URL("../../fixtures/worker/fleet-worker.ts", import.meta.url));
const WORKERS = 4;
const TASKS = 2_000;
/** Runs between one worker that is killed and the next. */
const RUNS_PER_KILL = 150;
const ARTIFACT = "public/out.txt";

interface Line {
  what: "begin" | "end" | "died";
  taskId: string;
  runId: number;
  pid: number;
}

class Fleet implements AsyncDisposable {
  readonly killed = new Set<number>();
  readonly #options: FleetWorkerOptions;
  readonly #file: string;
  readonly #running = new Map<number, ReturnType<typeof launch>>();

  constructor(options: FleetWorkerOptions) {
    this.#options = options;
    this.#file = join(options.folder, "lines");
    writeFileSync(this.#file, "");
    for (let count = 0; count < WORKERS; count++) this.#start();
  }

  /** What all have said so far, in the order in which it happened. */
  get lines(): Line[] {
    const whole = readFileSync(this.#file, "utf8").split("\n").slice(0, -1);
    return whole.map((line) => {
      const [what, taskId, runId, pid] = line.split(" ");
      return { what: what as Line["what"], taskId: taskId as string, runId: Number(runId), pid: Number(pid) };
    });
  }

  /** Resolves when more has been said than `count` lines. */
  async untilSaid(count: number): Promise<void> {
    const said = Promise.withResolvers<void>();
    const look = () => this.lines.length > count && said.resolve();
    const watcher = watch(this.#file, look);
    look();
    await said.promise;
    watcher.close();
  }

  /** Kills one in the middle of whatever it does, and starts another. */
  async kill(pid: number): Promise<void> {
    const victim = this.#running.get(pid);
    if (victim === undefined) return;
    await end(victim, "SIGKILL");
    this.killed.add(pid);
    this.#running.delete(pid);
    writeFileSync(this.#file, `died - 0 ${pid}\n`, { flag: "a" });
    this.#start();
  }

  /** Resolves with their exit codes. */
  async drain(): Promise<(number | null)[]> {
    const workers = [...this.#running.values()];
    await Promise.all(workers.map((worker) => end(worker, "SIGTERM")));
    return workers.map(({ exitCode }) => exitCode);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const left = [...this.#running.values()].filter(({ exitCode }) => exitCode === null);
    await Promise.all(left.map((worker) => end(worker, "SIGKILL")));
  }

  #start(): void {
    const worker = launch(this.#options, this.#file);
    this.#running.set(worker.pid as number, worker);
  }
}

function launch(options: FleetWorkerOptions, file: string) {
  const lines = openSync(file, "a");
  try {
    return spawn(process.execPath, [PROGRAM, JSON.stringify(options)], { stdio: ["ignore", lines, "inherit"] });
  } finally {
    closeSync(lines);
  }
}

async function end(worker: ReturnType<typeof launch>, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  const ended = once(worker, "exit");
  worker.kill(signal);
  await ended;
}

/** Tasks that were run by two workers at once, by the order of what they have said. */
function overlaps(lines: readonly Line[]): string[] {
  const running = new Map<string, Line>();
  const twice: string[] = [];
  for (const line of lines) {
    const { what, taskId, runId, pid } = line;
    const other = running.get(taskId);
    if (what === "begin") {
      if (other !== undefined)
        twice.push(`${taskId}: run ${runId} of ${pid} beside run ${other.runId} of ${other.pid}`);
      running.set(taskId, line);
    } else if (what === "end") {
      if (other?.pid === pid) running.delete(taskId);
    } else {
      for (const [id, { pid: of }] of running) if (of === pid) running.delete(id);
    }
  }
  return [...twice, ...[...running.keys()].map((taskId) => `${taskId} never ended`)];
}

it("four workers of which some are killed lose none of 2,000 tasks, and run none twice at once", async () => {
  const folder = await mkdtemp("/tmp/bxf-");
  await using server = await PostgresServer.start({ settings: "" });
  const url = await server.createDatabase();
  const files = await HostArtifacts.open(join(folder, "artifacts"));
  {
    await using queue = await PostgresQueue.open({ connection: connectionOfUrl(url), files });
    const payloads = new Map<string, object>();
    const submit = async (lane: number) => {
      for (let index = lane; index < TASKS; index += 8) {
        const payload = { index };
        payloads.set((await queue.submit({ payload, retries: 49 })).taskId, payload);
      }
    };
    const submitting = Promise.all(Array.from({ length: 8 }, (_, lane) => submit(lane)));
    await using fleet = new Fleet({ url, folder, leaseMs: 3_000, workMs: 5 });
    // The one that spoke last is killed while it has something to do.
    for (let said = RUNS_PER_KILL; said < TASKS * 2 - 2 * RUNS_PER_KILL; said += 2 * RUNS_PER_KILL) {
      await fleet.untilSaid(said);
      await fleet.kill(fleet.lines.findLast(({ what }) => what === "begin")?.pid ?? 0);
    }
    await submitting;
    const open = { states: ["unscheduled", "pending", "running"] as const, limit: 1 };
    await until(async () => (await queue.list(open)).length === 0);
    expect(await fleet.drain()).toEqual(Array(WORKERS).fill(0));

    const { lines, killed } = fleet;
    expect(killed.size).toBeGreaterThan(5);
    expect(overlaps(lines)).toEqual([]);
    const tasks = await queue.list({ limit: TASKS + 1 });
    expect(tasks).toHaveLength(TASKS);
    expect(new Set(tasks.map(({ state }) => state))).toEqual(new Set(["completed"]));
    for (const { taskId, runs } of tasks) {
      const last = runs.at(-1);
      expect(runs.filter(({ state }) => state === "completed")).toEqual([last]);
      // Nobody ran it again but for those that were killed.
      for (const run of runs.slice(0, -1)) {
        expect(run.reason).toBe("claim-expired");
        expect(killed).toContain(Number(run.workerId?.slice("fleet-".length)));
      }
      const [artifact] = await queue.artifacts(taskId);
      expect(artifact).toMatchObject({ name: ARTIFACT });
      expect(JSON.parse(await readFile(artifact?.file ?? "", "utf8"))).toEqual(payloads.get(taskId));
    }
    expect(tasks.some(({ runs }) => runs.length > 1)).toBe(true);
    expect(await server.query("SELECT count(*)::int AS left FROM boxcar_jobs.job", url)).toEqual([{ left: 0 }]);
  }
  await rm(folder, { recursive: true });
}, 180_000);
