import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { silentLogger } from "../../../src/base/log.ts";
import { resolveConfig } from "../../../src/config/config.ts";
import { openTaskclusterQueue } from "../../../src/queue/taskcluster/from-settings.ts";

const surroundings = { env: {}, uid: 0, home: "/root", host: { memoryMiB: 16_384, cpus: 4 } };
const taskcluster = {
  rootUrl: "https://tc.example.com",
  credentials: { clientId: "project/x", accessToken: "very-secret" },
};
const resolve = (queue: object) => resolveConfig({ queue }, surroundings).queue;
const identity = { taskQueueId: "example/machines", workerId: "host-1", logger: silentLogger };

describe("queue.taskcluster", () => {
  it("has a default for all but the deployment and who asks it, and shows no secret", async () => {
    const queue = resolve({ driver: "taskcluster", name: "example/machines", taskcluster });
    expect(queue.taskcluster).toMatchObject({
      rootUrl: "https://tc.example.com",
      workerGroup: "boxcar",
      artifactStorage: "s3",
      statusPollMs: 10_000,
    });
    expect(queue.taskcluster?.credentials.accessToken.reveal()).toBe("very-secret");
    expect(`${JSON.stringify(queue)}${inspect(queue, { depth: 9 })}`).not.toContain("very-secret");
  });

  it("is asked for by the driver, with a name that Taskcluster knows", () => {
    expect(() => resolve({ driver: "taskcluster" })).toThrow(
      /queue\.taskcluster: is missing[\s\S]*queue\.name: "default"/,
    );
    expect(resolve({ taskcluster }).taskcluster).toBeDefined();
  });

  it.each([
    [{ rootUrl: "ftp://x" }, "queue.taskcluster.rootUrl"],
    [{ rootUrl: "https://user:pass@x" }, "queue.taskcluster.rootUrl"],
    [{ workerGroup: "a b" }, "queue.taskcluster.workerGroup"],
    [{ workerGroup: "x".repeat(39) }, "queue.taskcluster.workerGroup"],
    [{ artifactStorage: "azure" }, "queue.taskcluster.artifactStorage"],
    [{ statusPoll: "now and then" }, "queue.taskcluster.statusPoll"],
    [{ credentials: { clientId: "project/x" } }, "queue.taskcluster.credentials"],
  ])("refuses %j", (part, path) => {
    expect(() => resolve({ taskcluster: { ...taskcluster, ...part } })).toThrow(path);
  });

  it("becomes a driver, unless its secrets cannot be used", async () => {
    const opened = async (credentials: object) => {
      const queue = resolve({ driver: "taskcluster", name: "a/b", taskcluster: { ...taskcluster, credentials } });
      if (queue.taskcluster === undefined) throw new Error("it is not there");
      return await openTaskclusterQueue(queue.taskcluster, identity);
    };
    await using driver = await opened(taskcluster.credentials);
    expect(driver.description).toBe("Taskcluster at https://tc.example.com, task queue example/machines");
    const broken = { ...taskcluster.credentials, certificate: "not JSON" };
    await expect(opened(broken)).rejects.toMatchObject({ code: "queue-credentials-invalid", blame: "host" });
    const elsewhere = { ...taskcluster.credentials, accessToken: { file: "/nowhere" } };
    await expect(opened(elsewhere)).rejects.toMatchObject({ blame: "host" });
  });
});
