import { open, readFile, readlink } from "node:fs/promises";
import { connect } from "node:net";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { createMove } from "../../../src/guest/guest-move.ts";
import { buildAgent, type Guest, isRunning, type LogCollector, sh, startGuest, VARIANTS } from "./guest-harness.ts";
import { MovingGuest } from "./moving-guest.ts";

/** A program with a file of its own, a socket that listens, and something in its memory; then it fails. */
const FAILING = `use IO::Socket::INET; use POSIX;
my $server = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1") or die;
open(my $file, "<", "/etc/hostname") or die;
my $needle = join("-", "needle", "in", "memory");
$| = 1;
print "pid $$ port ", $server->sockport, " file ", fileno($file), "\\n";
POSIX::_exit(3);`;

const HELD = { success: false, exitCode: 3, held: true } as const;

function perl(script: string) {
  return { command: ["perl", "-e", script], hold: true };
}

function factsIn(log: LogCollector): { pid: string; port: number; file: string } {
  const [, pid = "", port, file = ""] = /^pid (\d+) port (\d+) file (\d+)$/m.exec(log.text()) ?? [];
  return { pid, port: Number(port), file };
}

async function pidIn(log: LogCollector): Promise<string> {
  return await vi.waitFor(() => /^pid (\d+)$/m.exec(log.text())?.[1] ?? expect.fail("no pid"));
}

async function statusOf(pid: string): Promise<string> {
  return await readFile(`/proc/${pid}/status`, "utf8");
}

async function isConnected(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, "127.0.0.1")
    .once("connect", () => resolve(true))
    .once("error", () => resolve(false));
  const connected = await promise;
  socket.destroy();
  return connected;
}

/** Of what it has written to. */
async function readsFromMemory(pid: string, text: string): Promise<boolean> {
  await using memory = await open(`/proc/${pid}/mem`, "r");
  for (const line of (await readFile(`/proc/${pid}/maps`, "utf8")).split("\n")) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw.*\[heap\]$/.exec(line) ?? [];
    if (from === undefined || to === undefined) continue;
    const begin = Number.parseInt(from, 16);
    const { buffer } = await memory.read({ position: begin, buffer: Buffer.alloc(Number.parseInt(to, 16) - begin) });
    if (buffer.includes(text)) return true;
  }
  return false;
}

async function goes(pid: string): Promise<void> {
  await vi.waitFor(async () => expect(await isRunning(pid)).toBe(false));
}

function run(guest: Guest, script: string, more = false) {
  return guest.session.run({ ...sh(script), env: {}, hold: true }, { more });
}

