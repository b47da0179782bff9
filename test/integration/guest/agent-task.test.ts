import { once } from "node:events";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../../src/host/command.ts";
import {
  AgentProcess,
  buildAgent,
  isRunning,
  listen,
  ServiceOnLoopback,
  sh,
  startGuest,
  temporaryFolder,
  VARIANTS,
} from "./guest-harness.ts";

describe.each(VARIANTS)("the %s agent with a task", (variant) => {
  let program: string;
  beforeAll(async () => {
    program = await buildAgent(variant);
  });

  it("runs the command and sends its output, stdout and stderr in order, before the result", async () => {
    await using guest = await startGuest(program, sh("echo one; echo two >&2; echo three"));
    await expect(guest.session.resolved).resolves.toEqual({ success: true, exitCode: 0 });
    expect(guest.log.text()).toBe("one\ntwo\nthree\n");
    expect(guest.session.agentVersion).toMatch(/^[0-9a-f]{12}$/);
  });

  it("reports the exit code of a command that fails", async () => {
    await using guest = await startGuest(program, sh("echo before; exit 3"));
    await expect(guest.session.resolved).resolves.toEqual({ success: false, exitCode: 3 });
    expect(guest.log.text()).toBe("before\n");
  });

  it("reports the signal that ended a command", async () => {
    await using guest = await startGuest(program, sh("kill -SEGV $$"));
    await expect(guest.session.resolved).resolves.toEqual({ success: false, exitCode: 139, signal: "SIGSEGV" });
  });

  it("says in the log that a command does not exist", async () => {
    await using guest = await startGuest(program, { command: ["no-such-command", "x"] });
    const sentence = expect.stringContaining('the command "no-such-command" does not exist in this image');
    await expect(guest.session.resolved).resolves.toEqual({ success: false, exitCode: 127, error: sentence });
    expect(guest.log.text()).toEqual(sentence);
  });

  it("says in the log that a command given by its path does not exist, or lacks its interpreter", async () => {
    await using folder = await temporaryFolder();
    const script = join(folder.path, "script");
    await writeFile(script, "#!/no/such/interpreter\n");
    await chmod(script, 0o755);
    await using missing = await startGuest(program, { command: ["/no/such/program"] });
    await using broken = await startGuest(program, { command: ["./script"], cwd: folder.path });
    await missing.session.resolved;
    await broken.session.resolved;
    expect(missing.log.text()).toContain('"/no/such/program" does not exist in this image');
    expect(broken.log.text()).toContain('"./script" names an interpreter or loader which does not exist');
  });

  it("says in the log that a file may not be executed", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "plain"), "text");
    await using guest = await startGuest(program, { command: [join(folder.path, "plain")] });
    await expect(guest.session.resolved).resolves.toMatchObject({ success: false, exitCode: 126 });
    expect(guest.log.text()).toMatch(/cannot run the command ".*plain": Permission denied/);
  });

  it("says in the log that the working directory does not exist", async () => {
    await using guest = await startGuest(program, { cwd: "/no/such/folder" });
    await expect(guest.session.resolved).resolves.toMatchObject({ success: false, exitCode: 126 });
    expect(guest.log.text()).toContain('the working directory "/no/such/folder" does not exist');
  });

  it("says in the log that the user does not exist", async () => {
    await using guest = await startGuest(program, { user: "nobody-at-all" });
    await expect(guest.session.resolved).resolves.toMatchObject({ success: false, exitCode: 126 });
    expect(guest.log.text()).toContain('the user "nobody-at-all" does not exist');
  });

  it("runs a file without an interpreter line as a shell script", async () => {
    await using folder = await temporaryFolder();
    const script = join(folder.path, "script");
    await writeFile(script, 'echo "got $1"\n');
    await chmod(script, 0o755);
    await using guest = await startGuest(program, { command: [script, "an argument"] });
    await guest.session.resolved;
    expect(guest.log.text()).toBe("got an argument\n");
  });

  it("starts in the folder the task names", async () => {
    await using folder = await temporaryFolder();
    await using guest = await startGuest(program, { command: ["pwd"], cwd: folder.path });
    await guest.session.resolved;
    expect(guest.log.text()).toBe(`${folder.path}\n`);
  });

  it.runIf(process.getuid?.() === 0)("becomes the user the task names, with that user's groups and home", async () => {
    const script = 'id -u; id -g; id -G; echo "$USER $HOME"';
    await using byName = await startGuest(program, { ...sh(script), user: "daemon" });
    await using byNumber = await startGuest(program, { ...sh(script), user: "1" });
    await byName.session.resolved;
    await byNumber.session.resolved;
    expect(byName.log.text()).toBe("1\n1\n1\ndaemon /usr/sbin\n");
    expect(byNumber.log.text()).toBe(byName.log.text());
  });

  it.runIf(process.getuid?.() === 0)("takes a number without an entry as a user without a name", async () => {
    await using guest = await startGuest(program, { ...sh("id -u; id -g; echo $HOME"), user: "54321" });
    await guest.session.resolved;
    expect(guest.log.text()).toBe("54321\n54321\n/\n");
  });

  it("lets the task's environment win over the image's, and the image's over its own", async () => {
    const script = 'echo "$A $B $C"; echo "$TEXT"';
    const TEXT = 'quotes " and \\ and ümläut and 🚃\tand\nlines';
    await using guest = await startGuest(
      program,
      { ...sh(script), env: { C: "task", TEXT } },
      { env: { A: "agent", B: "agent", C: "agent" }, config: "# comment\nenv.B = image\nenv.C=image\n\nnonsense\n" },
    );
    await guest.session.resolved;
    expect(guest.log.text()).toBe(`agent image task\n${TEXT}\n`);
  });

  it("puts the image's entrypoint before the command and uses its folder", async () => {
    await using folder = await temporaryFolder();
    const config = `entrypoint=env EXTRA=yes\nworkdir=${folder.path}\nshell=/bin/zsh\n`;
    await using guest = await startGuest(program, sh("echo $EXTRA $PWD $SHELL"), { config });
    await guest.session.resolved;
    expect(guest.log.text()).toBe(`yes ${folder.path} /bin/zsh\n`);
  });

  it("gives a terminal to a task that wants one, and nothing to read from to one that does not", async () => {
    await using tty = await startGuest(program, {
      ...sh("test -t 0 && test -t 1 && stty size; echo $TERM"),
      tty: true,
    });
    await using plain = await startGuest(program, sh("test -t 1 || echo no; cat; echo end"));
    await tty.session.resolved;
    await plain.session.resolved;
    expect(tty.log.text()).toBe("24 80\r\nxterm\r\n");
    expect(plain.log.text()).toBe("no\nend\n");
  });

  it("does not wait for a background process that keeps the output open", async () => {
    await using guest = await startGuest(program, sh("sleep 1000 & echo $!"));
    await expect(guest.session.resolved).resolves.toMatchObject({ success: true });
    const pid = guest.log.text().trim();
    await expect(isRunning(pid)).resolves.toBe(true);
    await guest.agent[Symbol.asyncDispose]();
    await expect(isRunning(pid)).resolves.toBe(false);
  });

  it("reports a failure, and ends the command, when it cannot wait for it any more", async () => {
    await using guest = await startGuest(program, sh("echo $PPID $$; exec tail -f /dev/null"));
    await guest.log.has("\n");
    const [runner = "", command = ""] = guest.log.text().trim().split(" ");
    // A poll of more descriptors than a process may have is refused; the signal only makes it poll again.
    await runCommand(["prlimit", "--pid", runner, "--nofile=2:1024"]);
    process.kill(Number(runner), "SIGCHLD");
    await guest.log.has("could not wait for the command");
    await runCommand(["prlimit", "--pid", runner, "--nofile=1024:1024"]);
    const error = expect.stringContaining("could not wait for the command");
    await expect(guest.session.resolved).resolves.toEqual({ success: false, exitCode: 125, error });
    await expect.poll(() => isRunning(command)).toBe(false);
  });

  it("waits until there is a task", async () => {
    await using guest = await startGuest(program, undefined);
    await guest.session.firstContact;
    guest.session.setTask({ command: ["echo", "late"], env: {} });
    await guest.session.resolved;
    expect(guest.log.text()).toBe("late\n");
  });

  it("tries until the host answers", async () => {
    const broken = createServer((socket) => socket.on("error", () => {}).destroy());
    const port = await listen(broken);
    await using agent = await AgentProcess.start(program, { url: `http://127.0.0.1:${port}` });
    await once(broken, "connection");
    broken.close();
    await using service = await ServiceOnLoopback.start({ task: { command: ["echo", "hello"], env: {} }, port });
    await expect(service.session.resolved).resolves.toMatchObject({ success: true });
    expect(agent.stderr).toBe("");
  });

  it("survives answers that make no sense", async () => {
    const answers = [
      "",
      "garbage\r\n\r\n",
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{"a"',
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[[",
      `HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n${"[".repeat(400)}`,
      'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"a":"\\u00"} ',
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
      `HTTP/1.1 200 OK\r\nX: ${"y".repeat(40_000)}\r\n\r\n`,
      "HTTP/1.1 503 Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 204 No Content\r\nRetry-After: 0\r\n\r\n",
    ];
    let next = 0;
    const exhausted = Promise.withResolvers<void>();
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        const answer = answers[next++ % answers.length] ?? "";
        if (next > 2 * answers.length) exhausted.resolve();
        socket.end(answer);
      });
    });
    const port = await listen(server);
    await using agent = await AgentProcess.start(program, { url: `http://127.0.0.1:${port}` });
    await exhausted.promise;
    await new Promise((done) => server.close(done));
    await using service = await ServiceOnLoopback.start({ task: { command: ["echo", "alive"], env: {} }, port });
    await service.session.resolved;
    expect(service.log.text()).toBe("alive\n");
    expect(agent.stderr).not.toContain("Sanitizer");
  });

  it("reports the task as failed when the part of it that runs the task is killed", async () => {
    await using guest = await startGuest(program, sh("echo $PPID; kill -9 $PPID; sleep 1000"));
    await expect(guest.session.resolved).resolves.toEqual({
      success: false,
      exitCode: 1,
      error: "the part of the guest agent that ran the task was killed",
    });
  });

  it("goes on answering after the one who answers was killed", async () => {
    await using guest = await startGuest(program, sh("echo ready; sleep 1000"));
    await guest.log.has("ready");
    const children = await readFile(`/proc/${guest.agent.pid}/task/${guest.agent.pid}/children`, "utf8");
    const poller = Number(children.trim().split(" ")[1]);
    process.kill(poller, "SIGKILL");
    await expect(guest.session.exec({ command: ["echo", "still here"] })).resolves.toMatchObject({ exitCode: 0 });
  });
});

describe("the agent's command line", () => {
  it("refuses an address that is not a number", async () => {
    const program = await buildAgent("release");
    await expect(runCommand([program, "--url", "http://example"])).rejects.toMatchObject({ exitCode: 2 });
    await expect(runCommand([program, "--version"])).resolves.toMatchObject({
      stdout: expect.stringMatching(/^boxcar-agent [0-9a-f]{12}$/),
    });
  });
});
