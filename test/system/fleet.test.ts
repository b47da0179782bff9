/** Worker processes on one PostgreSQL, with real machines; see test/integration/worker/fleet.test.ts for many tasks. */
import { expect, it } from "vitest";
import { Boxcar, finish } from "./boxcar.ts";
import { hearLog, leftoversOf, logsLeft, PostgresWorkers } from "./postgres-workers.ts";

const TASKS = 20;

it("two workers run all tasks, although one of them is killed in the middle of some", async () => {
  await using boxcar = await Boxcar.open();
  await using fleet = await PostgresWorkers.open(boxcar);
  const ids: string[] = [];
  for (let index = 0; index < TASKS; index++) {
    ids.push(await fleet.submit("sleep 0.2; echo done > out", { artifacts: [{ name: "public/out", path: "out" }] }));
  }
  const [one, two] = [await fleet.start("one"), await fleet.start("two")];
  const claimed: string[] = [];
  const isBusy = Promise.withResolvers<void>();
  hearLog(one, ({ msg, taskId = "" }) => {
    if (msg === "claimed a task" && claimed.push(taskId) === 5) isBusy.resolve();
  });
  await isBusy.promise;
  one.process.kill("SIGKILL");
  await one.process;
  const goneAt = new Date();
  const again = await fleet.start("one");

  const states = new Set<string>();
  for (const taskId of ids) {
    let task = await fleet.queue.show(taskId);
    while (task.state === "pending" || task.state === "running") task = await fleet.queue.show(taskId);
    states.add(task.state);
    for (const run of task.runs.slice(0, -1)) expect(run).toMatchObject({ reason: "claim-expired", workerId: "one" });
    const artifacts = (await fleet.queue.artifacts(taskId)).map(({ name }) => name).sort();
    expect(artifacts).toEqual(expect.arrayContaining(["public/logs/task.log", "public/out"]));
  }
  expect(states).toEqual(new Set(["completed"]));
  const lost = (await fleet.queue.list({ limit: TASKS })).filter(({ runs }) => runs.length > 1);
  expect(lost.length).toBeGreaterThan(0);
  expect(claimed).toEqual(expect.arrayContaining(lost.map(({ taskId }) => taskId)));

  for (const { process } of [again, two]) {
    process.kill("SIGTERM");
    expect(await finish(process)).toMatchObject({ exitCode: 0 });
  }
  expect(await boxcar.machines()).toEqual([]);
  expect([...(await leftoversOf(again)), ...(await leftoversOf(two))]).toEqual([]);
  // Nobody else has the logs of the runs that were lost. What was over a moment before the kill may have left one, too.
  const lostIds = new Set(lost.map(({ taskId }) => taskId));
  for (const taskId of await logsLeft(again)) {
    if (lostIds.has(taskId)) continue;
    const { runs } = await fleet.queue.show(taskId);
    expect(runs).toEqual([expect.objectContaining({ workerId: "one", state: "completed" })]);
    expect(Number(runs[0]?.resolved)).toBeLessThanOrEqual(Number(goneAt));
  }
  expect(await logsLeft(two)).toEqual([]);
});