describe.each(VARIANTS)("a command that fails, held by the %s agent", (variant) => {
  let program: string;
  beforeAll(async () => {
    program = await buildAgent(variant);
  });

  it("stands at its end with its memory, its files and its socket, until it is let go", async () => {
    await using guest = await startGuest(program, perl(FAILING));
    await expect(guest.session.resolved).resolves.toEqual(HELD);
    const { pid, port, file } = factsIn(guest.log);
    expect(await isRunning(pid)).toBe(true);
    expect(await readlink(`/proc/${pid}/fd/${file}`)).toBe("/etc/hostname");
    expect(await readsFromMemory(pid, "needle-in-memory")).toBe(true);
    expect(await isConnected(port)).toBe(true);
    await guest.session.letGo();
    await goes(pid);
    expect(await isConnected(port)).toBe(false);
    // There is nothing to let go any more.
    await guest.session.letGo();
  });

  it("is held when a signal ends it, with what it had printed in the log", async () => {
    await using guest = await startGuest(program, { ...sh('echo "pid $$"; kill -SEGV $$; echo never'), hold: true });
    await expect(guest.session.resolved).resolves.toEqual({
      ...{ success: false, exitCode: 139, signal: "SIGSEGV", held: true },
    });
    const pid = await pidIn(guest.log);
    expect(guest.log.text()).toBe(`pid ${pid}\n`);
    expect(await isRunning(pid)).toBe(true);
    await guest.session.letGo();
    await goes(pid);
  });

  it("ends as any other when it succeeds, or nobody has asked for it", async () => {
    await using passing = await startGuest(program, { ...sh('echo "pid $$"'), hold: true });
    await expect(passing.session.resolved).resolves.toEqual({ success: true, exitCode: 0 });
    await goes(await pidIn(passing.log));
    await using plain = await startGuest(program, sh('echo "pid $$"; exit 3'));
    await expect(plain.session.resolved).resolves.toEqual({ success: false, exitCode: 3 });
    await goes(await pidIn(plain.log));
  });

  it("says why it could not be started", async () => {
    await using guest = await startGuest(program, { command: ["no-such-program"], hold: true });
    await expect(guest.session.resolved).resolves.toMatchObject({ success: false, exitCode: 127 });
    expect(guest.log.text()).toContain("does not exist in this image");
  });

  it("gets signals, and is stopped and goes on, as any other", async () => {
    const script = `trap 'echo usr1' USR1; trap 'echo cont' CONT; echo "pid $$"; kill -USR1 $$
      sh -c "kill -STOP $$; while ! grep -q '^State:.[tT]' /proc/$$/status; do :; done; kill -CONT $$"
      sh -c "exit 7"; echo "seven $?"`;
    await using guest = await startGuest(program, { ...sh(script), hold: true });
    await expect(guest.session.resolved).resolves.toEqual({ success: true, exitCode: 0 });
    expect(guest.log.text()).toBe(`pid ${await pidIn(guest.log)}\nusr1\ncont\nseven 7\n`);
  });

  it("runs as another user, and a program that changes its user does", async () => {
    const script = 'echo "$(id -u)"; exec su -s /bin/sh -c "id -u; exit 4" nobody';
    await using guest = await startGuest(program, { ...sh(script), hold: true });
    await expect(guest.session.resolved).resolves.toMatchObject({ exitCode: 4, held: true });
    expect(guest.log.text()).toBe("0\n65534\n");
  });

  it("lets the next step run meanwhile, whose failure is held, too", async () => {
    await using guest = await startGuest(program, undefined);
    await expect(run(guest, 'echo "pid $$"; exit 3', true)).resolves.toEqual(HELD);
    const first = await pidIn(guest.log);
    await expect(run(guest, "true", true)).resolves.toEqual({ success: true, exitCode: 0 });
    expect(await isRunning(first)).toBe(true);
    await guest.session.letGo();
    await goes(first);
    await expect(run(guest, "exit 3")).resolves.toEqual(HELD);
    await expect(guest.session.killProcess()).resolves.toMatchObject({ left: 0 });
  });

  it("is ended by who ends the task, whether it runs or is held", async () => {
    await using running = await startGuest(program, { ...sh('echo "pid $$"; exec sleep 1000'), hold: true });
    const pid = await pidIn(running.log);
    await expect(running.session.killProcess({ graceMs: 30_000 })).resolves.toEqual({ found: 1, left: 0 });
    await expect(running.session.resolved).resolves.toEqual({ success: false, exitCode: 143, signal: "SIGTERM" });
    await goes(pid);
    await using held = await startGuest(program, { ...sh('echo "pid $$"; sleep 1000 & exit 3'), hold: true });
    await expect(held.session.resolved).resolves.toEqual(HELD);
    await expect(held.session.killProcess({ graceMs: 30_000 })).resolves.toMatchObject({ left: 0 });
    await goes(await pidIn(held.log));
  });

  it("does not keep what it has left in the background from printing", async () => {
    // Much more than a pipe holds.
    const script = 'echo "pid $$"; (sleep 0.5; yes | head -c 5000000) & echo "child $!"; exit 3';
    await using guest = await startGuest(program, { ...sh(script), hold: true });
    await expect(guest.session.resolved).resolves.toEqual(HELD);
    const child = /^child (\d+)$/m.exec(guest.log.text())?.[1] ?? expect.fail("no child");
    await vi.waitFor(async () => expect(await isRunning(child)).toBe(false), 20_000);
    expect(await isRunning(await pidIn(guest.log))).toBe(true);
  });

  it("is still held when its machine goes on with another host", async () => {
    await using guest = await MovingGuest.start(program, perl(FAILING));
    await expect(guest.host.session.resolved).resolves.toEqual(HELD);
    const { pid, port } = factsIn(guest.host.log);
    guest.leave();
    const second = await guest.move({ move: createMove() });
    const look = await second.session.exec({ command: ["grep", "State", `/proc/${pid}/status`] });
    expect(look.output.toString()).toContain("tracing stop");
    expect(await isConnected(port)).toBe(true);
    await second.session.letGo();
    await goes(pid);
  });

  it("is traced by nobody any more when its machine goes on with another host before it has failed", async () => {
    await using guest = await MovingGuest.start(program, { ...sh('echo "pid $$"; exec sleep 1000'), hold: true });
    const pid = await pidIn(guest.host.log);
    expect(await statusOf(pid)).toMatch(/^TracerPid:\s+[1-9]/m);
    guest.leave();
    const second = await guest.move({ move: createMove() });
    await vi.waitFor(async () => expect(await statusOf(pid)).toMatch(/^TracerPid:\s+0$/m));
    expect(await statusOf(pid)).toMatch(/^State:\s+S/m);
    await second.session.killProcess({ graceMs: 0 });
    await expect(second.session.resolved).resolves.toEqual({ success: false, exitCode: 137, signal: "SIGKILL" });
  });

  it("is gone with the command that ran when its machine is forked", async () => {
    await using guest = await MovingGuest.start(program, { ...sh('echo "pid $$"; exec sleep 1000'), hold: true });
    const pid = await pidIn(guest.host.log);
    guest.leave();
    const fork = { checkpoint: "built", index: 0, count: 1 };
    const second = await guest.move({ move: createMove({ fork }) });
    await expect(second.session.run({ ...sh("exit 3"), env: {}, hold: true })).resolves.toEqual(HELD);
    await goes(pid);
  });
});
