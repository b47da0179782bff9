import { once } from "node:events";
import { access, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as after } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Boxcar, type Finished } from "./boxcar.ts";

const SMALL = ["--memory", "256M", "--cpus", "1"];

let boxcar: Boxcar;
beforeAll(async () => {
  boxcar = await Boxcar.open();
});
afterAll(async () => {
  // One that is being started by a supervisor is busy until it runs.
  for (;;) {
    const { stdout } = await boxcar.run(["vm", "list", "-o", "json"]);
    const ids = (JSON.parse(stdout) as { id: string }[]).map(({ id }) => id);
    if (ids.length === 0) break;
    await boxcar.run(["vm", "rm", "--force", ...ids]);
  }
  await boxcar[Symbol.asyncDispose]();
}, 120_000);

const vm = (...words: string[]): Promise<Finished> => boxcar.run(["vm", ...words]);

/** Of a command that must succeed. */
async function good(...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await vm(...words);
  expect([exitCode, stderr.split("\n").filter((line) => /error|bug/.test(line))], words.join(" ")).toEqual([0, []]);
  return stdout.trim();
}

const inspect = async (name: string) =>
  JSON.parse(await good("inspect", name, "-o", "json")) as {
    id: string;
    state: string;
    process?: { forwards: { hostPort: number }[]; emulator: { pid: number }; supervisor: { pid: number } };
  };

it("a machine is made, used and removed from the command line", async () => {
  expect(await good("run", "--name", "dev", ...SMALL, "-p", "7", "-d", "data:64M:/data")).toBe("dev");
  expect(await good("list")).toMatch(/dev +running +debian-minimal +1 CPU, 256 MiB +127\.0\.0\.1:\d+→7/);

  const failed = await vm("exec", "dev", "--", "sh", "-c", "hostname; exit 7");
  expect([failed.exitCode, failed.stdout.trim()]).toEqual([7, "dev"]);
  const child = boxcar.start(["vm", "exec", "-i", "dev", "--", "sh", "-c", "cat; echo apart >&2; exit 5"]);
  child.stdin.end("typed");
  const interactive = await child;
  expect([interactive.exitCode, interactive.stdout, interactive.stderr]).toEqual([5, "typed", "apart"]);

  const file = join(boxcar.directory, "file");
  await writeFile(file, "some text", { mode: 0o755 });
  await good("cp", file, "dev:/data/");
  expect(await good("exec", "dev", "--", "stat", "-c", "%a %m", "/data/file")).toBe("755 /data");
  await good("cp", "dev:/data/file", `${file}.back`);
  expect(await readFile(`${file}.back`, "utf8")).toBe("some text");
  const missing = await vm("cp", `${file}.missing`, "dev:/data");
  expect([missing.exitCode, missing.stderr]).toEqual([2, expect.stringMatching(/file\.missing cannot be read: there/)]);

  const picture = join(boxcar.directory, "screen.png");
  await good("screenshot", "dev", picture);
  expect((await readFile(picture)).subarray(1, 4).toString()).toBe("PNG");
  expect(JSON.parse(await good("monitor", "dev", "query-status"))).toMatchObject({ running: true });
  expect(await good("monitor", "dev", "--human", "info", "status")).toMatch(/VM status: running/);

  const { id } = await inspect("dev");
  expect((await vm("pause", id.slice(0, 4))).exitCode).toBe(0);
  expect((await vm("exec", "dev", "--", "true")).stderr).toMatch(/dev is paused; "boxcar vm resume dev"/);
  await good("resume", "dev");
  expect((await vm("rm", "dev")).stderr).toMatch(/stop it first, or remove it with --force/);
  expect((await vm("stop", "dev", "nothing")).stderr).toMatch(/there is no machine nothing/);
  expect((await inspect("dev")).state).toBe("running");
}, 180_000);

it("folders are copied as they are: what is in them, empty ones and links too", async () => {
  const tree = join(boxcar.directory, "tree");
  await mkdir(join(tree, "empty"), { recursive: true });
  await mkdir(join(tree, "sub"));
  await writeFile(join(tree, "sub/two words"), "deep");
  await symlink("sub/two words", join(tree, "link"));
  // A folder of the machine gets the folder, and what is no folder yet becomes it.
  await good("cp", tree, join(boxcar.directory, "file"), "dev:/srv");
  await good("cp", `${tree}/.`, "dev:/opt/like");
  const found = "find . ! -type l | sort; cat link";
  const content = "./sub\n./sub/two words\ndeep";
  expect(await good("exec", "--cwd", "/srv/tree", "dev", "--", "sh", "-c", found)).toBe(`.\n./empty\n${content}`);
  expect(await good("exec", "--cwd", "/opt/like", "dev", "--", "sh", "-c", found)).toBe(`.\n./empty\n${content}`);
  const back = join(boxcar.directory, "back");
  await good("cp", "dev:/srv/tree", "dev:/srv/file", back);
  expect(await readFile(join(back, "tree/sub/two words"), "utf8")).toBe("deep");
  expect(await readFile(join(back, "file"), "utf8")).toBe("some text");

  const folder = await vm("screenshot", "dev", back);
  expect([folder.exitCode, folder.stderr]).toEqual([2, expect.stringMatching(/back is a folder; name a file in it/)]);
  await good("screenshot", "dev", join(boxcar.directory, "pictures/dev.png"));
}, 120_000);

