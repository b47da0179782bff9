/** What operators do from a terminal, with one machine for all: a shell, its screen, its log, and how long it stays. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { RfbViewer } from "../integration/web/rfb-viewer.ts";
import { Boxcar, type Finished, finish, pressCtrlC, type Running, untilPrinted } from "./boxcar.ts";
import { openViewer } from "./rfb-over-tcp.ts";
import { SIZE, Terminal } from "./terminal.ts";
import { end, WorkerProcesses } from "./worker-process.ts";

/** Somebody at the console, and an end that a shell can bring about. */
const SCRIPT = `exec < /dev/tty1; echo ready; read -r line; echo "somebody typed $line"
while [ ! -e /tmp/end ]; do [ ! -e /tmp/say ] || { cat /tmp/say; rm /tmp/say; }; sleep 0.2; done`;

let boxcar: Boxcar;
let workers: WorkerProcesses;
let worker: Running;
let url: string;
let env: Record<string, string>;
/** Has the machine that all look at. */
let task: string;
/** Is not for people, and its machine is to die. */
let other: string;
let otherMachine: number;
/** By role. */
const tokens: Record<string, string> = {};

beforeAll(async () => {
  boxcar = await Boxcar.open({ ownGroups: true });
  workers = await WorkerProcesses.open(boxcar, {
    access: { enabled: true },
    worker: { capacity: 2, reserve: { diskGiB: 0 }, http: { listen: "127.0.0.1:0" } },
  });
  env = { BOXCAR_CONFIG: join(boxcar.directory, "worker.yml") };
  ({ worker } = await workers.start());
  other = await workers.submit("echo ready; exec sleep 1000");
  await workers.untilLogged(other, "\nready\n");
  [otherMachine = 0] = await boxcar.machines();
  task = await workers.submit(SCRIPT, { interactive: { keepAfter: "10 minutes" }, machine: { keyboard: "PS/2" } });
  await workers.untilLogged(task, "\nready\n");
  for (const role of ["viewer", "operator"]) tokens[role] = await newToken("--role", role);
  const { workers: all } = JSON.parse((await run("top", "--json")).stdout) as { workers: { url: string }[] };
  url = all[0]?.url ?? "";
});

afterAll(async () => {
  await end(worker, "SIGKILL");
  await boxcar[Symbol.asyncDispose]();
});

function start(...args: string[]): Running {
  return boxcar.start(args, env);
}

async function run(...args: string[]): Promise<Finished> {
  return await finish(start(...args));
}

/** In the guest. */
async function inGuest(script: string): Promise<Finished> {
  return await run("shell", task, "--", "sh", "-c", script);
}

/** As somebody on another host would, with this token or that of a role. */
async function asClient(token: string | undefined, ...args: string[]): Promise<Finished> {
  const server = { BOXCAR_SERVER: url, BOXCAR_CONFIG: "/dev/null" };
  return await boxcar.run(args, token === undefined ? server : { ...server, BOXCAR_TOKEN: tokens[token] ?? token });
}

async function newToken(...flags: string[]): Promise<string> {
  return (await run("token", "create", "--name", "somebody", ...flags)).stdout.trim();
}

/** What a process of the guest does first, so that others can see whether it is there. */
const noted = (name: string, command: string) => `echo $$ > /tmp/${name}; echo begun; exec ${command}`;

async function isInGuest(name: string): Promise<boolean> {
  return (await inGuest(`[ -e /proc/$(cat /tmp/${name}) ]`)).exitCode === 0;
}

async function untilGone(name: string): Promise<void> {
  await expect.poll(() => isInGuest(name), { timeout: 20_000, interval: 200 }).toBe(false);
}

