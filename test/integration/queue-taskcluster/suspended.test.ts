import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { lastRun } from "../../fakes/fake-taskcluster-tasks.ts";
import { Deployment, never } from "./harness.ts";

const PROGRAM = fileURLToPath(new URL("./claiming-process.ts", import.meta.url));

it("knows, when it wakes up after its lease, that the task is somebody else's", async () => {
  await using deployment = await Deployment.start({ leaseMs: 1_500, longPollMs: 60_000 });
  const { fake, queue } = deployment;
  const options = {
    rootUrl: fake.rootUrl,
    credentials: fake.workerCredentials,
    taskQueueId: "proj/machines",
    workerGroup: "here",
    workerId: "sleeper",
    artifactStorage: "s3",
    statusPollMs: 3_600_000,
  };
  const task = fake.add();
  const sleeper = spawn(process.execPath, [PROGRAM, JSON.stringify(options)], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const lines = createInterface({ input: sleeper.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe(`claimed ${task.taskId}`);
    sleeper.kill("SIGSTOP");
    const run = lastRun(task);
    await fake.tasks.ended(run);
    expect(run.reasonResolved).toBe("claim-expired");
    const [again] = await queue.claim(1, never);
    expect(again?.task).toMatchObject({ taskId: task.taskId, runId: 1 });
    sleeper.kill("SIGCONT");
    expect((await lines.next()).value).toBe("lost claim-expired");
    if (sleeper.exitCode === null) await once(sleeper, "exit");
    expect(sleeper.exitCode).toBe(0);
    expect(fake.seen("reportCompleted")).toHaveLength(0);
  } finally {
    sleeper.kill("SIGKILL");
  }
});
