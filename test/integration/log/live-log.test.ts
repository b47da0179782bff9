import { once } from "node:events";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { LogFolder, lines, NOON, say, textOf, untilRead } from "./log-folder.ts";

describe("LiveLog", () => {
  it("has in its file what was appended, in order, when it is flushed", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    for (let i = 0; i < 5_000; i++) say(log, `${i}\n`);
    await log.flush();
    const text = Array.from({ length: 5_000 }, (_, i) => `${i}\n`).join("");
    await expect(readFile(log.path, "utf8")).resolves.toBe(text);
    expect(log.sizeBytes).toBe(text.length);
  });

  it("has the worker's lines on lines of their own", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    say(log, "half a");
    log.append(Buffer.from("[boxcar] note\n"), "worker");
    say(log, " line\n");
    log.append(Buffer.from("[boxcar] note\n"), "worker");
    await log.close();
    await expect(readFile(log.path, "utf8")).resolves.toBe("half a\n[boxcar] note\n line\n[boxcar] note\n");
  });

  it("takes the place of no other file", async () => {
    await using folder = await LogFolder.open();
    await writeFile(join(folder.path, "task.log"), "kept");
    await expect(folder.createLog()).rejects.toThrow("EEXIST");
  });

  it("tells who appends to wait, and when not to any more", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    const chunk = Buffer.alloc(256 * 1_024, "x");
    let taken = 0;
    while (log.append(chunk, "guest")) taken++;
    expect(taken).toBeLessThan(16);
    await log.drained();
    expect(log.append(Buffer.from("x"), "guest")).toBe(true);
  });

  it("says that it has reached its limit, and still has the worker's last lines", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog({ maxBytes: 4_000 });
    for (let i = 0; i < 100; i++) say(log, lines(i, 1).repeat(2));
    log.append(Buffer.from("[boxcar] over\n"), "worker");
    await log.close();
    const text = await readFile(log.path, "utf8");
    expect(text.length).toBeLessThan(4_000);
    expect(text).toMatch(/\n\[boxcar 12:00:00.000\] the log has reached its limit of 4000 bytes.*\n\[boxcar\] over\n$/);
    expect(text.match(/reached its limit/g)).toHaveLength(1);
    expect(log.droppedBytes).toBeGreaterThan(2_000);
  });

  it("never grows above its limit, whoever writes", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog({ maxBytes: 1_000 });
    for (let i = 0; i < 100; i++) {
      say(log, lines(i, 1));
      log.append(Buffer.from(`[boxcar] note ${i}\n`), "worker");
    }
    await log.close();
    expect(log.sizeBytes).toBeLessThanOrEqual(1_000);
    expect((await readFile(log.path)).length).toBe(log.sizeBytes);
  });

  it("is read from any place, while it is written and after", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    say(log, "0123456789");
    await log.flush();
    const expectReads = async () => {
      await expect(textOf(log.read())).resolves.toBe("0123456789");
      await expect(textOf(log.read({ from: 4 }))).resolves.toBe("456789");
      await expect(textOf(log.read({ from: 10 }))).resolves.toBe("");
      await expect(textOf(log.read({ from: -3 }))).resolves.toBe("789");
      await expect(textOf(log.read({ from: -30 }))).resolves.toBe("0123456789");
      expect(() => log.read({ from: 11 })).toThrow("the log has 10 bytes, and cannot be read from byte 11 on");
    };
    await expectReads();
    await log.close();
    await expectReads();
    await expect(textOf(log.read({ from: 4, follow: true }))).resolves.toBe("456789");
  });

  it("is followed from any place, across its end", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    say(log, "before\n");
    await log.flush();
    const readers = [0, 3, 7, -2].map((from) => textOf(log.read({ from, follow: true })));
    for (let i = 0; i < 100; i++) {
      say(log, `${i}\n`);
      await log.flush();
    }
    await log.close();
    const whole = `before\n${Array.from({ length: 100 }, (_, i) => `${i}\n`).join("")}`;
    await expect(Promise.all(readers)).resolves.toEqual([whole, whole.slice(3), whole.slice(7), whole.slice(5)]);
  });

  it("brings a line to who follows as soon as it is written", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    const reader = log.read({ follow: true });
    const iterator = reader[Symbol.asyncIterator]();
    for (const line of ["one\n", "two\n", "three\n"]) {
      const next = iterator.next();
      say(log, line);
      await expect(next).resolves.toMatchObject({ value: Buffer.from(line) });
    }
    expect(log.ended).toBe(false);
    reader.destroy();
  });

  it("has many readers, of which the slow ones hold nobody up and hold little", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    const slow = Array.from({ length: 100 }, () => log.read({ follow: true }));
    say(log, "first\n");
    await Promise.all(slow.map((reader) => once(reader, "readable")));
    const fast = Array.from({ length: 10 }, () => textOf(log.read({ follow: true })));
    let whole = "first\n";
    for (let i = 0; i < 200; i++) {
      const block = lines(i * 1_000, 1_000);
      whole += block;
      if (!say(log, block)) await log.drained();
    }
    await log.close();
    for (const text of await Promise.all(fast)) expect(text === whole).toBe(true);
    for (const reader of slow) expect(reader.readableLength).toBeLessThanOrEqual(128 * 1_024);
    for (const text of await Promise.all(slow.slice(0, 10).map(textOf))) expect(text === whole).toBe(true);
    for (const reader of slow) reader.destroy();
  });

  it("lets go of a reader that is not interested any more", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    say(log, "line\n");
    const stop = new AbortController();
    const reader = log.read({ follow: true, signal: stop.signal });
    reader.resume();
    await once(reader, "data");
    const failed = once(reader, "error");
    stop.abort();
    await expect(failed).resolves.toMatchObject([{ name: "AbortError" }]);
    say(log, "more\n");
    await log.flush();
    expect(log.waiting.size).toBe(0);
  });

  it("is read to its end by who has begun, also when its file has been moved away", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    say(log, lines(0, 10_000));
    await log.flush();
    const reader = log.read({ follow: true });
    await once(reader, "readable");
    await log.close();
    await rename(log.path, join(folder.path, "moved"));
    expect((await textOf(reader)) === lines(0, 10_000)).toBe(true);
  });

  it("can be read by another process while it is written", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    const tail = execa("tail", ["-c", "+1", "-f", log.path], { reject: false, buffer: false });
    say(log, "one\n");
    await untilRead(tail.stdout, "one\n");
    say(log, "two\n");
    await untilRead(execa("tail", ["-c", "+1", "-f", log.path], { reject: false, buffer: false }).stdout, "two\n");
    tail.kill();
    await tail;
  });

  it("has lost nothing that was flushed when its process is killed", async () => {
    await using folder = await LogFolder.open();
    const path = join(folder.path, "killed.log");
    const module = join(import.meta.dirname, "../../../src/log/live-log.ts");
    const script = `
      import { LiveLog } from ${JSON.stringify(module)};
      const log = await LiveLog.create({ path: ${JSON.stringify(path)} });
      log.append(Buffer.from("the last words\\n"), "guest");
      await log.flush();
      process.kill(process.pid, "SIGKILL");`;
    const killed = await execa(process.execPath, ["--input-type=module", "-e", script], { reject: false });
    expect(killed.signal).toBe("SIGKILL");
    await expect(readFile(path, "utf8")).resolves.toBe("the last words\n");
  });

  // A disk that is full is a small one of its own, and only root can make it.
  describe.skipIf(process.getuid?.() !== 0)("on a disk that is full", () => {
    it("goes on, and says what is missing where it is missing when there is space again", async () => {
      await using disk = await SmallDisk.mount();
      const log = await disk.folder.createLog({ now: NOON });
      await writeFile(join(disk.folder.path, "filler"), Buffer.alloc(disk.sizeBytes - 64 * 1_024));
      const block = Buffer.from(lines(0, 1_000));
      for (let i = 0; i < 8; i++) if (!log.append(block, "guest")) await log.drained();
      await log.flush();
      expect(log.lostBytes).toBeGreaterThan(0);
      await rm(join(disk.folder.path, "filler"));
      say(log, "there is space again\n");
      await log.close();
      const text = await readFile(log.path, "utf8");
      const [, missing] =
        /\n\[boxcar 12:00:00.000\] (\d+) bytes of the log are missing here: the disk of the host is full\nthere is space again\n$/.exec(
          text,
        ) ?? [];
      expect(Number(missing)).toBe(log.lostBytes);
      const kept = text.indexOf("[boxcar");
      expect(block.length * 8 - log.lostBytes).toBeGreaterThanOrEqual(kept - 1);
      expect(text.slice(0, 10_000)).toBe(block.toString().slice(0, 10_000));
    });

    it("says at the end what is missing, and that there is no space for that", async () => {
      await using disk = await SmallDisk.mount();
      const log = await disk.folder.createLog();
      await writeFile(join(disk.folder.path, "filler"), Buffer.alloc(disk.sizeBytes)).catch(() => {});
      say(log, "lost\n");
      await log.close();
      expect(log).toMatchObject({ ended: true, sizeBytes: 0, lostBytes: 5 });

      await rm(log.path);
      const other = await disk.folder.createLog();
      say(other, "lost too\n");
      await other.flush();
      await rm(join(disk.folder.path, "filler"));
      await other.close();
      await expect(readFile(other.path, "utf8")).resolves.toMatch(/^\[boxcar .*\] 9 bytes of the log are missing here/);
    });
  });
});

class SmallDisk implements AsyncDisposable {
  readonly sizeBytes = 1_024 * 1_024;
  readonly folder: LogFolder;
  readonly #parent: LogFolder;

  private constructor(parent: LogFolder, folder: LogFolder) {
    this.#parent = parent;
    this.folder = folder;
  }

  static async mount(): Promise<SmallDisk> {
    const parent = await LogFolder.open();
    await execa("mount", ["-t", "tmpfs", "-o", "size=1m", "none", parent.path]);
    return new SmallDisk(parent, await LogFolder.open(parent.path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.folder[Symbol.asyncDispose]();
    await execa("umount", [this.#parent.path]);
    await this.#parent[Symbol.asyncDispose]();
  }
}