describe("boxcar shell at a terminal", () => {
  it("is like one at the machine: prompt, size, Ctrl-C, exit code", async () => {
    const terminal = Terminal.start(boxcar, ["shell", task], env);
    await terminal.until("# ");
    terminal.type("stty size\r");
    await terminal.until(`${SIZE.rows} ${SIZE.columns}`);
    await terminal.resize(132, 43);
    terminal.type("until [ \"$(stty size)\" = '43 132' ]; do sleep 0.1; done; echo re''sized\r");
    await terminal.until("resized");
    terminal.type("sh -c 'trap \"echo inter; echo rupted; exit\" INT; echo sl; echo eeps; while :; do :; done'\r");
    await terminal.until("sl\r\neeps");
    terminal.type("\u0003");
    await terminal.until("inter\r\nrupted");
    // What a program moves the cursor by is not made another movement here.
    terminal.type("stty raw; printf 'mo\\nved'; stty sane; echo\r");
    await terminal.until("mo\nved");
    terminal.type("exit 7\r");
    expect(await terminal.ended).toEqual({ exitCode: 1 });
    expect(await terminal.settings()).toMatch(/^opost .* onlcr .*\n.* icanon /m);
  });

  it("is left by ~., and then it is gone", async () => {
    const terminal = Terminal.start(boxcar, ["shell", task, "--", "sh", "-c", noted("left", "sleep 1000")], env);
    await terminal.until("begun");
    expect(await isInGuest("left")).toBe(true);
    terminal.type("\r~.");
    await terminal.until("left the shell");
    expect(await terminal.ended).toEqual({ exitCode: 130 });
    expect(await terminal.settings()).toMatch(/^opost .* onlcr .*\n.* icanon /m);
    await untilGone("left");
  });
});

describe("boxcar shell with pipes", () => {
  it("passes every byte both ways, keeps stderr apart, and tells whether it went well", async () => {
    const bytes = randomBytes(20_000_000);
    const shell = start("shell", task, "-T", "--", "sh", "-c", "cat; echo apart >&2; exit 7");
    const [received, errors] = [createHash("sha256"), [] as Buffer[]];
    shell.stdout?.on("data", (chunk: Buffer) => received.update(chunk));
    shell.stderr?.on("data", (chunk: Buffer) => errors.push(chunk));
    shell.stdin?.end(bytes);
    expect((await shell).exitCode).toBe(1);
    expect(received.digest("hex")).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect(Buffer.concat(errors).toString()).toBe("apart\n");
    expect(await inGuest("exit 0")).toMatchObject({ exitCode: 0 });
    expect(await run("shell", task, "--", "no-such-program")).toMatchObject({
      ...{ exitCode: 1, stderr: expect.stringContaining('the command "no-such-program" does not exist in this image') },
    });
  });

  it("ends with who reads it, and at Ctrl-C, here and in the machine", async () => {
    const unread = start("shell", task, "--", "sh", "-c", noted("unread", "yes"));
    await untilPrinted(unread, "stdout", "y\n");
    unread.stdout?.destroy();
    expect((await unread).exitCode).toBe(1);
    const stopped = start("shell", task, "--", "sh", "-c", noted("stopped", "sleep 1000"));
    await untilPrinted(stopped, "stdout", "begun");
    pressCtrlC(stopped);
    expect(await finish(stopped)).toMatchObject({ exitCode: 130, stderr: "boxcar: stopped by SIGINT" });
    await Promise.all([untilGone("unread"), untilGone("stopped")]);
  });

  it("is for who may, also from elsewhere", async () => {
    const shell = ["shell", task, "--", "echo", "hello"];
    expect(await asClient("operator", ...shell)).toMatchObject({ exitCode: 0, stdout: "hello" });
    const refused = { exitCode: 2, stderr: expect.stringContaining('does not include the permission "control"') };
    expect(await asClient("viewer", ...shell)).toMatchObject(refused);
    expect(await asClient(undefined, ...shell)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/BOXCAR_TOKEN/),
    });
  });
});

