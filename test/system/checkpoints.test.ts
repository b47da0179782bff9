/** Tasks of a worker keep their machines as they are, and others start from that: several at once, each its own. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunReportParts } from "../../src/worker/run-report.ts";
import { FakeClaim } from "../fakes/fake-queue.ts";
import { Boxcar, finish, untilCreated } from "./boxcar.ts";
import { WorkerInProcess } from "./workers.ts";

const FORKS = 10;
const SMALL = { memory: 256, cores: 1 };
const NAMES = ["public/logs/task.log", "public/logs/run.json"];

let boxcar: Boxcar;
let worker: WorkerInProcess;

beforeAll(async () => {
  boxcar = await Boxcar.open({ ownImages: "default" });
  worker = await WorkerInProcess.open(boxcar, {
    worker: { capacity: FORKS },
    features: { checkpoints: { maxPerTask: 2, maxCount: 3 } },
  });
});

afterAll(async () => {
  await worker[Symbol.asyncDispose]();
  expect(await boxcar.leftovers()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
});

/** A task of the queue, with what is kept of its run. */
class Task extends FakeClaim {
  readonly kept = new Map<string, string>();

  constructor(taskId: string, script: string, payload: object, submitter?: string) {
    super({ command: ["bash", "-c", script], ...payload }, { taskId });
    if (submitter !== undefined) Object.assign(this.task, { submitter });
    this.artifacts.putFile = async (artifact) => {
      const content = await readFile(artifact.file);
      this.kept.set(artifact.name, (artifact.contentEncoding === "gzip" ? gunzipSync(content) : content).toString());
    };
  }

  /** What it has printed, without the lines of the worker. */
  get output(): string[] {
    return this.log.split("\n").filter((line) => line !== "" && !line.startsWith("[boxcar "));
  }

  get log(): string {
    return this.kept.get(NAMES[0] as string) ?? "";
  }

  get report(): RunReportParts {
    return JSON.parse(this.kept.get(NAMES[1] as string) ?? "{}");
  }
}

async function run(...args: ConstructorParameters<typeof Task>): Promise<Task> {
  const task = new Task(...args);
  worker.queue.add(task);
  await task.told;
  return task;
}

const ORIGIN = `echo own > /dev/shm/built
boxcar-agent checkpoint built > /dev/shm/answer; echo "exit $?"
cat /dev/shm/built; [ -z "$BOXCAR_FORK_INDEX" ] && echo "goes on"`;

const FORK = `echo "$BOXCAR_FORK_INDEX of $BOXCAR_FORK_COUNT, $BOXCAR_CHECKPOINT, $BOXCAR_START"
cat /dev/shm/built; echo "mine $BOXCAR_FORK_INDEX" > /dev/shm/built
echo "$(hostname)" $(cat /proc/sys/kernel/random/boot_id /etc/machine-id) "$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' ')"
cat /dev/shm/built /dev/shm/input`;

it("starts ten tasks from a checkpoint at once, none of which sees another", async () => {
  const origin = await run("origin", ORIGIN, { machine: SMALL, checkpoints: {} }, "somebody");
  expect(origin.resolutions, origin.log).toEqual([{ kind: "completed" }]);
  expect(origin.output).toEqual(["exit 0", "own", "goes on"]);
  expect(origin.report.checkpoints).toMatchObject([{ name: "built", bytes: expect.any(Number) }]);
  expect(origin.log).toMatch(/the checkpoint built is stored: .* on this host/);

  const forks = Array.from({ length: FORKS }, (_, index) => {
    const from = { task: "origin", checkpoint: "built", index, count: FORKS };
    const inputs = [{ path: "/dev/shm/input", content: `input ${index}\n` }];
    return new Task(`fork-${index}`, FORK, { from, inputs }, "somebody");
  });
  worker.queue.add(...forks);
  for (const fork of forks) expect(await fork.told, fork.log).toEqual({ kind: "completed" });
  for (const [index, fork] of forks.entries()) {
    expect(fork.output).toEqual([
      `${index} of ${FORKS}, built, forked`,
      "own",
      expect.stringMatching(new RegExp(`^boxcar-fork-${index} [0-9a-f-]{36} [0-9a-f]{32} [0-9a-f]{32}$`)),
      `mine ${index}`,
      `input ${index}`,
    ]);
    expect(fork.report).toMatchObject({ start: "forked", machine: expect.stringContaining("256 MiB") });
  }
  const words = forks.flatMap(({ output }) => output[2]?.split(" ") ?? []);
  expect(new Set(words).size).toBe(4 * FORKS);
});

