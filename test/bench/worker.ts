/** What a worker that waits for tasks takes of its host, beside a Node that does nothing; all at once, for a minute. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { execa } from "execa";
import { Boxcar } from "../system/boxcar.ts";
import { type FleetWorker, hearLog, PostgresWorkers } from "../system/postgres-workers.ts";
import { end, WorkerProcesses } from "../system/worker-process.ts";
import { cpuMs, family, pssKiB, rssKiB } from "./process-costs.ts";

const TASKS = 100;
const SETTLE_MS = 10_000;
const IDLE_MS = 60_000;

export interface IdleCost {
  what: string;
  /** Of one core. */
  cpuPercent: number;
  /** Of the first process. */
  rssMiB: number;
  /** Of all processes. */
  pssMiB: number;
}

export async function benchWorker(): Promise<IdleCost[]> {
  await using boxcar = await Boxcar.open();
  await using fleet = await PostgresWorkers.open(boxcar);
  const nothing = execa(process.execPath, ["-e", "setInterval(() => {}, 1e9)"], { reject: false });
  const onPostgres = await fleet.start("one");
  const afterTasks = await fleet.start("two", { queue: { name: "tasks" } });
  await runTasks(fleet, afterTasks);
  const { worker: embedded } = await (await WorkerProcesses.open(boxcar)).start();
  const file = join(boxcar.directory, "state/queue/data/postmaster.pid");
  const postmaster = Number((await readFile(file, "utf8")).split("\n")[0]);
  try {
    return await measure({
      "node that does nothing": async () => [nothing.pid ?? 0],
      "boxcar worker on PostgreSQL": async () => [onPostgres.process.pid ?? 0],
      "the same, after 100 tasks": async () => [afterTasks.process.pid ?? 0],
      "boxcar worker on the embedded queue": async () => [embedded.pid ?? 0],
      "server of the embedded queue": () => family(postmaster),
    });
  } finally {
    await end(embedded);
    nothing.kill();
    await nothing;
  }
}

async function runTasks(fleet: PostgresWorkers, worker: FleetWorker): Promise<void> {
  const all = Promise.withResolvers<void>();
  let over = 0;
  hearLog(worker, ({ msg }) => {
    if (msg.startsWith("a task is over") && ++over === TASKS) all.resolve();
  });
  for (let index = 0; index < TASKS; index++) await fleet.submit("true", {}, { queue: "tasks" });
  await all.promise;
}

async function measure(processes: Readonly<Record<string, () => Promise<number[]>>>): Promise<IdleCost[]> {
  const cpuOfAll = () => Promise.all(Object.values(processes).map(async (pids) => cpuMs(await pids())));
  await after(SETTLE_MS);
  const [startedMs, before] = [performance.now(), await cpuOfAll()];
  await after(IDLE_MS);
  const [tookMs, later] = [performance.now() - startedMs, await cpuOfAll()];
  return await Promise.all(
    Object.entries(processes).map(async ([what, pids], index) => ({
      what,
      cpuPercent: (((later[index] ?? 0) - (before[index] ?? 0)) / tookMs) * 100,
      rssMiB: (await rssKiB((await pids())[0] ?? 0)) / 1_024,
      pssMiB: (await pssKiB(await pids())) / 1_024,
    })),
  );
}

export function formatWorkerReport(costs: readonly IdleCost[]): string {
  const line = (what: string, ...cells: string[]) =>
    [what.padEnd(36), ...cells.map((cell) => cell.padStart(9))].join("");
  return [
    line("idle", "CPU, %", "RSS, MiB", "PSS, MiB"),
    ...costs.map(({ what, cpuPercent, rssMiB, pssMiB }) =>
      line(what, cpuPercent.toFixed(2), String(Math.round(rssMiB)), String(Math.round(pssMiB))),
    ),
  ].join("\n");
}
