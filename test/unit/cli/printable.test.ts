import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { type CliContext, print, printJson } from "../../../src/cli/context.ts";
import { topView } from "../../../src/cli/operate/top-view.ts";
import { printable } from "../../../src/cli/printable.ts";
import { taskTable } from "../../../src/cli/queue/describe.ts";
import { createLogger } from "../../../src/cli/worker/logger.ts";

const NOW = new Date("2026-01-02T03:04:05.678Z");
/** Clears the screen, in two ways; sets the title of the window; turns text around. */
const NAME = "a\u001b[2Jb\u009b2Jc\u001b]0;title\u0007d\u202eexe.txt";
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there.
const ACTIVE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/;

function printed(say: (context: CliContext) => void): string {
  const stdout = new PassThrough();
  say({ stdout } as Partial<CliContext> as CliContext);
  return String(stdout.read());
}

describe("what others have written", () => {
  it("is text to a terminal, and nothing else", () => {
    expect(printable(NAME)).toBe("a?[2Jb?2Jc?]0;title?d?exe.txt");
    expect(printable("línea\n\tüber 👩‍👩‍👧 ‌می‌خواهم")).toBe("línea\n\tüber 👩‍👩‍👧 ‌می‌خواهم");
  });

  it("does nothing to it in lists, nor as JSON", () => {
    const task = {
      taskId: "a".repeat(22),
      queue: "default",
      state: "pending",
      priority: "medium",
      name: NAME,
    } as const;
    const list = taskTable([
      { ...task, created: NOW, deadline: NOW, expires: NOW, retriesLeft: 0, dependencies: [], runs: [] },
    ]);
    expect(printed((context) => print(context, list))).not.toMatch(ACTIVE);
    const json = printed((context) => printJson(context, { name: NAME }));
    expect(json).not.toMatch(ACTIVE);
    expect(JSON.parse(json)).toEqual({ name: NAME });
  });

  it("does nothing to it in the log of a worker", () => {
    const stream = new PassThrough();
    createLogger(stream, "text").log("warn", `GET /${NAME} failed`, { name: NAME, other: "\u009b" });
    expect(String(stream.read())).not.toMatch(ACTIVE);
  });

  it("does nothing to it in what is shown again and again", () => {
    const status = {
      state: "paused",
      why: NAME,
      queue: "q",
      startedAt: NOW.toISOString(),
      capacity: 1,
      running: [],
    } as const;
    const worker = { workerId: NAME, self: true, alive: true, queue: "q", version: "1", seenAt: NOW.toISOString() };
    const workers = [{ ...worker, status: { ...status, running: [], finished: { total: 0, byEnd: {} } } }];
    expect(topView({ workers, machines: [] }, NOW, { columns: 200, rows: 50 })).not.toMatch(ACTIVE);
  });
});