const HOSTILE = `for name in Bad.Name first first second third; do boxcar-agent checkpoint $name 2>&1; echo "exit $?"; done
refused=0; for i in $(seq 30); do boxcar-agent checkpoint x$i 2> /dev/null || refused=$((refused + 1)); done; echo "refused $refused"`;

describe("what is refused", () => {
  it("is told to the guest, however often it asks", async () => {
    const task = await run("hostile", HOSTILE, { machine: SMALL, checkpoints: { scope: "host" } });
    expect(task.resolutions, task.log).toEqual([{ kind: "completed" }]);
    const said = task.output.filter((line) => /^exit|^boxcar/.test(line));
    expect(said.filter((line) => line.startsWith("exit"))).toEqual(["exit 1", "exit 0", "exit 1", "exit 0", "exit 1"]);
    expect(task.output.join("\n")).toMatch(/a name has up to 63 .*there is a checkpoint "first" already/s);
    expect(task.output.join("\n")).toContain("this machine has made 2 checkpoints");
    expect(task.report.checkpoints?.map(({ name }) => name)).toEqual(["first", "second"]);
    expect(task.output.at(-1)).toBe("refused 30");
  });

  it("is what has no room, is not there, is for others, or needs more places than there are", async () => {
    const from = { task: "origin", checkpoint: "built" };
    const caches = Array.from({ length: 5 }, (_, index) => ({ name: `c${index}`, path: `/c${index}`, sizeMiB: 16 }));
    const more = 'boxcar-agent checkpoint more 2>&1; echo "exit $?"';
    const [unstored, none, others, everybody, full] = await Promise.all([
      run("e", more, { machine: SMALL, checkpoints: {} }, "somebody"),
      run("a", "true", { from: { ...from, checkpoint: "none" } }, "somebody"),
      run("b", "true", { from }, "somebody-else"),
      run("c", "true", { from: { task: "hostile", checkpoint: "first" } }, "somebody-else"),
      run("d", "true", { from, caches }, "somebody"),
    ]);
    expect(unstored.resolutions, unstored.log).toEqual([{ kind: "completed" }]);
    expect(unstored.output.join("\n")).toMatch(/the host keeps as many checkpoints as it may.*\nexit 1$/);
    expect(unstored.report.checkpoints).toBeUndefined();
    expect(none.resolutions).toMatchObject([{ kind: "exception", reason: "resource-unavailable" }]);
    expect(none.log).toContain("the checkpoint none of the task origin is not on this host");
    expect(others.resolutions).toMatchObject([{ kind: "exception", reason: "malformed-payload" }]);
    expect(others.log).toContain("it is for tasks of who submitted its task");
    expect(everybody.resolutions, everybody.log).toEqual([{ kind: "completed" }]);
    expect(full.resolutions).toMatchObject([{ kind: "exception", reason: "malformed-payload" }]);
    expect(full.log).toContain("the machine of the checkpoint has room for 4 more");
  });
});

it("has caches: those of the first task as they were, and its own beside them", async () => {
  const cache = { name: "a-cache", path: "/var/cache/first", sizeMiB: 16 };
  const script = "echo first > /var/cache/first/file; boxcar-agent checkpoint with-cache && rm /var/cache/first/file";
  const made = await boxcar.runTask({ command: ["sh", "-c", script], caches: [cache], checkpoints: {} });
  expect(made.result, made.stderr).toMatchObject({ state: "completed", checkpoints: [{ name: "with-cache" }] });
  const { taskId } = JSON.parse(await readFile(join(made.output, "result.json"), "utf8"));
  const forked = await boxcar.runTask({
    machine: undefined,
    from: { task: taskId, checkpoint: "with-cache" },
    caches: [{ ...cache, path: "/var/cache/second" }],
    command: ["sh", "-c", "cat /var/cache/first/file; ls -A /var/cache/second; grep -c /var/cache/ /proc/mounts"],
  });
  expect(forked.result, forked.stderr).toMatchObject({ state: "completed", start: "forked" });
  expect(forked.stdout).toMatch(/^first\n2\n\{/);
});

it("leaves nothing when its worker is killed meanwhile", async () => {
  const before = await namesIn("machines");
  const { child } = await boxcar.startTask({ command: ["boxcar-agent", "checkpoint", "lost"], checkpoints: {} });
  await untilCreated(child, boxcar.directory, /^state\/snapshots\/staging\/[^/]+$/);
  child.kill("SIGKILL");
  await finish(child);
  const { result } = await boxcar.run(["run", "--json", "--image", "none", "--", "true"]);
  expect(result).toMatchObject({ state: "exception" });
  expect(await boxcar.leftovers()).toEqual([]);
  expect(await namesIn("staging")).toEqual([]);
  expect(await namesIn("machines")).toEqual(before);
});

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(join(boxcar.directory, "state/snapshots", folder))).sort();
}
