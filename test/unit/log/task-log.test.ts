import { PassThrough, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import type { LogOrigin, LogTarget } from "../../../src/log/log-target.ts";
import { SecretMask } from "../../../src/log/mask/secret-mask.ts";
import { TaskLog } from "../../../src/log/task-log.ts";

/** Takes what it is given, and never says that it has. */
class StuckTarget extends Writable {
  constructor() {
    super({ highWaterMark: 1 });
  }

  override _write(): void {}
}

/** Remembers who said what, and is full until it is drained. */
class Recorder implements LogTarget {
  readonly said: string[] = [];
  full = false;
  readonly #drained = Promise.withResolvers<void>();

  append(bytes: Buffer, origin: LogOrigin): boolean {
    this.said.push(`${origin}: ${bytes.toString()}`);
    return !this.full;
  }

  drained(): Promise<void> {
    return this.#drained.promise;
  }

  drain(): void {
    this.full = false;
    this.#drained.resolve();
  }
}

const NOON = () => new Date("2024-01-01T12:00:00Z");

function logTo(target: Writable, other: Writable): TaskLog {
  return new TaskLog(
    [target, other].map((stream) => ({ guest: stream, worker: stream })),
    { now: NOON },
  );
}

describe("a task's log", () => {
  it("has all the guest said before the worker's last line, however slow another target is", async () => {
    const file = new PassThrough();
    const log = logTo(new StuckTarget(), file);
    for (const line of ["one\n", "two\n", "three"]) log.write(line);
    await log.flush();
    log.note("over");
    expect(String(file.read())).toBe("one\ntwo\nthree\n[boxcar 12:00:00.000] over\n");
  });

  it("is flushed when nothing is left to write, and when a target has broken", async () => {
    const file = new PassThrough();
    const broken = new StuckTarget();
    const log = logTo(broken, file);
    log.write("one\n");
    broken.destroy(new Error("closed"));
    await log.flush();
    await log.flush();
    log.note("over");
    expect(String(file.read())).toBe("one\n[boxcar 12:00:00.000] over\n");
  });

  it("takes no more from the guest while a target is full", async () => {
    const [full, other] = [new Recorder(), new Recorder()];
    const log = new TaskLog([full, other], { now: NOON });
    full.full = true;
    log.write("one\n");
    log.write("two\n");
    expect([full.said, other.said]).toEqual([["guest: one\n"], ["guest: one\n"]]);
    log.note("meanwhile");
    expect(other.said.at(-1)).toBe("worker: [boxcar 12:00:00.000] meanwhile\n");
    full.drain();
    await log.flush();
    expect(full.said.at(-1)).toBe("guest: two\n");
  });

  it("masks secrets in what the guest says, also around a note, and in notes", async () => {
    const target = new Recorder();
    const mask = SecretMask.build([{ name: "TOKEN", value: "password-1" }]);
    const log = new TaskLog([target], { now: NOON, mask });
    log.write("my pass");
    log.note("running login password-1");
    log.write("word-1 and pass");
    await log.flush();
    expect(target.said).toEqual([
      "guest: my ",
      "worker: [boxcar 12:00:00.000] running login [secret TOKEN]\n",
      "guest: [secret TOKEN]",
      "guest:  and ",
      "guest: pass",
    ]);
  });
});