it("a command of a machine may be long, and may take only so long", async () => {
  const long = "x".repeat(100_000);
  expect(await good("exec", "dev", "--", "sh", "-c", 'echo "$#"; printf %s "$1" | wc -c', "sh", long)).toBe(
    "1\n100000",
  );
  for (const flags of [[], ["-i"]]) {
    const { exitCode, stderr } = await vm("exec", ...flags, "--timeout", "1s", "dev", "--", "sleep", "1000");
    expect([exitCode, stderr]).toEqual([124, "boxcar: sleep was ended: it took longer than 1.0 s"]);
  }
  const sleeping = "for each in /proc/[0-9]*; do [ $(cat $each/comm) = sleep ] && echo $each; done; true";
  const left = () => good("exec", "dev", "--", "sh", "-c", sleeping);
  await expect.poll(left, { timeout: 30_000 }).toBe("");
}, 120_000);

it("one that does not start says why, once, and that it stays", async () => {
  const { process: found } = await inspect("dev");
  const taken = String(found?.forwards[0]?.hostPort);
  const { exitCode, stderr } = await vm("run", "--name", "late", "-p", `${taken}:80`, ...SMALL);
  expect([exitCode, stderr.split("\n")]).toEqual([
    3,
    [
      'boxcar: late was made, and stays; "boxcar vm start late" tries again, "boxcar vm rm late" removes it',
      expect.stringMatching(`^boxcar: cannot listen on 127.0.0.1:${taken}`),
    ],
  ]);
  await good("rm", "late");
}, 60_000);

it("one that cannot be captured when it has booted boots all the same", async () => {
  // Too short for any guest.
  const env = { BOXCAR_LIMITS_BOOT_TIMEOUT: "1 second" };
  const { exitCode, stderr } = await boxcar.run(["vm", "run", "--name", "slow", "-m", "200M", "--cpus", "1"], env);
  expect([exitCode, stderr]).toEqual([
    2,
    expect.stringMatching(/it boots, because it could not be captured: .*--cold/),
  ]);
  expect(stderr).toMatch(/the guest has not called home within 1\.0 s/);
  expect(stderr).toMatch(/slow was made, and runs; "boxcar vm console slow"/);
  expect((await inspect("slow")).state).toBe("running");
  await good("rm", "--force", "slow");
}, 60_000);

it("a port of this host leads to one of the guest", async () => {
  const server = boxcar.start(["vm", "exec", "dev", "--", "perl", "-MSocket", "-e", SERVER]);
  await once(server.stdout, "data");
  const { process } = await inspect("dev");
  const socket = connect(process?.forwards[0]?.hostPort ?? 0, "127.0.0.1");
  expect(await text(socket)).toBe("from the guest\n");
  const through = boxcar.start(["vm", "connect", "dev", "7"]);
  through.stdin.end();
  expect((await through).stdout).toBe("from the guest");
  server.kill("SIGKILL");
  await server;
}, 60_000);

/** Greets whoever connects to port 7. */
const SERVER = `socket(S, PF_INET, SOCK_STREAM, 0); setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1);
bind(S, sockaddr_in(7, INADDR_ANY)) or die; listen(S, 5); $| = 1; print "up\\n";
while (accept(C, S)) { print C "from the guest\\n"; close C }`;

it("a guest that restarts its machine has it started again; one that powers it off does not", async () => {
  const before = (await inspect("dev")).process?.emulator.pid;
  await vm("exec", "dev", "--", "sh", "-c", "sync; reboot");
  const pid = async () => (await inspect("dev")).process?.emulator.pid ?? before;
  await expect.poll(pid, { timeout: 60_000 }).not.toBe(before);
  const disk = () => vm("exec", "dev", "--", "cat", "/data/file");
  await expect.poll(async () => (await disk()).stdout, { timeout: 60_000 }).toBe("some text");
  await good("stop", "dev");
  expect((await inspect("dev")).state).toBe("stopped");
  expect(await good("logs", "dev")).toMatch(/Power down/);
  await good("start", "dev");
}, 120_000);

it("what has expired goes away when it is put in order", async () => {
  const { id } = JSON.parse(await good("snapshot", "save", "dev", "--expires", "1 second", "-o", "json"));
  const done = async () => JSON.parse(await good("gc", "-o", "json"));
  await expect.poll(done, { timeout: 30_000 }).toEqual([{ id, done: "expired" }]);
  expect(await good("snapshot", "list")).toMatch(/no snapshots/);
}, 60_000);