describe("the screen", () => {
  it("is saved as a picture", async () => {
    const saved = await run("screenshot", task, "-o", "screen.png");
    expect(saved).toMatchObject({ exitCode: 0, stdout: join(boxcar.directory, "screen.png") });
    const { width, height } = PNG.sync.read(await readFile(saved.stdout));
    expect([width, height]).toEqual(await sizeOfScreen());
    const piped = boxcar.start(["screenshot", task, "-o", "-", "--server", url], {
      BOXCAR_TOKEN: tokens["viewer"] ?? "",
    });
    const blocks: Buffer[] = [];
    piped.stdout?.on("data", (block: Buffer) => blocks.push(block));
    expect((await piped).exitCode).toBe(0);
    expect(PNG.sync.read(Buffer.concat(blocks))).toMatchObject({ width, height });
  });

  it("is at an address for VNC viewers of this user, with keys if that is wanted, until Ctrl-C", async () => {
    const [looking, using] = [await serveDisplay("--view"), await serveDisplay()];
    const [seen, used] = [await openViewer(looking.address), await openViewer(using.address)];
    seen.viewer.type("x\r");
    // What was sent before has arrived when this is answered.
    seen.viewer.ask({ incremental: false });
    expect(await seen.viewer.update()).toBeGreaterThan(0);
    // A keyboard of a PC keeps no more than a few keys that the guest has not taken.
    used.viewer.type("a\r");
    await workers.untilLogged(task, "somebody typed a\n");
    for (const { command } of [looking, using]) pressCtrlC(command);
    await Promise.all([seen.viewer.closed, used.viewer.closed]);
    expect(await finish(looking.command)).toMatchObject({ exitCode: 0 });
    await using.command;
  });

  // Another user is what only root can become.
  it.skipIf(process.getuid?.() !== 0)("is not for other users of the host", async () => {
    const { command, address } = await serveDisplay("--view");
    expect(await asNobody(address)).toBe("");
    pressCtrlC(command);
    expect((await finish(command)).stderr).toMatch(/a process of another user \(65534\) was turned away/);
  });

  it("is at a link for a browser, once", async () => {
    const { stdout } = await asClient("operator", "vnc", task, "--url", "--view");
    const link = new URL(stdout);
    expect(link).toMatchObject({ origin: url, pathname: "/link" });
    const ticket = new URLSearchParams(link.hash.slice(1)).get("ticket");
    const path = `${url}/api/v1/tasks/${task}/runs/latest/display?ticket=${ticket}`;
    const viewer = await RfbViewer.open(new WebSocket(path));
    viewer.client.close();
    const again = new WebSocket(path).on("error", () => {});
    const [, { statusCode }] = (await once(again, "unexpected-response")) as [unknown, { statusCode: number }];
    expect(statusCode).toBe(403);
    // By the socket of the worker it leads to the same place.
    expect((await run("vnc", task, "--url")).stdout).toContain(`${url}/link#`);
  });
});

interface ServedDisplay {
  readonly command: Running;
  readonly address: string;
}

async function serveDisplay(...flags: string[]): Promise<ServedDisplay> {
  const command = start("vnc", task, ...flags);
  let printed = "";
  command.stdout?.on("data", (chunk: Buffer) => {
    printed += chunk;
  });
  await untilPrinted(command, "stderr", "Ctrl-C ends it");
  return { command, address: printed.trim() };
}

async function sizeOfScreen(): Promise<[number, number]> {
  const { command, address } = await serveDisplay("--view");
  const { viewer } = await openViewer(address);
  pressCtrlC(command);
  await command;
  return [viewer.width, viewer.height];
}

/** What a process of another user is told at an address. */
async function asNobody(address: string): Promise<string> {
  const script = `exec 3<> /dev/tcp/127.0.0.1/${new URL(address).port}; cat <&3`;
  const { stdout } = await execa("setpriv", ["--reuid", "65534", "--clear-groups", "bash", "-c", script], {
    reject: false,
  });
  return stdout;
}

describe("boxcar logs", () => {
  it("follows, here and from elsewhere, with a token of one kind or another", async () => {
    const file = join(boxcar.directory, "token");
    await writeFile(file, `${tokens["viewer"]}\n`);
    const elsewhere = { BOXCAR_SERVER: url, BOXCAR_CONFIG: "/dev/null" };
    const followers = [
      boxcar.start(["logs", "-f", task], env),
      boxcar.start(["logs", "-f", task], { ...elsewhere, BOXCAR_TOKEN: tokens["viewer"] ?? "" }),
      boxcar.start(["logs", "-f", task.slice(0, 8), "--token-file", file], elsewhere),
    ];
    const heard = followers.map((follower) => untilPrinted(follower, "stdout", "said just now"));
    await Promise.all(followers.map((follower) => untilPrinted(follower, "stdout", "\nready\n")));
    await inGuest("echo said just now > /tmp/said && mv /tmp/said /tmp/say");
    await Promise.all(heard);
    for (const follower of followers) pressCtrlC(follower);
    for (const follower of followers) expect((await follower).exitCode).toBe(130);
  });

  it("is not for who has no token that is good", async () => {
    const expired = await newToken("--role", "viewer", "--expires", "1 second");
    await expect
      .poll(async () => (await asClient(expired, "logs", task)).stderr, { timeout: 10_000 })
      .toMatch(/does not take this token: this token is unknown, was revoked, or has expired/);
    expect(await asClient("bxc_wrong", "logs", task)).toMatchObject({ exitCode: 2, stdout: "" });
    expect(await asClient(undefined, "logs", task)).toMatchObject({
      ...{ exitCode: 2, stderr: `boxcar: ${url} asks for a token; set BOXCAR_TOKEN, or give --token-file` },
    });
  });
});

