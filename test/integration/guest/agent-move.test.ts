import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { createMove } from "../../../src/guest/guest-move.ts";
import { createIdentity } from "../../../src/guest/wake.ts";
import { buildAgent, isRunning, LogCollector, sh, temporaryFolder, VARIANTS } from "./guest-harness.ts";
import { MovingGuest } from "./moving-guest.ts";

const COUNT = 'echo "pid $$"; i=0; while :; do i=$((i+1)); echo $i; sleep 0.005; done';
const FORK = { checkpoint: "built", index: 1, count: 3 };

function sequence(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, i) => `${from + i}\n`).join("");
}

function pidIn({ log }: { log: LogCollector }, name = "pid"): string {
  return new RegExp(`^${name} (\\d+)$`, "m").exec(log.text())?.[1] ?? "";
}

describe.each(VARIANTS)("the %s agent of a machine that goes on with another host", (variant) => {
  let program: string;
  beforeAll(async () => {
    program = await buildAgent(variant);
  });

  it("goes on with the command and its log, of which no line is lost or comes twice", async () => {
    await using guest = await MovingGuest.start(program, sh(COUNT));
    const first = guest.host;
    await first.log.has("\n50\n");
    const logOffset = guest.leave();
    const second = await guest.move({ move: createMove({ logOffset }) });
    await second.log.has("\n200\n");
    await second.session.killProcess({ graceMs: 0 });
    await expect(second.session.resolved).resolves.toMatchObject({ signal: "SIGKILL" });
    const pid = pidIn(first);
    const whole = first.log.text() + second.log.text();
    const last = whole.trimEnd().split("\n").at(-1);
    expect(whole).toBe(`pid ${pid}\n${sequence(1, Number(last))}`);
    expect(first.log.text()).toHaveLength(logOffset);
  });

  it("sends at once what the new host lacks, though the command is silent", async () => {
    await using guest = await MovingGuest.start(program, sh("echo first; exec sleep 1000"));
    await guest.host.log.has("first\n");
    guest.leave();
    const second = await guest.move({ move: createMove() });
    await second.log.has("first\n");
    const third = await guest.move({ move: createMove({ logOffset: guest.leave() }) });
    await third.session.killProcess({ graceMs: 0 });
    await third.session.resolved;
    expect(third.log.text()).toBe("");
  });

  it("moves twenty times under a log that never ends", async () => {
    await using guest = await MovingGuest.start(program, sh("seq 1 400000; exec sleep 1000"));
    let text = "";
    for (let move = 0; move < 20; move++) {
      const { log } = guest.host;
      // A little later each time.
      await vi.waitFor(() => expect(log.sizeBytes).toBeGreaterThan(move === 0 ? 0 : 1), { interval: 1 });
      const logOffset = guest.leave();
      text += log.text();
      expect(text).toHaveLength(logOffset);
      if (text.endsWith("\n400000\n")) break;
      await guest.move({ move: createMove({ logOffset }) });
    }
    if (!text.endsWith("\n400000\n")) {
      await guest.host.log.has("\n400000\n");
      text += guest.host.log.text();
    }
    expect(text === sequence(1, 400_000)).toBe(true);
  });

  it("reports the end of the command to the host it has when it ends", async () => {
    await using folder = await temporaryFolder();
    const fifo = join(folder.path, "fifo");
    await using guest = await MovingGuest.start(program, sh(`mkfifo ${fifo}; echo ready; cat ${fifo}; exit 7`));
    await guest.host.log.has("ready\n");
    const logOffset = guest.leave();
    const second = await guest.move({ move: createMove({ logOffset, task: { command: ["x"], env: { A: "b" } } }) });
    const shell = await second.session.openShell({ command: ["sh", "-c", `echo $A > ${fifo}`] });
    await expect(shell.done).resolves.toEqual({ success: true });
    await expect(second.session.resolved).resolves.toEqual({ success: false, exitCode: 7 });
    expect(second.log.text()).toBe("b\n");
  });

  it("reports a result again that the host before may have heard", async () => {
    await using guest = await MovingGuest.start(program, sh("exit 3"));
    await guest.host.session.resolved;
    guest.leave();
    const second = await guest.move({ move: createMove() });
    await expect(second.session.exec({ command: ["echo", "here"] })).resolves.toMatchObject({ exitCode: 0 });
  });

  it("ends shells and commands of the host before, and leaves alone what they left in the background", async () => {
    await using guest = await MovingGuest.start(program, sh("exec sleep 1000"));
    const { session } = guest.host;
    const background = await session.exec({
      command: ["sh", "-c", "setsid sleep 1000 > /dev/null 2>&1 < /dev/null & echo $!"],
    });
    const daemon = background.output.toString().trim();
    const output = new LogCollector();
    const running = session.exec(
      { command: ["sh", "-c", "echo pid $$; exec sleep 1000"] },
      { onOutput: (chunk) => output.write(chunk) },
    );
    const lost = expect(running).rejects.toThrow();
    const shell = await session.openShell({ command: ["sh", "-c", "echo pid $$; exec sleep 1000"] });
    const shellLost = expect(shell.done).rejects.toThrow();
    const frames = shell.frames[Symbol.asyncIterator]();
    const { value: frame } = await frames.next();
    await output.has("\n");
    const pids = [pidIn({ log: output }), /pid (\d+)/.exec(String(frame))?.[1] ?? ""];
    guest.leave();
    await guest.move({ move: createMove() });
    await vi.waitFor(async () => expect(await Promise.all(pids.map(isRunning))).toEqual([false, false]), 10_000);
    await Promise.all([lost, shellLost]);
    await expect(isRunning(daemon)).resolves.toBe(true);
    process.kill(Number(daemon), "SIGKILL");
  });

  it("says nothing to the new host until it was told", async () => {
    await using guest = await MovingGuest.start(program, sh(COUNT));
    const first = guest.host;
    await first.log.has("\n20\n");
    const logOffset = guest.leave();
    const move = createMove({ logOffset });
    const refused = Promise.withResolvers<void>();
    let calls = 0;
    const second = await guest.arrive({ move });
    const isOfThisLife = second.session.isOfThisLife.bind(second.session);
    second.session.isOfThisLife = (headers) => {
      const answer = isOfThisLife(headers);
      if (!answer && ++calls === 3) refused.resolve();
      return answer;
    };
    // Its connections are dead, which it can find out by itself.
    guest.dropClients();
    await refused.promise;
    expect(second.log.text()).toBe("");
    guest.wakeLine.move(move);
    await second.session.firstContact;
    await second.log.has("\n100\n");
    await second.session.killProcess({ graceMs: 0 });
    await second.session.resolved;
    const whole = first.log.text() + second.log.text();
    const last = whole.trimEnd().split("\n").at(-1);
    expect(whole).toBe(`pid ${pidIn(first)}\n${sequence(1, Number(last))}`);
  });

  it("heeds a move however its line is cut, and nothing else on the line", async () => {
    await using guest = await MovingGuest.start(program, sh("echo pid $$; echo ready; exec sleep 1000"));
    await guest.host.log.has("ready\n");
    const pid = pidIn(guest.host);
    const port = guest.agent.wakePort ?? expect.fail("no port");
    const hostile = [
      "\n\n\n",
      "no json\n",
      `${"x".repeat(100_000)}\n`,
      `{"moved": true, "fork": {}, "pad": "${"y".repeat(4_096)}"}\n`,
      '{"fork": {"index": 0}}\n',
      '{"moved": "true", "fork": {}}\n',
      '{"moved": 1, "fork": {}}\n',
      '[{"moved": true, "fork": {}}]\n',
      '{"time": 1, "hostname": "no", "rehearse": true}\n',
      `${"[".repeat(4_000)}\n`,
      Buffer.from([0, 0xff, 0x80, 10]),
      '{"moved": true, "life": 5, "logOffset": -1, "fork": true}\n',
      '{"moved": true, "life": "a b\\r\\nX: y", "logOffset": 1e300, "entropy": "zz", "time": "x"}\n',
    ];
    for (const line of hostile) if (!port.write(line)) await once(port, "drain");
    guest.leave();
    const move = createMove();
    const host = await guest.arrive({ move });
    for (const char of JSON.stringify({ moved: true, life: move.life })) {
      port.write(char);
      await new Promise((resolve) => setImmediate(resolve));
    }
    port.write("\n");
    await host.session.firstContact;
    await expect(isRunning(pid)).resolves.toBe(true);
    await expect(host.session.exec({ command: ["true"] })).resolves.toMatchObject({ exitCode: 0 });
    await host.session.killProcess({ graceMs: 0 });
    await expect(host.session.resolved).resolves.toMatchObject({ signal: "SIGKILL" });
  });

  it("runs on when the line ends", async () => {
    await using guest = await MovingGuest.start(program, sh("echo ready; exec sleep 1000"));
    await guest.host.log.has("ready\n");
    guest.agent.wakePort?.destroy();
    await expect(guest.host.session.exec({ command: ["true"] })).resolves.toMatchObject({ exitCode: 0 });
    const ticks = async () => {
      const fields = (await readFile(`/proc/${guest.agent.pid}/stat`, "utf8")).split(" ");
      return Number(fields[13]) + Number(fields[14]);
    };
    const before = await ticks();
    await guest.host.session.exec({ command: ["sleep", "0.5"] });
    expect((await ticks()) - before).toBeLessThan(20);
  });

  describe("as a fork", () => {
    it("kills the command and all in its session, spares daemons, and runs the next task", async () => {
      await using folder = await temporaryFolder();
      const beat = join(folder.path, "beat");
      const daemon = `i=0; while :; do i=$((i+1)); echo printing; echo $i > ${beat}; sleep 0.02; done`;
      const script = `set -m; setsid sh -c '${daemon}' & echo "daemon $!"; sleep 1000 & echo "other $!"
        sh -c 'trap "" TERM HUP; while :; do sleep 1000; done' & echo "stubborn $!"; echo "pid $$"; echo ready; wait`;
      await using guest = await MovingGuest.start(program, sh(script));
      await guest.host.log.has("ready\n");
      const first = guest.host;
      const gone = ["pid", "other", "stubborn"].map((name) => pidIn(first, name));
      // `setsid` forks, since job control has made it the leader of a group.
      const session = async () => (await readFile(beat, "utf8").catch(() => "")).trim();
      await vi.waitFor(async () => expect(Number(await session())).toBeGreaterThan(2));
      guest.leave();
      const task = {
        ...sh('echo "$BOXCAR_FORK_INDEX of $BOXCAR_FORK_COUNT from $BOXCAR_CHECKPOINT $A"'),
        env: { A: "a" },
      };
      const second = await guest.move({ move: createMove({ fork: FORK }), task });
      await expect(second.session.resolved).resolves.toEqual({ success: true, exitCode: 0 });
      expect(second.log.text()).toBe("1 of 3 from built a\n");
      expect(await Promise.all(gone.map(isRunning))).toEqual([false, false, false]);
      const count = Number(await session());
      await vi.waitFor(async () => expect(Number(await session())).toBeGreaterThan(count + 3));
      await expect(second.session.killProcess({ graceMs: 0 })).resolves.toMatchObject({ left: 0 });
      const end = await session();
      await second.session.exec({ command: ["sleep", "0.1"] });
      expect(await session()).toBe(end);
    });

    it.each([
      ["prints without end", "yes", "y\ny\n"],
      ["has a terminal", "echo ready; exec sleep 1000", "ready\r\n"],
      ["is stopped", "echo ready; kill -STOP $$", "ready\n"],
    ])("forgets a command that %s", async (_name, script, sign) => {
      const collector = new LogCollector();
      await using guest = await MovingGuest.start(
        program,
        { ...sh(script), tty: sign.includes("\r") },
        { log: collector },
      );
      await collector.has(sign);
      guest.leave();
      const second = await guest.move({ move: createMove({ fork: FORK }), task: { ...sh("echo next"), env: {} } });
      await expect(second.session.resolved).resolves.toMatchObject({ success: true });
      expect(second.log.text()).toBe("next\n");
    });

    it("runs a task though the one before was never fetched, has ended, or was killed", async () => {
      await using guest = await MovingGuest.start(program, undefined);
      await guest.host.session.firstContact;
      for (const text of ["exit 3", "echo two", "echo three"]) {
        guest.leave();
        const host = await guest.move({ move: createMove({ fork: FORK }), task: { ...sh(text), env: {} } });
        await expect(host.session.resolved).resolves.toMatchObject({ exitCode: text === "exit 3" ? 3 : 0 });
        await host.session.killProcess({ graceMs: 0 });
      }
    });

    it("forks ten times in a row while commands run and print", async () => {
      await using guest = await MovingGuest.start(program, sh(COUNT));
      await guest.host.log.has("\n5\n");
      for (let index = 0; index < 10; index++) {
        const pid = pidIn(guest.host);
        guest.leave();
        const fork = { ...FORK, index };
        const host = await guest.move({ move: createMove({ fork }), task: { ...sh(COUNT), env: {} } });
        await host.log.has("\n5\n");
        expect(host.log.text()).toMatch(/^pid \d+\n1\n2\n/);
        await expect(isRunning(pid)).resolves.toBe(false);
      }
    });

    it("forks twenty times just when the next command begins, and leaves nothing of it", async () => {
      await using guest = await MovingGuest.start(program, sh("exec sleep 1000"));
      for (let index = 0; index < 20; index++) {
        await guest.host.session.started;
        guest.leave();
        const fork = { ...FORK, index };
        await guest.move({ move: createMove({ fork }), task: { ...sh("exec sleep 1000"), env: {} } });
      }
      const { session } = guest.host;
      await session.started;
      await session.exec({ command: ["sleep", "0.1"] });
      await expect(session.killProcess({ graceMs: 0 })).resolves.toEqual({ found: 1, left: 0 });
      await expect(session.resolved).resolves.toMatchObject({ signal: "SIGKILL" });
      const children = await readFile(`/proc/${guest.agent.pid}/task/${guest.agent.pid}/children`, "utf8");
      // The runner of the last one may be gone, or about to.
      expect(children.trim().split(" ").length).toBeLessThanOrEqual(2);
    });

    it("goes on with steps, and takes no word of the life before for one of them", async () => {
      await using guest = await MovingGuest.start(program, undefined);
      const before = guest.host.session;
      await before.run({ ...sh("echo one"), env: {} }, { more: true });
      const second = before.run({ ...sh(COUNT), env: {} }, { more: true });
      second.catch(() => {});
      await guest.host.log.has("\n5\n");
      guest.leave();
      const host = await guest.move({ move: createMove({ fork: FORK }) });
      await host.session.run({ ...sh("echo $BOXCAR_FORK_INDEX"), env: {} }, { more: true });
      await host.session.run({ ...sh("echo b $BOXCAR_FORK_INDEX"), env: {} });
      expect(host.log.text()).toBe("1\nb 1\n");
    });
  });

  it("is woken by a move that comes while it is parked", async () => {
    await using guest = await MovingGuest.startParked(program);
    const move = createMove({ fork: FORK });
    const host = await guest.arrive({ move, task: { ...sh("echo here"), env: {} } });
    guest.wakeLine.move(move, createIdentity("x"));
    await expect(host.session.resolved).resolves.toMatchObject({ success: true });
    expect(host.log.text()).toBe("here\n");
  });
});