it("one that cannot go on from what was saved can be booted from its disk", async () => {
  await good("stop", "dev");
  const { id } = await inspect("dev");
  const folder = join(boxcar.directory, "state/vms", id);
  // As an update of QEMU would have it: the state of the devices is none that it knows.
  await writeFile(join(folder, "state"), "not what QEMU writes");
  await writeFile(join(folder, "memory"), "");
  await truncate(join(folder, "memory"), 256 * 2 ** 20);
  const record = JSON.parse(await readFile(join(folder, "record.json"), "utf8"));
  await writeFile(join(folder, "record.json"), JSON.stringify({ ...record, goesOn: { cdroms: [] } }));

  const started = await vm("start", "dev");
  expect(started.exitCode).toBe(3);
  expect(started.stderr).toMatch(
    /dev does not go on from what was saved: [\s\S]*"boxcar vm start --cold dev" boots it/,
  );
  expect(await inspect("dev")).toMatchObject({ state: "error", goesOn: {} });
  const status = boxcar.start(["vm", "status"]);
  const [seen] = (await once(status.stdout, "data")) as [Buffer];
  status.kill("SIGINT");
  await status;
  expect(String(seen)).toMatch(/^\S+Z dev seen, error: it did not start: .*memory is lost\n$/);
  await good("start", "--cold", "--wait", "dev");
  expect(await good("exec", "dev", "--", "cat", "/data/file")).toBe("some text");
  expect(await inspect("dev")).not.toHaveProperty("goesOn");
  expect(await readdir(folder)).not.toContain("state");
}, 120_000);

it("status prints each machine and each change of it", async () => {
  const status = boxcar.start(["vm", "status"]);
  const [seen] = (await once(status.stdout, "data")) as [Buffer];
  status.kill("SIGINT");
  expect(String(seen)).toMatch(/^\S+Z dev seen, running\n$/);
  expect((await status).exitCode).toBe(0);
  await good("stop", "dev", "--force");
  await good("rm", "dev");
}, 60_000);

it("nothing of a machine is left whose folder was removed by hand, or whose sockets were", async () => {
  const remove = (...path: string[]) => rm(join(boxcar.directory, ...path), { recursive: true });
  for (const folder of ["state/vms", "run/v"]) {
    await good("run", "--name", "gone", "--no-wait", ...SMALL);
    const { id, process: found } = await inspect("gone");
    const pid = found?.supervisor.pid ?? Number.NaN;
    await remove(folder, id);
    if (folder === "run/v") await good("rm", "--force", "gone");
    const isThere = () =>
      access(`/proc/${pid}`)
        .then(() => true)
        .catch(() => false);
    await expect.poll(isThere, { timeout: 30_000 }).toBe(false);
    expect(await boxcar.machines()).toEqual([]);
    expect(await readdir(join(boxcar.directory, "run/v"))).toEqual([]);
    expect(await good("list")).toMatch(/no machines/);
  }
}, 120_000);

it("one whose supervisor hangs is ended by force", async () => {
  await good("run", "--name", "hung", "--no-wait", ...SMALL);
  const pid = (await inspect("hung")).process?.supervisor.pid ?? Number.NaN;
  process.kill(pid, "SIGSTOP");
  await good("rm", "--force", "hung");
  await expect.poll(() => boxcar.machines()).toEqual([]);
  expect(await readdir(join(boxcar.directory, "run/v"))).toEqual([]);
}, 60_000);

it("whatever command is killed at whatever instant, the next one finds all in order", async () => {
  for (let round = 0; round < 10; round++) {
    const words = round % 3 === 2 ? ["rm", "--force", "hunted"] : ["run", "--name", "hunted", "--no-wait", ...SMALL];
    const child = boxcar.start(["vm", ...words]);
    await after(100 + Math.random() * 900);
    child.kill("SIGKILL");
    await child;
    const machines = JSON.parse(await good("list", "-o", "json")) as { name?: string; state: string }[];
    for (const { name, state } of machines)
      expect([name, state]).toEqual(["hunted", expect.stringMatching(/^(creating|created|running|stopped)$/)]);
    expect(machines.length).toBeLessThan(2);
  }
  // Its supervisor may still be about to start it.
  const gone = await vm("rm", "--force", "hunted");
  if (gone.exitCode !== 0 && !/no machine hunted/.test(gone.stderr)) {
    expect(gone.stderr).toMatch(/is changing the machine/);
    await expect.poll(async () => (await vm("rm", "--force", "hunted")).exitCode, { timeout: 60_000 }).toBe(0);
  }
  expect(await good("gc")).toMatch(/nothing/);
  expect(await boxcar.machines()).toEqual([]);
  expect((await readdir(join(boxcar.directory, "state/vms"))).sort()).toEqual(["locks", "names"]);
  expect(await readdir(join(boxcar.directory, "run/v"))).toEqual([]);
}, 180_000);
