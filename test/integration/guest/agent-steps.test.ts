import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { GuestTask } from "../../../src/guest/guest-task.ts";
import {
  buildAgent,
  type Guest,
  isRunning,
  sh,
  startGuest,
  startProxy,
  temporaryFolder,
  VARIANTS,
} from "./guest-harness.ts";

const MORE = { more: true };

function script(text: string, rest: Partial<GuestTask> = {}): GuestTask {
  return { ...sh(text), env: {}, ...rest };
}

/** Processes right below the agent; the first two it starts are a runner and the one who answers. */
async function childrenOf({ agent }: Guest): Promise<string[]> {
  const text = await readFile(`/proc/${agent.pid}/task/${agent.pid}/children`, "utf8");
  return text.split(" ").filter((pid) => pid !== "");
}

async function firstChildren(guest: Guest): Promise<string[]> {
  await expect.poll(async () => (await childrenOf(guest)).length).toBe(2);
  return childrenOf(guest);
}

/** The runner that asks for a command after those processes below the agent. */
async function runnerAfter(guest: Guest, known: readonly string[]): Promise<string> {
  return vi.waitFor(async () => {
    const runner = (await childrenOf(guest)).find((pid) => !known.includes(pid));
    expect(runner).toBeDefined();
    return runner as string;
  });
}

/** The lines `from` … `to`, as seq prints them. */
function sequence(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, i) => `${from + i}\n`).join("");
}

