import { PassThrough, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { TaskLog } from "../../../src/log/task-log.ts";

/** Takes what it is given, and never says that it has. */
class StuckTarget extends Writable {
  constructor() {
    super({ highWaterMark: 1 });
  }

  override _write(): void {}
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
});
