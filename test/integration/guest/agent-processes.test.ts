import { beforeAll, describe, expect, it, vi } from "vitest";
import { buildAgent, type Guest, isRunning, sh, startGuest, VARIANTS } from "./guest-harness.ts";

/** Ignores SIGTERM, with children in sessions of their own, one of them an orphan. */
const STUBBORN = `
trap '' TERM
echo "pid $$"
setsid sh -c 'echo "pid $$"; while :; do sleep 1000; done' &
(setsid sh -c 'echo "pid $$"; setsid sh -c "echo pid \\$\\$; sleep 1000; true"; true' &)
while :; do sleep 1000; done
`;

async function pidsIn(guest: Guest, count: number): Promise<string[]> {
  return vi.waitFor(() => {
    const pids = [...guest.log.text().matchAll(/^pid (\d+)$/gm)].map((match) => match[1] ?? "");
    expect(pids.length).toBe(count);
    return pids;
  });
}

describe.each(VARIANTS)("processes and the %s agent", (variant) => {
  let program: string;
  beforeAll(async () => {
    program = await buildAgent(variant);
  });

  it("kills a tree that ignores SIGTERM, down to the orphans in other sessions", async () => {
    await using guest = await startGuest(program, sh(STUBBORN));
    const pids = await pidsIn(guest, 4);
    const result = await guest.session.killProcess({ graceMs: 100 });
    expect(result.left).toBe(0);
    expect(result.found).toBeGreaterThanOrEqual(4);
    await expect(guest.session.resolved).resolves.toEqual({ success: false, exitCode: 137, signal: "SIGKILL" });
    await expect(Promise.all(pids.map(isRunning))).resolves.toEqual([false, false, false, false]);
  });

  it("lets a task that heeds SIGTERM say its last words", async () => {
    const script = "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
    await using guest = await startGuest(program, sh(script));
    await guest.log.has("ready");
    await expect(guest.session.killProcess({ graceMs: 30_000 })).resolves.toMatchObject({ left: 0 });
    await expect(guest.session.resolved).resolves.toEqual({ success: false, exitCode: 5 });
    expect(guest.log.text()).toMatch(/bye\n$/);
  });

  it("kills what the task left in the background after its end", async () => {
    await using guest = await startGuest(program, sh("sh -c 'echo \"pid $$\"; exec sleep 1000' & sleep 0.1"));
    await guest.session.resolved;
    const [pid = ""] = await pidsIn(guest, 1);
    await expect(guest.session.killProcess({ graceMs: 1_000 })).resolves.toEqual({ found: 1, left: 0 });
    await expect(isRunning(pid)).resolves.toBe(false);
  });

  it("kills a process that forks all the time", async () => {
    const script = "echo ready; f() { f & exec sleep 0.2; }; while :; do sh -c 'sleep 0.2' & sleep 0.01; done";
    await using guest = await startGuest(program, sh(script));
    await guest.log.has("ready");
    await expect(guest.session.killProcess({ graceMs: 0 })).resolves.toMatchObject({ left: 0 });
  });

  it("does not start a task that was stopped before", async () => {
    await using guest = await startGuest(program, undefined);
    await guest.session.killProcess({ graceMs: 0 });
    guest.session.setTask({ command: ["echo", "never"], env: {} });
    await expect(guest.session.resolved).resolves.toMatchObject({ success: false, exitCode: 143 });
    expect(guest.log.text()).toContain("the task was stopped before its command was started");
  });

  it("runs a command beside the task and gives its output and exit code", async () => {
    await using guest = await startGuest(program, sh("echo task; exec sleep 1000"));
    const { session } = guest;
    await guest.log.has("task\n");
    await expect(
      session.exec({ command: ["sh", "-c", "echo out; echo $X >&2; pwd; exit 9"], env: { X: "err" }, cwd: "/usr" }),
    ).resolves.toEqual({
      exitCode: 9,
      signal: undefined,
      output: Buffer.from("out\nerr\n/usr\n"),
      truncated: false,
    });
    await expect(session.exec({ command: ["sh", "-c", "kill -9 $$"] })).resolves.toMatchObject({
      exitCode: 137,
      signal: "SIGKILL",
    });
    expect(guest.log.text()).toBe("task\n");
  });

  it("gives a command beside the task that cannot be run the exit code a shell has for it", async () => {
    await using guest = await startGuest(program, undefined);
    const result = await guest.session.exec({ command: ["no-such-command"] });
    expect(result.exitCode).toBe(127);
    expect(result.output.toString()).toContain('"no-such-command" does not exist');
  });

  it("keeps no more output of a command than asked for", async () => {
    await using guest = await startGuest(program, undefined);
    const result = await guest.session.exec({ command: ["seq", "1", "1000000"] }, { maxOutputBytes: 6 });
    expect(result).toMatchObject({ exitCode: 0, output: Buffer.from("1\n2\n3\n"), truncated: true });
  });

  it("ends a command beside the task with all its children when the host loses interest", async () => {
    await using guest = await startGuest(program, sh("sleep 1000"));
    const abort = new AbortController();
    const script = `(setsid sh -c 'echo $$ > "$0"; exec sleep 1000' "$1" &); echo $$ > "$2"; exec sleep 1000`;
    const files = ["a", "b"].map((name) => `/tmp/boxcar-exec-${process.pid}-${variant}-${name}`);
    const running = guest.session.exec({ command: ["sh", "-c", script, "sh", ...files] }, abort);
    const outcome = expect(running).rejects.toThrow("canceled");
    const read = async (file: string) =>
      (await guest.session.exec({ command: ["cat", file] })).output.toString().trim();
    const pids = await vi.waitFor(async () => {
      const found = await Promise.all(files.map(read));
      expect(found.every((pid) => /^\d+$/.test(pid))).toBe(true);
      return found;
    });
    abort.abort(new Error("canceled"));
    await outcome;
    await vi.waitFor(async () => expect(await Promise.all(pids.map(isRunning))).toEqual([false, false]));
    await guest.session.exec({ command: ["rm", ...files] });
  });
});
