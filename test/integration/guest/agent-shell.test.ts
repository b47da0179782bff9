import { beforeAll, describe, expect, it, vi } from "vitest";
import { encodeShellMessage } from "../../../src/guest/shell-protocol.ts";
import { buildAgent, type Guest, isRunning, sh, startGuest, temporaryFolder, VARIANTS } from "./guest-harness.ts";
import { ShellUser } from "./shell-user.ts";

async function run(guest: Guest, script: string, tty = false): Promise<ShellUser> {
  const user = new ShellUser(await guest.session.openShell({ command: ["sh", "-c", script], tty }));
  await user.finished;
  return user;
}

describe.each(VARIANTS)("a shell of the %s agent", (variant) => {
  let program: string;
  beforeAll(async () => {
    program = await buildAgent(variant);
  });

  it("has its three streams, and its exit after all of its output", async () => {
    await using guest = await startGuest(program, undefined);
    const shell = await guest.session.openShell({ command: ["sh", "-c", "echo hi >&2; cat; echo bye"] });
    const user = new ShellUser(shell);
    await user.type("typed\n");
    await user.sees(/typed/);
    expect(user.exit).toBeUndefined();
    await user.endInput();
    await user.finished;
    expect(user).toMatchObject({ stdout: "typed\nbye\n", stderr: "hi\n", exit: true, acknowledged: 6 });
    expect(user.ended.toSorted()).toEqual(["stderr", "stdout"]);
    await expect(shell.done).resolves.toEqual({ success: true });
    expect(guest.session.shellCount).toBe(0);
  });

  it("fails as its command does", async () => {
    await using guest = await startGuest(program, undefined);
    const scripts = ["exit 3", "kill -9 $$", "exit 0"];
    const users = await Promise.all(scripts.map((script) => run(guest, script)));
    expect(users.map(({ exit }) => exit)).toEqual([false, false, true]);
  });

  it("says why its command cannot be run", async () => {
    await using guest = await startGuest(program, undefined);
    const user = new ShellUser(await guest.session.openShell({ command: ["no-such-command"] }));
    await user.finished;
    expect(user.stderr).toContain('"no-such-command" does not exist');
    expect(user.exit).toBe(false);
  });

  it("is interactive at a terminal: prompt, echo, size, Ctrl-C, Ctrl-D", async () => {
    await using guest = await startGuest(program, undefined);
    const options = {
      command: ["bash", "--norc", "--noprofile", "--noediting", "-i"],
      tty: true,
      columns: 91,
      rows: 17,
    };
    await using shell = await guest.session.openShell({ ...options, env: { PS1: "ready> " } });
    const user = new ShellUser(shell);
    await user.sees(/ready> $/);
    await user.type("stty size; echo $TERM; tty\n");
    await user.sees(/17 91\r\nxterm-256color\r\n\/dev\/pts\/\d+\r\nready> $/);
    await shell.resize(132, 43);
    await user.type("stty size\n");
    await user.sees(/43 132\r\nready> $/);
    await user.type("sleep 1000; echo not $((1+1))\n");
    await user.sees(/\$\(\(1\+1\)\)\r\n/);
    // The shell has to have started it, or else there is nobody to interrupt.
    await vi.waitFor(async () => {
      const list = await guest.session.exec({ command: ["pgrep", "-f", "^sleep 1000$"] });
      expect(list.exitCode).toBe(0);
    });
    await user.type("\x03");
    await user.sees(/\^C\r?\n(.|\n)*ready> $/);
    await user.type("sleep 0 & jobs; fg\n");
    await user.sees(/sleep 0\r\nready> $/);
    await user.type("\x04");
    await user.finished;
    expect(user.stdout).not.toContain("not 2");
    expect(user.stdout).not.toContain("no job control");
    expect(user.sizes.stderr).toBe(0);
  });

  it("ends at a terminal whose input ends", async () => {
    await using guest = await startGuest(program, undefined);
    const user = new ShellUser(await guest.session.openShell({ command: ["cat"], tty: true }));
    await user.type("line\n");
    await user.sees(/line\r\nline\r\n/);
    await user.endInput();
    await user.finished;
    expect(user.exit).toBe(true);
  });

  it("is by default the login shell of the image, where and as the task runs", async () => {
    await using folder = await temporaryFolder();
    const task = { ...sh("echo started; exec sleep 1000"), cwd: folder.path, env: { FROM_TASK: "yes", TERM: "dumb" } };
    await using guest = await startGuest(program, task, { config: "shell=/bin/bash\n" });
    await guest.log.has("started");
    const user = new ShellUser(await guest.session.openShell());
    await user.type('echo "$0 $PWD $FROM_TASK $EXTRA"; exit\n');
    await user.finished;
    expect(user.stdout).toContain(`-bash ${folder.path} yes \n`);
    const other = new ShellUser(await guest.session.openShell({ cwd: "..", env: { FROM_TASK: "no" }, tty: true }));
    await other.type("echo $PWD+$FROM_TASK+$TERM; exit\n");
    await other.finished;
    expect(other.stdout).toMatch(/\/tmp\+no\+xterm-256color\r\n/);
  });

  it("gives back 50 MB to a reader who is slow, and lets the task and other actions go on meanwhile", async () => {
    await using guest = await startGuest(program, sh("while read -r line; do :; done; echo task"));
    const gate = Promise.withResolvers<void>();
    const size = 50_000_000;
    const script = `head -c ${size} /dev/zero; echo end >&2`;
    const shell = await guest.session.openShell({ command: ["sh", "-c", script] });
    const before = process.memoryUsage().arrayBuffers;
    const user = new ShellUser(shell, () => gate.promise);
    await guest.session.resolved;
    expect(guest.log.text()).toBe("task\n");
    await expect(guest.session.exec({ command: ["echo", "hi"] })).resolves.toMatchObject({ exitCode: 0 });
    expect(user.exit).toBeUndefined();
    gate.resolve();
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }, 5);
    await user.finished;
    clearInterval(watch);
    expect(user.sizes.stdout).toBe(size);
    expect(user).toMatchObject({ stderr: "end\n", exit: true });
    // Garbage that was not yet collected is most of it.
    expect(most).toBeLessThan(size / 2);
  });

  it("takes more than a window of input, and no faster than its command reads it", async () => {
    await using guest = await startGuest(program, undefined);
    const user = new ShellUser(await guest.session.openShell({ command: ["sh", "-c", "read -r go; wc -c"] }));
    await user.type("go\n");
    const block = "x".repeat(16_384);
    let sent = 3;
    for (let i = 0; i < 64; i++) {
      await vi.waitFor(() => expect(sent - user.acknowledged).toBeLessThanOrEqual(3 * block.length), { interval: 1 });
      await user.type(block);
      sent += block.length;
    }
    await user.endInput();
    await user.finished;
    expect(user.stdout.trim()).toBe(String(64 * block.length));
  });

  it("lets its command end without having read its input", async () => {
    await using guest = await startGuest(program, undefined);
    const user = new ShellUser(
      await guest.session.openShell({ command: ["sh", "-c", "exec <&-; echo closed; sleep 0.2"] }),
    );
    await user.sees(/closed/);
    await user.type("nobody reads this");
    await user.finished;
    expect(user.exit).toBe(true);
  });

  it("is killed with all it has started when it is aborted", async () => {
    await using guest = await startGuest(program, sh("echo task; exec sleep 1000"));
    await guest.log.has("task");
    const script = "trap '' TERM; setsid sh -c 'echo one $$; exec sleep 1000' & echo two $$; sleep 1000; sleep 1000";
    const shell = await guest.session.openShell({ command: ["sh", "-c", script] });
    const user = new ShellUser(shell);
    const [, one = ""] = await user.sees(/one (\d+)/);
    const [, two = ""] = await user.sees(/two (\d+)/);
    shell.abort();
    await user.finished;
    expect(user.exit).toBe(false);
    await expect(Promise.all([one, two].map(isRunning))).resolves.toEqual([false, false]);
    await expect(guest.session.exec({ command: ["pgrep", "-c", "-f", "^sleep 1000$"] })).resolves.toMatchObject({
      exitCode: 0,
    });
  });

  it("is killed when nobody is connected any more, an interactive one too", async () => {
    await using guest = await startGuest(program, undefined);
    const shell = await guest.session.openShell({ command: ["bash", "-i"], tty: true });
    const user = new ShellUser(shell);
    await user.type("echo pid $$\n");
    const [, pid = ""] = await user.sees(/pid (\d+)/);
    await shell[Symbol.asyncDispose]();
    await expect(shell.done).resolves.toEqual({ success: false });
    await user.finished;
    await vi.waitFor(async () => expect(await isRunning(pid)).toBe(false), { timeout: 10_000 });
    await shell.send(encodeShellMessage({ type: "abort" }));
  });

  it("leaves what runs in the background alone when it exits, and does not wait for it", async () => {
    await using guest = await startGuest(program, undefined);
    const user = await run(guest, "sh -c 'echo background $$; exec sleep 1000' & sleep 0.1; echo end");
    const [, pid = ""] = await user.sees(/background (\d+)/);
    expect(user).toMatchObject({ stdout: expect.stringMatching(/end\n$/), exit: true });
    await expect(isRunning(pid)).resolves.toBe(true);
  });

  it("ends even if something in the background goes on flooding its terminal", async () => {
    await using guest = await startGuest(program, undefined);
    const user = await run(guest, "trap '' HUP; yes & sleep 0.05; exit 0", true);
    expect(user.exit).toBe(true);
  });

  it("is one of many, which do not disturb each other", async () => {
    await using guest = await startGuest(program, undefined);
    const open = (n: number) => guest.session.openShell({ command: ["sh", "-c", `read -r a; echo ${n} $a`] });
    const users = await Promise.all(Array.from({ length: 32 }, async (_, n) => new ShellUser(await open(n))));
    await expect(open(33)).rejects.toMatchObject({ code: "too-many-shells" });
    for (const user of users) await user.type("hi\n");
    await Promise.all(users.map(({ finished }) => finished));
    expect(users.map(({ stdout }) => stdout)).toEqual(users.map((_, n) => `${n} hi\n`));
    await (await open(34))[Symbol.asyncDispose]();
  });

  it("ends with an error when its guest dies", async () => {
    const guest = await startGuest(program, undefined);
    const shell = await guest.session.openShell({ command: ["cat"] });
    const user = new ShellUser(shell);
    await user.type("hi");
    await user.sees(/hi/);
    await guest.agent[Symbol.asyncDispose]();
    await expect(shell.done).rejects.toMatchObject({ code: "guest-transfer-broken" });
    await expect(user.finished).rejects.toMatchObject({ code: "guest-transfer-broken" });
    await guest[Symbol.asyncDispose]();
  });

  it("ends with its machine", async () => {
    const guest = await startGuest(program, undefined);
    const shell = await guest.session.openShell({ command: ["cat"] });
    guest.session.close(new Error("the machine is off"));
    await expect(shell.done).rejects.toThrow("the machine is off");
    await expect(guest.session.openShell()).rejects.toThrow("the machine is off");
    await guest[Symbol.asyncDispose]();
  });
});
