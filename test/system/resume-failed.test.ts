/** Machines of tasks that failed: what is kept of them, and machines that go on from there. */
import { once } from "node:events";
import { mkdir, readdir } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { ApiRunReport, ApiVm } from "../../src/generated/api.ts";
import { Boxcar, finish, type Running, untilCreated } from "./boxcar.ts";
import { end, type ShownTask, WorkerProcesses } from "./worker-process.ts";

const PORT = 7_001;
const KEEP = { onFailure: { keep: "2 hours" } };

/** A program with a socket that listens, an open file and something in its memory; then it fails. */
const FAILING = `use Socket; use POSIX; $| = 1;
socket(my $server, PF_INET, SOCK_STREAM, 0); bind($server, sockaddr_in(${PORT}, INADDR_LOOPBACK)); listen($server, 5);
open(my $file, "<", "/etc/hostname");
my $needle = join("-", "needle", "in", "memory");
print "pid $$ file ", fileno($file), "\\n";
POSIX::_exit(3);`;

/** Says of the program what there still is of it, and changes something in the machine. */
const LOOK = `pid=$1; grep State /proc/$pid/status; readlink /proc/$pid/fd/$2
perl -e 'use Socket; socket(my $c, PF_INET, SOCK_STREAM, 0);
  print connect($c, sockaddr_in(${PORT}, INADDR_LOOPBACK)) ? "connected\\n" : "refused\\n"'
perl -e 'my ($pid) = @ARGV; open(my $maps, "<", "/proc/$pid/maps"); open(my $memory, "<:raw", "/proc/$pid/mem");
  while (<$maps>) { next unless /^(\\w+)-(\\w+) rw.*\\[heap\\]/; my ($a, $b) = (hex $1, hex $2);
    sysseek($memory, $a, 0); sysread($memory, my $bytes, $b - $a);
    print "remembers\\n" if index($bytes, "needle-in-memory") >= 0; }' $pid
touch /changed-by-$3; ls / | grep changed`;

let boxcar: Boxcar;
let workers: WorkerProcesses;
let worker: Running;

beforeAll(async () => {
  boxcar = await Boxcar.open();
  workers = await WorkerProcesses.open(boxcar, { features: { onFailure: { maxCount: 3 } } });
  ({ worker } = await workers.start());
});

