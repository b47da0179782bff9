import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it } from "vitest";
import { TaskLogs } from "../../../src/worker/lookup/task-logs.ts";

let runsFolder: string;

beforeEach(async () => {
  runsFolder = await mkdtemp(join(tmpdir(), "boxcar-task-logs-"));
  await mkdir(join(runsFolder, "a-task/0"), { recursive: true });
});

afterEach(() => rm(runsFolder, { recursive: true }));

it("finds the log of a run that was lost, and not its console, in which secrets are not masked", async () => {
  const logs = new TaskLogs({ tasks: undefined, runsFolder });
  for (const name of ["task.log", "console.log"]) await writeFile(join(runsFolder, "a-task/0", name), name);
  const log = await logs.find({ task: "a-task", run: 0, name: "task.log" });
  expect(log && (await text(log.read()))).toBe("task.log");
  await expect(logs.find({ task: "a-task", run: 0, name: "console.log" })).resolves.toBeUndefined();
});