describe.each(VARIANTS)("the %s agent with several commands one after another", (variant) => {
  let program: string;
  beforeAll(async () => {
    program = await buildAgent(variant);
  });

  it("runs them in order, each with its own result, when its log has arrived", async () => {
    await using guest = await startGuest(program, undefined);
    await expect(guest.session.run(script("echo one"), MORE)).resolves.toEqual({ success: true, exitCode: 0 });
    expect(guest.log.text()).toBe("one\n");
    await expect(guest.session.run(script("echo two; exit 4"))).resolves.toEqual({ success: false, exitCode: 4 });
    expect(guest.log.text()).toBe("one\ntwo\n");
  });

  it("runs twenty, and keeps no process for those that left nothing running", async () => {
    await using guest = await startGuest(program, undefined);
    for (let step = 1; step <= 20; step++) {
      const task = script(`echo step ${step}; exit ${step % 3}`);
      const result = await guest.session.run(task, { more: step < 20 });
      expect(result.exitCode).toBe(step % 3);
    }
    expect(guest.log.text()).toBe(Array.from({ length: 20 }, (_, i) => `step ${i + 1}\n`).join(""));
    await expect.poll(async () => (await childrenOf(guest)).length).toBe(1);
  });

  it("goes on after a command that failed, died or could not be started", async () => {
    await using guest = await startGuest(program, undefined);
    const { session } = guest;
    await expect(session.run(script("exit 3"), MORE)).resolves.toMatchObject({ exitCode: 3 });
    await expect(session.run(script("kill -SEGV $$"), MORE)).resolves.toMatchObject({ signal: "SIGSEGV" });
    await expect(session.run({ command: ["no-such"], env: {} }, MORE)).resolves.toMatchObject({ exitCode: 127 });
    await expect(session.run(script("true", { user: "nobody-at-all" }), MORE)).resolves.toMatchObject({
      exitCode: 126,
    });
    await expect(session.run(script("echo end"))).resolves.toMatchObject({ success: true });
    expect(guest.log.text()).toMatch(/^boxcar: .*"no-such".*\nboxcar: .*"nobody-at-all".*\nend\n$/);
  });

  it("waits for a command that comes late", async () => {
    await using guest = await startGuest(program, undefined);
    const first = await firstChildren(guest);
    await guest.session.run(script("echo one"), MORE);
    await runnerAfter(guest, first);
    await guest.session.exec({ command: ["sleep", "0.1"] });
    await guest.session.run(script("echo two"));
    expect(guest.log.text()).toBe("one\ntwo\n");
  });

  it("lets a server that one command started serve the next ones, however much it prints", async () => {
    await using folder = await temporaryFolder();
    await using guest = await startGuest(program, undefined);
    const { session } = guest;
    const env = { F: folder.path };
    const serve = `while read -r word < $F/in; do head -c 3000000 /dev/zero; echo "hello $word" > $F/out; done`;
    const start = `mkfifo $F/in $F/out; (setsid sh -c '${serve}' & echo "pid $!")`;
    await expect(session.run(script(start, { env }), MORE)).resolves.toMatchObject({ success: true });
    const [, pid = ""] = /^pid (\d+)\n$/.exec(guest.log.text()) ?? [];
    for (const word of ["world", "again"]) {
      await expect(session.run(script(`echo ${word} > $F/in; cat $F/out`, { env }), MORE)).resolves.toMatchObject({
        success: true,
      });
    }
    expect(guest.log.text()).toBe(`pid ${pid}\nhello world\nhello again\n`);
    await expect(isRunning(pid)).resolves.toBe(true);
    await expect(session.killProcess({ graceMs: 5_000 })).resolves.toMatchObject({ left: 0 });
    await expect(isRunning(pid)).resolves.toBe(false);
  });

  // A sanitizer has memory of its own.
  it.runIf(variant === "release")("keeps next to no memory for commands that left something running", async () => {
    await using guest = await startGuest(program, undefined);
    for (let step = 1; step <= 4; step++) {
      await guest.session.run(script("seq 1 400000; sleep 1000 & true"), { more: step < 4 });
    }
    const [, poller] = await childrenOf(guest);
    const runners = (await childrenOf(guest)).filter((pid) => pid !== poller);
    expect(runners).toHaveLength(4);
    const sizes = runners.map(async (pid) => {
      const status = await readFile(`/proc/${pid}/status`, "utf8");
      return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1]);
    });
    expect(Math.max(...(await Promise.all(sizes)))).toBeLessThan(512);
  });

  it("starts relative paths in the folder of the latest command", async () => {
    await using folder = await temporaryFolder();
    await using guest = await startGuest(program, undefined);
    for (const name of ["a", "b", "c"]) {
      const cwd = join(folder.path, name);
      await mkdir(cwd);
      await guest.session.run(script(`echo ${name} > file`, { cwd }), MORE);
      const { stream } = await guest.session.getFile("file");
      expect((await buffer(stream)).toString()).toBe(`${name}\n`);
    }
  });

  it("ends what every command has left when it is killed in a later one", async () => {
    await using guest = await startGuest(program, undefined);
    const { session } = guest;
    await session.run(script("(setsid sh -c 'trap \"\" TERM; while :; do sleep 1000; done' & echo pid $!)"), MORE);
    await session.run(script("sleep 1000 & echo pid $!"), MORE);
    const third = session.run(script("trap '' TERM; echo pid $$; echo ready; while :; do sleep 1000; done"), MORE);
    await guest.log.has("ready\n");
    const result = await session.killProcess({ graceMs: 100 });
    expect(result.left).toBe(0);
    await expect(third).resolves.toEqual({ success: false, exitCode: 137, signal: "SIGKILL" });
    const pids = [...guest.log.text().matchAll(/^pid (\d+)$/gm)].map((match) => match[1] ?? "");
    await expect(Promise.all(pids.map(isRunning))).resolves.toEqual([false, false, false]);
  });

  it("lets a server say goodbye on its output when it is killed in a later command", async () => {
    await using folder = await temporaryFolder();
    await using guest = await startGuest(program, undefined);
    const farewell = `trap 'echo bye && echo done > ${folder.path}/farewell; exit' TERM`;
    await guest.session.run(script(`sh -c "${farewell}; while :; do sleep 0.05; done" &`), MORE);
    const second = guest.session.run(script("echo ready; exec sleep 1000"));
    await guest.log.has("ready\n");
    await guest.session.killProcess({ graceMs: 30_000 });
    await expect(second).resolves.toMatchObject({ signal: "SIGTERM" });
    await expect(readFile(join(folder.path, "farewell"), "utf8")).resolves.toBe("done\n");
  });

  it("starts none after it was killed between two", async () => {
    await using guest = await startGuest(program, undefined);
    const { session } = guest;
    await session.run(script("echo one; sleep 1000 &"), MORE);
    await expect(session.killProcess({ graceMs: 0 })).resolves.toMatchObject({ found: 1, left: 0 });
    const stopped = { success: false, exitCode: 143, error: expect.stringContaining("was stopped before") };
    await expect(session.run(script("echo never"), MORE)).resolves.toEqual(stopped);
    await expect(session.run(script("echo never"))).resolves.toEqual(stopped);
    expect(guest.log.text()).toMatch(/^one\n(boxcar: the task was stopped before its command was started\n){2}$/);
  });

  it("brings the log of all whole and in order when its connection is cut again and again", async () => {
    const steps = 5;
    const lines = 150_000;
    let passed = 0;
    let cuts = 0;
    let allowed = 0;
    await using guest = await startGuest(program, undefined, {
      via: (port, scope) =>
        startProxy(port, scope, (chunk, client, upstream) => {
          passed += chunk.length;
          if (passed < 500_000 || cuts >= allowed) return;
          passed = 0;
          cuts++;
          // Sometimes one side notices at once, sometimes bytes on the way are lost.
          if (cuts % 2 === 0) upstream.resetAndDestroy();
          else client.resetAndDestroy();
        }),
    });
    for (let step = 0; step < steps; step++) {
      const task = script(`seq ${step * lines + 1} ${(step + 1) * lines}`);
      allowed += 3;
      await expect(guest.session.run(task, { more: step < steps - 1 })).resolves.toMatchObject({ success: true });
      expect(guest.log.text() === sequence(1, (step + 1) * lines)).toBe(true);
    }
    expect(cuts).toBe(3 * steps);
  });

  it("gets its answers again where they were lost on the way", async () => {
    let dropped = 0;
    await using guest = await startGuest(program, undefined, {
      via: (port, scope) =>
        startProxy(port, scope, (chunk, client, upstream) => {
          // The host acts on the request and the guest never hears of it.
          if (!/^(PUT|GET \/engine\/v1\/execute)/.test(chunk.toString("latin1")) || dropped++ % 2 === 1) return;
          upstream.unpipe(client);
          upstream.once("data", () => client.resetAndDestroy()).resume();
        }),
    });
    for (let step = 1; step <= 3; step++) {
      const run = guest.session.run(script(`echo ${step}; exit ${step}`), { more: step < 3 });
      await expect(run).resolves.toMatchObject({ exitCode: step });
    }
    expect(guest.log.text()).toBe("1\n2\n3\n");
    expect(dropped).toBeGreaterThan(5);
  });

  it("reports the command as failed whose runner was killed, and runs the next", async () => {
    await using guest = await startGuest(program, undefined);
    const { session } = guest;
    await session.run(script("echo one"), MORE);
    await expect(session.run(script("seq 1 300000; kill -9 $PPID; exec sleep 1000"), MORE)).resolves.toEqual({
      success: false,
      exitCode: 1,
      error: "the part of the guest agent that ran the task was killed",
    });
    await expect(session.run(script("echo; echo three; seq 1 100000"))).resolves.toMatchObject({ success: true });
    const [before = "", after] = guest.log.text().split("\nthree\n");
    expect(`one\n${sequence(1, 300_000)}`.startsWith(before)).toBe(true);
    expect(after === sequence(1, 100_000)).toBe(true);
  });

  it("runs a command though the runner that waited for it was killed", async () => {
    await using guest = await startGuest(program, undefined);
    const known = await firstChildren(guest);
    process.kill(Number(known[0]), "SIGKILL");
    known.push(await runnerAfter(guest, known));
    await guest.session.run(script("echo one"), MORE);
    process.kill(Number(await runnerAfter(guest, known)), "SIGKILL");
    await guest.session.run(script("echo two"));
    expect(guest.log.text()).toBe("one\ntwo\n");
  });
});
