import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { buildAgent, isRunning, LogCollector, sh, startGuest, startProxy, VARIANTS } from "./guest-harness.ts";

const LINES = 6_600_000;

/** What `seq 1 LINES` prints, about 50 MB in which every byte depends on its place. */
function hashOfSequence(): { sha256: string; sizeBytes: number } {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for (let start = 1; start <= LINES; start += 100_000) {
    const count = Math.min(100_000, LINES - start + 1);
    const block = Buffer.from(`${Array.from({ length: count }, (_, i) => start + i).join("\n")}\n`);
    hash.update(block);
    sizeBytes += block.length;
  }
  return { sha256: hash.digest("hex"), sizeBytes };
}

/** The most memory each process of the agent has had, in KiB; `pid` is the first of them. */
async function peakMemoryKiB(pid: number): Promise<number[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ");
  const peaks = [String(pid), ...children].map(async (each) => {
    const status = await readFile(`/proc/${each}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]);
  });
  return Promise.all(peaks);
}

describe.each(VARIANTS)("the log of the %s agent", (variant) => {
  let program: string;
  beforeAll(async () => {
    program = await buildAgent(variant);
  });

  it("brings 50 MB whole and in order, in bounded memory on both sides", async () => {
    const collector = new LogCollector({ keep: false });
    await using guest = await startGuest(program, sh(`seq 1 ${LINES}; sleep 1000 > /dev/null 2>&1 &`), { collector });
    await guest.session.resolved;
    const expected = hashOfSequence();
    expect({ sha256: collector.sha256(), sizeBytes: collector.sizeBytes }).toEqual(expected);
    expect(collector.maxBufferedBytes).toBeLessThan(1_024 * 1_024);
    // A sanitizer has shadow memory of its own.
    if (variant === "release") expect(Math.max(...(await peakMemoryKiB(guest.agent.pid)))).toBeLessThan(16 * 1_024);
  });

  it("comes line by line while the command runs", async () => {
    await using guest = await startGuest(program, sh("echo first; exec sleep 1000"));
    await guest.log.has("first\n");
    await guest.session.killProcess({ graceMs: 0 });
    await expect(guest.session.resolved).resolves.toMatchObject({ signal: "SIGKILL" });
  });

  it("holds the task back while the host takes its time, and then loses nothing", async () => {
    const collector = new LogCollector();
    const opened = Promise.withResolvers<void>();
    const first = Promise.withResolvers<void>();
    collector.beforeWrite = async () => {
      first.resolve();
      await opened.promise;
    };
    await using guest = await startGuest(program, { command: ["seq", "1", "2000000"] }, { collector });
    let ended = false;
    void guest.session.resolved.then(() => {
      ended = true;
    });
    await first.promise;
    // Meanwhile the guest still answers.
    await guest.session.exec({ command: ["sleep", "0.2"] });
    expect(ended).toBe(false);
    expect(collector.maxBufferedBytes).toBeLessThan(1_024 * 1_024);
    opened.resolve();
    await guest.session.resolved;
    const lines = collector.text().trimEnd().split("\n");
    expect(lines.length).toBe(2_000_000);
    expect(lines.every((line, i) => line === String(i + 1))).toBe(true);
  });

  it("loses and doubles nothing when its connection is cut again and again", async () => {
    const collector = new LogCollector();
    let passed = 0;
    let cuts = 0;
    await using guest = await startGuest(
      program,
      { command: ["seq", "1", "1000000"] },
      {
        collector,
        via: (port, scope) =>
          startProxy(port, scope, (chunk, client, upstream) => {
            passed += chunk.length;
            if (passed < 500_000 || cuts >= 8) return;
            passed = 0;
            cuts++;
            // Sometimes one side notices at once, sometimes bytes on the way are lost.
            if (cuts % 2 === 0) upstream.resetAndDestroy();
            else client.resetAndDestroy();
          }),
      },
    );
    await expect(guest.session.resolved).resolves.toEqual({ success: true, exitCode: 0 });
    expect(cuts).toBe(8);
    const lines = collector.text().trimEnd().split("\n");
    expect(lines.length).toBe(1_000_000);
    expect(lines.every((line, i) => line === String(i + 1))).toBe(true);
  });

  it("has arrived up to the last line when the guest dies", async () => {
    const collector = new LogCollector();
    await using guest = await startGuest(program, sh("echo the last words; exec sleep 1000"), { collector });
    await collector.has("the last words\n");
    await guest.agent[Symbol.asyncDispose]();
    expect(collector.text()).toBe("the last words\n");
  });

  it("is cut at its limit, and the task goes on", async () => {
    let limits = 0;
    await using guest = await startGuest(program, sh("seq 1 1000000; exit 4"), {
      maxLogBytes: 10,
      onLogLimit: () => limits++,
    });
    await expect(guest.session.resolved).resolves.toMatchObject({ exitCode: 4 });
    expect(guest.log.text()).toBe("1\n2\n3\n4\n5\n");
    expect(limits).toBe(1);
  });

  it("is cut off where its sink is gone, and the task goes on", async () => {
    const collector = new LogCollector();
    collector.destroy();
    await using guest = await startGuest(program, { command: ["seq", "1", "1000000"] }, { collector });
    await expect(guest.session.resolved).resolves.toMatchObject({ exitCode: 0 });
  });

  it("ends for a command whose background process never stops printing", async () => {
    await using guest = await startGuest(program, sh("yes > /dev/stdout & echo $!; echo end"), { maxLogBytes: 4_096 });
    await expect(guest.session.resolved).resolves.toMatchObject({ success: true });
    const pid = /^\d+/m.exec(guest.log.text())?.[0] ?? "";
    await expect(isRunning(pid)).resolves.toBe(true);
  });
});
