import { silentLogger } from "../../src/base/log.ts";
import { Scope } from "../../src/base/scope.ts";
import { tryParseDuration } from "../../src/base/units.ts";
import type { Priority, TaskStatus } from "../../src/queue/task.ts";
import { TaskclusterQueue } from "../../src/queue/taskcluster/taskcluster-queue.ts";
import { FakeTaskcluster } from "../fakes/fake-taskcluster.ts";
import { type FakeTask, statusOf } from "../fakes/fake-taskcluster-tasks.ts";
import { describeQueue, type QueueHarness } from "./queue.ts";

const LEASE_MS = 1_000;

async function taskcluster(storage: "s3" | "object", onlyNewestCredentials: boolean): Promise<QueueHarness> {
  await using scope = new Scope();
  const workerScopes = ["queue:status:*", "queue:claim-work:*"];
  const fake = scope.use(await FakeTaskcluster.start({ leaseMs: LEASE_MS, workerScopes, onlyNewestCredentials }));
  const task = (taskId: string) => {
    const found = fake.tasks.all.get(taskId);
    if (found === undefined) throw new Error(`there is no task ${taskId}`);
    return found;
  };
  const all = scope.move();
  return {
    async openDriver({ workerId, queue = "default" }) {
      return all.use(
        await TaskclusterQueue.open({
          ...{ rootUrl: fake.rootUrl, credentials: fake.workerCredentials, taskQueueId: queue, workerGroup: "here" },
          ...{ workerId, artifactStorage: storage, statusPollMs: 100, logger: silentLogger },
        }),
      );
    },
    async submit({ queue = "default", deadline = "1 day", expires = "28 days", metadata, ...definition }) {
      const deadlineMs = tryParseDuration(deadline) ?? 0;
      const expiresMs = tryParseDuration(expires) ?? 0;
      const added = fake.add({
        ...{ priority: "medium", ...definition },
        ...{ taskQueueId: queue, deadlineMs, expiresMs, name: metadata?.name ?? "" },
      });
      return added.taskId;
    },
    cancel: async (taskId) => fake.tasks.end(task(taskId), "canceled"),
    show: async (taskId) => asStatus(task(taskId)),
    artifacts: async (taskId) => {
      const prefix = `${taskId}/${task(taskId).runs.length - 1}/`;
      const entries = [...fake.artifacts].filter(([key]) => key.startsWith(prefix));
      return entries.map(([key, { contentType, storageType, details }]) => {
        const entry = { name: key.slice(prefix.length), contentType };
        const { reason, message } = details as { reason: string; message: string };
        return storageType === "error" ? { ...entry, error: { reason, message } } : entry;
      });
    },
    [Symbol.asyncDispose]: () => all[Symbol.asyncDispose](),
  };
}

/** As this project calls what Taskcluster tells. */
function asStatus(task: FakeTask): TaskStatus {
  const { state, runs, retriesLeft } = statusOf(task);
  return {
    ...{ taskId: task.taskId, queue: task.taskQueueId, state, retriesLeft, name: task.name },
    ...{ priority: task.priority as Priority, created: task.created, deadline: task.deadline, expires: task.expires },
    ...{ dependencies: task.dependencies, waitsFor: [] },
    runs: runs.map(({ reasonResolved, ...run }) =>
      reasonResolved === undefined ? run : { ...run, reason: reasonResolved },
    ),
  } as TaskStatus;
}

describeQueue("taskcluster", () => taskcluster("s3", false), { leaseMs: LEASE_MS, emptyClaimMs: 10_000 });
describeQueue(
  "taskcluster with its object service, where only the newest credentials count",
  () => taskcluster("object", true),
  {
    leaseMs: LEASE_MS,
    emptyClaimMs: 10_000,
  },
);