afterAll(async () => {
  const { stdout } = await workers.run("vm", "list", "-o", "json");
  const ids = (JSON.parse(stdout) as { id: string }[]).map(({ id }) => id);
  if (ids.length > 0) await workers.run("vm", "rm", "--force", ...ids);
  await end(worker, "SIGKILL");
  expect(await boxcar.leftovers()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
});

async function ask(method: "GET" | "POST", path: string): Promise<{ status: number | undefined; body: unknown }> {
  const socketPath = join(boxcar.directory, "run/worker.sock");
  const headers = { "content-type": "application/json" };
  const asked = request({ socketPath, method, path: `/api/v1${path}`, headers }).end(method === "POST" ? "{}" : "");
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return { status: response.statusCode, body: await json(response) };
}

async function savedOf(taskId: string): Promise<ApiRunReport["saved"]> {
  return ((await ask("GET", `/tasks/${taskId}/runs/latest`)).body as ApiRunReport).saved;
}

/** Of the last run, with its log. */
async function ended(taskId: string): Promise<{ run: ShownTask["runs"][number] | undefined; log: string }> {
  const log = await workers.follow(taskId);
  return { run: (await workers.ended(taskId)).runs.at(-1), log };
}

async function exec(ref: string, ...command: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await workers.run("vm", "exec", ref, "--", ...command);
  expect([exitCode, stderr]).toEqual([0, ""]);
  return stdout;
}

it("goes on from the instant a task failed, or was ended, twice and apart from each other", async () => {
  const [failing, slow] = await Promise.all([
    workers.submit("", { ...KEEP, command: ["perl", "-e", FAILING] }),
    workers.submit(
      'echo "pid $$"; i=0; while :; do i=$((i+1)); echo $i > /dev/shm/n; mv /dev/shm/n /dev/shm/count; sleep 0.1; done',
      {
        ...{ ...KEEP, maxRunTime: "3 seconds" },
      },
    ),
  ]);
  const { run, log } = await ended(failing);
  expect(run).toMatchObject({ state: "failed", reason: "command-failed", exitCode: 3 });
  expect(log).toContain(`"boxcar resume ${failing}" brings it up`);
  expect(await savedOf(failing)).toMatchObject({ reason: "the command failed with exit code 3" });
  const [, pid = "", file = ""] = /^pid (\d+) file (\d+)$/m.exec(log) ?? [];

  const first = await workers.run("resume", failing, "--name", "first");
  expect(first).toMatchObject({ exitCode: 0, stdout: "first" });
  const { status, body } = await ask("POST", `/tasks/${failing}/runs/latest/resume`);
  expect([status, body]).toEqual([201, expect.objectContaining({ state: "running", from: expect.anything() })]);
  for (const [ref, name] of [
    ["first", "first"],
    [(body as ApiVm).id, "second"],
  ] as const) {
    expect(await exec(ref, "sh", "-c", LOOK, "look", pid, file, name)).toBe(
      `State:\tt (tracing stop)\n/etc/hostname\nconnected\nremembers\nchanged-by-${name}`,
    );
  }

  const other = await ended(slow);
  expect(other.run).toMatchObject({ state: "failed", reason: "max-run-time-exceeded" });
  const [, counting = ""] = /^pid (\d+)$/m.exec(other.log) ?? [];
  expect((await workers.run("resume", slow, "--name", "counter")).exitCode).toBe(0);
  const count = 'a=$(cat /dev/shm/count); while [ "$(cat /dev/shm/count)" -le "$a" ]; do sleep 0.1; done; kill -0 "$1"';
  await exec("counter", "sh", "-c", count, "count", counting);
});

it("is kept where the guest panicked, not where the task passed, and no more of them than may be", async () => {
  const [passing, panicking] = await Promise.all([
    workers.submit("true", KEEP),
    workers.submit("echo c > /proc/sysrq-trigger; sleep 1000", KEEP),
  ]);
  const panicked = await ended(panicking);
  expect(panicked.run).toMatchObject({ state: "failed", reason: "guest-panic" });
  expect(await savedOf(panicking)).toMatchObject({ reason: expect.stringContaining("panicked") });
  expect((await workers.run("resume", panicking, "--name", "panicked")).exitCode).toBe(0);
  const passed = await ended(passing);
  expect(passed.run).toMatchObject({ state: "completed" });
  expect(await savedOf(passing)).toBeUndefined();
  expect((await ask("POST", `/tasks/${passing}/runs/0/resume`)).status).toBe(404);

  const last = await workers.submit("exit 3", KEEP);
  const refused = await ended(last);
  expect(refused.run).toMatchObject({ state: "failed", reason: "command-failed", exitCode: 3 });
  expect(refused.log).toContain("the machine is not kept as it was: there is no room for another snapshot");
  expect(await savedOf(last)).toBeUndefined();
});

it("is gone when its time is over, and so is what a process was at when it was killed", async () => {
  await using own = await Boxcar.open();
  const snapshots = join(own.directory, "state/snapshots");
  const short = await own.runTask({ command: ["sh", "-c", "exit 3"], onFailure: { keep: "1 second" } });
  expect(short.result).toMatchObject({ state: "failed", saved: { reason: "the command failed with exit code 3" } });
  await vi.waitFor(async () => {
    expect((await own.run(["vm", "gc"])).stdout).toContain(`${short.result.saved?.snapshot} expired`);
  }, 20_000);
  expect(await readdir(join(snapshots, "machines"))).toEqual([]);

  await mkdir(join(snapshots, "staging"), { recursive: true });
  const fill = "head -c 100000000 /dev/zero > /dev/shm/much; exit 3";
  const { child } = await own.startTask({ command: ["sh", "-c", fill], ...KEEP });
  await untilCreated(child, join(snapshots, "staging"), /./);
  child.kill("SIGKILL");
  await finish(child);
  await own.run(["vm", "gc"]);
  expect(await readdir(join(snapshots, "staging"))).toEqual([]);
  expect(await readdir(join(snapshots, "machines"))).toEqual([]);
  // What runs tasks removes what was left of machines.
  await own.run(["run", "--image", "no-such-image", "--", "true"]);
  expect(await own.leftovers()).toEqual([]);
});