describe("boxcar top", () => {
  const ALTERNATE = { enter: "\u001b[?1049h", leave: "\u001b[?1049l" };

  it.each([
    ["q", "q"],
    ["Ctrl-C", "\u0003"],
  ])("has a screen of its own at a terminal, until %s", async (_name, key) => {
    const terminal = Terminal.start(boxcar, ["top"], env);
    // Drawn again, so it watches.
    for (let i = 0; i < 2; i++) await terminal.until(task);
    expect(terminal.printed).toContain(ALTERNATE.enter);
    expect(terminal.printed).not.toContain(ALTERNATE.leave);
    terminal.type(key);
    expect(await terminal.ended).toEqual({ exitCode: 0 });
    expect(terminal.printed.trimEnd().endsWith(ALTERNATE.leave)).toBe(true);
    expect(await terminal.settings()).toMatch(/ icanon /);
  });

  it("prints what there is, for people and for scripts", async () => {
    const { stdout } = await asClient("viewer", "top", "--once");
    expect(stdout).toMatch(/^1 worker, 2 of 2 machines in use\n/);
    expect(stdout).not.toContain("\u001b");
    const overview = JSON.parse((await asClient("viewer", "top", "--json")).stdout) as { machines: object[] };
    expect(overview.machines.map((machine) => (machine as { taskId: string }).taskId)).toEqual([other, task]);
  });
});

describe("how long a machine stays", () => {
  it("is up to its task, where that is not interactive", async () => {
    for (const args of [
      ["keep", other, "--for", "1 hour"],
      ["release", other],
    ]) {
      const refused = { exitCode: 2, stderr: expect.stringContaining('its task has no "interactive" in its payload') };
      expect(await run(...args)).toMatchObject(refused);
    }
  });

  it("is told to a shell in it, and to who serves its screen, when it dies", async () => {
    const screen = start("vnc", other);
    await untilPrinted(screen, "stdout", "vnc://");
    const shell = start("shell", other, "--", "sh", "-c", "echo begun; exec sleep 1000");
    await untilPrinted(shell, "stdout", "begun");
    process.kill(otherMachine, "SIGKILL");
    const { exitCode, stderr } = await finish(shell);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 3,
      stderr: expect.stringMatching(/^boxcar: the connection to the shell is over: the machine has ended/),
    });
    expect(await finish(screen)).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("the machine is gone") });
    await run("queue", "cancel", other);
    for (const command of [["shell"], ["vnc"], ["screenshot"]]) {
      const { exitCode: code, stderr: told } = await run(...command, other);
      expect({ command, code, told }).toEqual({ command, code: 2, told: expect.stringContaining("no machine") });
    }
  });

  it("is made longer and shorter by people", async () => {
    expect((await run("keep", task, "--for", "20 minutes")).stdout).toContain("or until its command ends");
    await inGuest("touch /tmp/end");
    await workers.untilLogged(task, "the machine is kept for a person until");
    expect(await run("keep", task, "--for", "1800")).toMatchObject({
      ...{ exitCode: 0, stdout: expect.stringMatching(/^the machine stays until \S+ \S+ UTC$/) },
    });
    expect(await asClient("viewer", "release", task)).toMatchObject({ exitCode: 2 });
    expect(await asClient("operator", "release", task)).toMatchObject({
      exitCode: 0,
      stdout: "the machine goes as soon as its command has ended",
    });
    expect(await workers.ended(task)).toMatchObject({ state: "completed" });
    expect(await boxcar.leftovers()).toEqual([]);
  });
});
