import { once } from "node:events";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TerminationNotice } from "../../../src/host/termination-notice.ts";

/** So that nothing happens but by the watch on the folder. */
const NEVER_MS = 1_000_000;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-notice-"));
});

afterEach(() => rm(directory, { recursive: true }));

/** So that nobody sees the file without its content. */
async function putWhole(file: string, content: string): Promise<void> {
  await writeFile(`${file}.part`, content);
  await rename(`${file}.part`, file);
}

function given(notice: TerminationNotice): Promise<unknown> {
  return notice.signal.aborted ? Promise.resolve() : once(notice.signal, "abort");
}

/** Resolves with the first complaint. */
function complaints() {
  const first = Promise.withResolvers<string>();
  const all: string[] = [];
  const logger = {
    log: (_level: string, message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      all.push(`${message}: ${fields["why"]}`);
      first.resolve(all[0] ?? "");
    },
  };
  return { logger, first: first.promise, all };
}

describe("a notice by a file", () => {
  it("is given as soon as the file appears, with its first line", async () => {
    const file = join(directory, "terminate");
    await using notice = TerminationNotice.watch({ file, everyMs: NEVER_MS });
    expect(notice.reason).toBeUndefined();
    await putWhole(file, "at 12:00\nor so\n");
    await given(notice);
    expect(notice.reason).toBe("at 12:00");
  });

  it("is given if the file is there already, whatever it is", async () => {
    const file = join(directory, "terminate");
    await mkdir(file);
    await using notice = TerminationNotice.watch({ file, everyMs: NEVER_MS });
    await given(notice);
    expect(notice.reason).toBe(`${file} is there`);
  });

  it("is found by looking where the folder is not there yet", async () => {
    const file = join(directory, "later/terminate");
    await using notice = TerminationNotice.watch({ file, everyMs: 10 });
    await mkdir(join(directory, "later"));
    await writeFile(file, "");
    await given(notice);
    expect(notice.reason).toContain("is there");
  });
});

describe("a notice by a command", () => {
  it("is given when the command exits with 0, with the first line it prints", async () => {
    const file = join(directory, "flag");
    const command = ["sh", "-c", `cat ${file}`];
    await using notice = TerminationNotice.watch({ command, everyMs: 10 });
    await putWhole(file, "\nterminate in 2 minutes\nbye\n");
    await given(notice);
    expect(notice.reason).toBe("terminate in 2 minutes");
  });

  it("is not given by a program that is missing, hangs or is killed: that is logged, once", async () => {
    const commands = [["no-such-program-at-all"], ["sleep", "600"], ["sh", "-c", "kill -9 $$"]];
    for (const command of commands) {
      const { logger, first, all } = complaints();
      await using notice = TerminationNotice.watch({ command, everyMs: 5, commandTimeoutMs: 100, logger });
      expect(await first).toContain(command[0]);
      expect(all).toHaveLength(1);
      expect(notice.signal.aborted).toBe(false);
    }
  });

  it("ends with the watch, at once", async () => {
    const notice = TerminationNotice.watch({ command: ["sleep", "600"], everyMs: NEVER_MS });
    await notice[Symbol.asyncDispose]();
    expect(notice.signal.aborted).toBe(false);
  });
});

it("is never given where nothing is set", async () => {
  await using notice = TerminationNotice.watch({ everyMs: 1 });
  notice.check();
  expect(notice.signal.aborted).toBe(false);
});
