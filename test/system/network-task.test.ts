/** The network of tasks as their users see it: lines of the log, the log of the network, the API, and either mode. */
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Scope } from "../../src/base/scope.ts";
import type { NetworkReport } from "../../src/feature/network/report.ts";
import { WORLD } from "../fixtures/network/outside-places.ts";
import { Boxcar, finish, untilPrinted } from "./boxcar.ts";
import { OutsideWorld, whyNoOutsideWorld } from "./outside-world.ts";
import { end, WorkerProcesses } from "./worker-process.ts";

const MODES = ["user", "namespace"] as const;
const OTHER = { user: "namespace", namespace: "user" } as const;

/** Prints what the server says of itself. */
const get = (host: string, port = 80) =>
  `(exec 3<>/dev/tcp/${host}/${port} && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3 | tail -n 1; echo)`;
const bash = (...lines: readonly string[]) => ["bash", "-c", lines.join("\n")];

const reportIn = async (output: string) =>
  (await readFile(join(output, "network.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe.skipIf(whyNoOutsideWorld() !== undefined)("a task in a world", () => {
  let scope: Scope;
  let world: OutsideWorld;

  beforeAll(async () => {
    scope = new Scope();
    world = scope.use(await OutsideWorld.open());
  });

  afterAll(() => scope[Symbol.asyncDispose]());

  const openBoxcar = () => Boxcar.open({ ownImages: "default", prefix: (directory) => world.prefix(directory) });

  describe.each(MODES)("in mode %s", (mode) => {
    it("resumes what was captured in the other mode, and its network works at once", async () => {
      await using boxcar = await openBoxcar();
      const command = bash(get("allowed.example"));
      const run = async (mode: string) => {
        const { child, output } = await boxcar.startTask({ command, network: "internet" }, [], {
          BOXCAR_NETWORK_MODE: mode,
        });
        const { result, stdout, stderr } = await finish(child);
        expect(result, stderr).toMatchObject({ state: "completed", start: "resumed" });
        expect(stdout, stderr).toContain(`world ${WORLD.allowed}:80`);
        expect(stderr).toContain(`network: internet; mode ${mode}`);
        const [summary] = (await reportIn(output)).slice(-1);
        expect(summary).toMatchObject({ summary: { mode, policy: "internet" } });
        return stderr;
      };
      // It is captured by the first.
      expect(await run(OTHER[mode])).toContain("it boots once and is captured");
      expect(await run(mode)).not.toContain("it boots once and is captured");
    });

    it("hears in its log what was refused, what to do about it, and what there was", async () => {
      await using boxcar = await openBoxcar();
      const command = bash(get("allowed.example"), get("other.example"), get(WORLD.other), get("10.1.2.3", 22), "true");
      const { child, output } = await boxcar.startTask(
        { command },
        ["--network", `allow=allowed.example:80,443,${WORLD.subnet}`],
        { BOXCAR_NETWORK_MODE: mode },
      );
      const { result, stdout, stderr } = await finish(child);
      expect(result, stderr).toMatchObject({ state: "completed" });
      expect(stdout).toContain(`world ${WORLD.allowed}:80`);
      expect(stderr).toContain(`network: allow, 2 rules; mode ${mode}`);
      expect(stderr).toContain("network: refused other.example; add it to network.allow of the payload");
      expect(stderr).toContain(`network: refused ${WORLD.other}:80; add it to network.allow of the payload`);
      expect(stderr).toMatch(/network: refused 10\.1\.2\.3:22: it has addresses of .* never reached/);
      expect(stderr).toMatch(/network: 2 names asked, 1 refused; 3 connections, 2 refused; .* out, .* in\n/);
      const lines = await reportIn(output);
      expect(lines).toContainEqual(
        expect.objectContaining({ kind: "connect", decision: "allowed", name: "allowed.example", port: 80 }),
      );
      expect(lines).toContainEqual(
        expect.objectContaining({ kind: "dns", decision: "refused", name: "other.example" }),
      );
      expect(lines.at(-1)).toMatchObject({
        summary: { mode, policy: { allow: ["allowed.example", `${WORLD.subnet}/32`] } },
      });
    });

    it("has a machine of the pool, which reaches what the task says", async () => {
      await using boxcar = await openBoxcar();
      const pool = { machines: 1, memory: 256 };
      const workers = await WorkerProcesses.open(boxcar, { network: { mode }, pool });
      const { worker } = await workers.start();
      const run = async (network: unknown) => {
        const taskId = await workers.submit(`bash -c '${get(WORLD.allowed).replaceAll("'", "'\\''")}'`, { network });
        const log = await workers.follow(taskId);
        expect(await workers.ended(taskId), log).toMatchObject({ state: "completed" });
        return log;
      };
      expect(await run("internet")).toContain(`world ${WORLD.allowed}:80`);
      await untilPooled(workers, 1);
      expect(await run("isolated")).toContain(`network: refused ${WORLD.allowed}:80; this task is isolated`);
      await untilPooled(workers, 1);
      expect(await run("internet")).toContain(`world ${WORLD.allowed}:80`);
      expect(await end(worker)).toMatchObject({ exitCode: 0 });
    });

    it("is shown by the worker while it runs, and later", async () => {
      await using boxcar = await openBoxcar();
      const workers = await WorkerProcesses.open(boxcar, {
        network: { mode },
        features: { secrets: { values: { TOKEN: "a-secret-of-the-worker" } } },
      });
      const script = "getent hosts a-secret-of-the-worker.example; getent hosts other.example; echo up; sleep 5";
      const taskId = await workers.submit(script, { secrets: ["TOKEN"] });
      const { worker } = await workers.start();
      await workers.untilLogged(taskId, "\nup\n");
      const live = await untilReported(workers, taskId, ({ entries }) =>
        entries.some(({ name }) => name === "other.example"),
      );
      expect(live).toMatchObject({ live: true, mode, policy: "isolated" });
      const names = new Set(live.entries.map(({ decision, name }) => `${decision} ${name}`));
      expect([...names].sort()).toEqual(["refused [secret TOKEN].example", "refused other.example"]);

      expect(await workers.ended(taskId)).toMatchObject({ state: "completed" });
      const { stdout } = await workers.run("queue", "artifacts", taskId, "--json");
      const artifacts = JSON.parse(stdout) as { name: string; contentEncoding?: string }[];
      expect(artifacts).toContainEqual(
        expect.objectContaining({ name: "public/logs/network.jsonl", contentEncoding: "gzip" }),
      );
      const kept = await untilReported(workers, taskId, (report) => !report.live);
      expect(kept).toMatchObject({ live: false, mode, policy: "isolated", counts: { allowed: 0, leftOut: 0 } });
      expect(kept.counts?.refused).toBeGreaterThanOrEqual(live.counts?.refused ?? 0);
      const status = (await workers.run("worker", "status")).stdout;
      expect(status).toContain(`network   ${mode}`);
      expect(await end(worker)).toMatchObject({ exitCode: 0 });

      const told = (await workers.run("queue", "network", taskId, "--refused")).stdout;
      expect(told).toMatch(/policy +isolated\n/);
      expect(told).toMatch(/dns +refused +\d+ +other\.example/);
      expect(told).not.toContain("a-secret-of-the-worker");
      expect(told).toContain("[secret TOKEN].example");
    });
  });
});

describe("a task whose network fails", () => {
  it.skipIf(process.getuid?.() !== 0)("is an exception that says so, and its machine is gone", async () => {
    await using boxcar = await Boxcar.open();
    const { child } = await boxcar.startTask({ command: bash("echo up", "sleep 100") }, [], {
      BOXCAR_NETWORK_MODE: "namespace",
    });
    await untilPrinted(child, "stdout", "up\n");
    const keeper = await findKeeper(child.pid ?? 0);
    process.kill(keeper, "SIGKILL");
    const { result } = await finish(child);
    expect(result).toMatchObject({ state: "exception", reason: "internal-error" });
    expect(result.message).toContain("the machine's network namespace has ended");
    expect(await boxcar.leftovers()).toEqual([]);
  });

  it("asks for nothing that the configuration does not offer", async () => {
    await using boxcar = await Boxcar.open();
    const { child } = await boxcar.startTask({ command: ["true"], network: "internet" }, [], {
      BOXCAR_NETWORK_POLICY_MAX: "isolated",
    });
    const { result, exitCode } = await finish(child);
    expect(exitCode).toBe(2);
    expect(result.issues).toEqual([
      { path: "network", message: expect.stringMatching(/offers "isolated" only.*network\.policy\.max/) },
    ]);
  });
});

async function untilReported(
  workers: WorkerProcesses,
  taskId: string,
  condition: (report: NetworkReport) => boolean,
): Promise<NetworkReport> {
  for (;;) {
    const { stdout, exitCode } = await workers.run("queue", "network", taskId, "--json");
    if (exitCode !== 0) continue;
    const report = JSON.parse(stdout) as NetworkReport;
    if (condition(report)) return report;
  }
}

async function untilPooled(workers: WorkerProcesses, machines: number): Promise<void> {
  for (;;) {
    const { stdout } = await workers.run("worker", "status", "--json");
    if ((JSON.parse(stdout) as { pooled?: number }).pooled === machines) return;
  }
}

/** Of the machine of a command, which is its only one. */
async function findKeeper(parent: number): Promise<number> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  for (const pid of pids) {
    const program = await readlink(`/proc/${pid}/exe`).catch(() => "");
    if (/\/keeper-[0-9a-f]+$/.test(program) && (await isBelow(pid, parent))) return pid;
  }
  throw new Error("there is no keeper");
}

async function isBelow(pid: number, ancestor: number): Promise<boolean> {
  for (let at = pid; at > 1; ) {
    if (at === ancestor) return true;
    const stat = await readFile(`/proc/${at}/stat`, "utf8").catch(() => "");
    at = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? 0);
  }
  return false;
}
