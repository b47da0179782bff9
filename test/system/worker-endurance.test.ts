/** One worker at capacity, task after task: it needs no more of its host in the end than in the beginning. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { Boxcar, finish } from "./boxcar.ts";
import { type FleetWorker, hearLog, leftoversOf, logsLeft, PostgresWorkers } from "./postgres-workers.ts";

const TASKS = 200;
/** From one quarter to another: what the garbage collector leaves for later. */
const MEMORY_TOLERANCE_MIB = 16;

interface Sample {
  residentMiB: number;
  files: number;
}

it("is as large after 200 tasks as after 50, and has as many files", async () => {
  await using boxcar = await Boxcar.open();
  await using fleet = await PostgresWorkers.open(boxcar);
  // Else what V8 sets aside for young objects grows for as long as it likes, by more than a leak would.
  const worker = await fleet.start("one", {}, { NODE_OPTIONS: "--max-semi-space-size=2" });
  const samples: Promise<Sample>[] = [];
  const all = Promise.withResolvers<void>();
  const ends = new Set<string>();
  hearLog(worker, ({ msg }) => {
    if (!msg.startsWith("a task is over")) return;
    ends.add(msg);
    samples.push(sample(worker));
    if (samples.length === TASKS) all.resolve();
  });
  for (let index = 0; index < TASKS; index++) await fleet.submit("true");
  await all.promise;
  const taken = await Promise.all(samples);
  expect(ends).toEqual(new Set(["a task is over: completed"]));

  const [second, last] = [taken.slice(TASKS / 4, TASKS / 2), taken.slice(-TASKS / 4)];
  expect(mean(last, "residentMiB")).toBeLessThan(mean(second, "residentMiB") + MEMORY_TOLERANCE_MIB);
  // Machines come and go, each with a dozen files; what is never given back is there when fewest are.
  expect(least(last, "files")).toBeLessThan(least(second, "files") + 2);
  expect(await zombies(worker)).toEqual([]);
  expect(await boxcar.machines()).toEqual([]);
  expect([...(await leftoversOf(worker)), ...(await logsLeft(worker))]).toEqual([]);
  worker.process.kill("SIGTERM");
  expect(await finish(worker.process)).toMatchObject({ exitCode: 0 });
});

/** Open files of the process, and those in its folders; artifacts are to stay. */
async function sample({ process: { pid }, stateDir, runDir }: FleetWorker): Promise<Sample> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const open = await readdir(`/proc/${pid}/fd`);
  // Folders that go away while they are looked at are none.
  const found = await execa(
    "find",
    [stateDir, runDir, "-path", join(stateDir, "artifacts"), "-prune", "-o", "-print"],
    {
      reject: false,
    },
  );
  return {
    residentMiB: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1_024,
    files: open.length + found.stdout.split("\n").length,
  };
}

function mean(samples: readonly Sample[], what: keyof Sample): number {
  return samples.reduce((sum, { [what]: value }) => sum + value, 0) / samples.length;
}

function least(samples: readonly Sample[], what: keyof Sample): number {
  return Math.min(...samples.map(({ [what]: value }) => value));
}

/** Children that ended and nobody has waited for. */
async function zombies({ process: { pid } }: FleetWorker): Promise<string[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).split(" ").filter(Boolean);
  const stats = await Promise.all(children.map((child) => readFile(`/proc/${child}/status`, "utf8").catch(() => "")));
  return stats.filter((status) => /^State:\s+Z/m.test(status));
}
