import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { DirectoryStore } from "../../../src/artifact/directory-store.ts";
import { resolveConfig } from "../../../src/config/config.ts";
import { parsePayload } from "../../../src/feature/payload.ts";
import { TaskLog } from "../../../src/log/task-log.ts";
import { runTask } from "../../../src/worker/task-run.ts";

describe("the log of a run", () => {
  it("ends with how the run ended, although the terminal is slow", async () => {
    const terminal = new PassThrough({ highWaterMark: 1 });
    const file = new PassThrough();
    const log = new TaskLog([terminal, file].map((stream) => ({ guest: stream, worker: stream })));
    const host = { memoryMiB: 8_192, cpus: 2 };
    const config = resolveConfig(undefined, { env: {}, uid: 0, home: "/nowhere", host });
    const { maxRunTimeMs } = config.limits;
    await runTask({
      taskId: "t",
      runId: 0,
      payload: parsePayload({ command: ["true"] }, { subject: "The task", blame: "task", maxRunTimeMs }),
      config,
      log,
      artifacts: new DirectoryStore("/nowhere"),
      agentFile: () => undefined,
      networks: { description: "user", open: () => Promise.reject(new Error("no network")) },
      acquireImage: async () => {
        for (const line of ["one\n", "two\n", "three\n"]) log.write(line);
        throw new Error("no image");
      },
      chooseAccelerator: async () => "tcg",
      runParent: "/nowhere",
      stateParent: "/nowhere",
      cacheDirectory: "/nowhere",
      directory: "/nowhere",
      cold: true,
      signal: new AbortController().signal,
    });
    const lines = String(file.read()).split("\n");
    expect(lines.slice(0, 3)).toEqual(["one", "two", "three"]);
    expect(lines.at(-2)).toContain("exception (internal-error)");
  });
});
