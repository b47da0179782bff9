import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuditEvent } from "../../../src/access/audit.ts";
import { AuditLog } from "../../../src/access/audit-log.ts";
import { LOCAL } from "../../../src/access/principal.ts";
import type { Logger } from "../../../src/base/log.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp("/tmp/bxa-");
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const event = (target: string): AuditEvent => ({ principal: LOCAL, action: "task.cancel", target, outcome: "ok" });
const targets = async (log: AuditLog, limit = 1_000, before?: string) =>
  (await log.read({ limit, ...(before === undefined ? {} : { before }) })).map(({ target }) => Number(target));
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

describe("the audit log", () => {
  it("keeps what it is told, the newest first, in a file of ours alone", async () => {
    const now = () => new Date("2026-01-01T10:00:00.000Z");
    await using log = await AuditLog.open({ directory, now });
    log.record({ ...event("task/T"), address: "192.0.2.1", details: { reason: "why", exit: 1 } });
    log.record({ principal: undefined, action: "login", outcome: "refused" });
    expect(await log.read({ limit: 10 })).toEqual([
      ...[{ id: expect.any(String), time: "2026-01-01T10:00:00.000Z", principal: "nobody", via: "none" }].map(
        (one) => ({
          ...one,
          action: "login",
          outcome: "refused",
        }),
      ),
      {
        ...{ id: expect.any(String), time: "2026-01-01T10:00:00.000Z", principal: "local", via: "socket" },
        ...{ action: "task.cancel", target: "task/T", address: "192.0.2.1", outcome: "ok" },
        details: { reason: "why", exit: 1 },
      },
    ]);
    expect((await stat(join(directory, "audit.jsonl"))).mode & 0o777).toBe(0o600);
  });

  it("is read in parts that lack nothing and repeat nothing, also of one moment", async () => {
    await using log = await AuditLog.open({ directory, now: () => new Date(0), maxFileBytes: 700 });
    for (const index of upTo(25)) {
      log.record(event(String(index)));
      if (index % 3 === 0) await log.read({ limit: 1 });
    }
    const seen: number[] = [];
    let before: string | undefined;
    for (;;) {
      const part = await log.read({ limit: 4, ...(before === undefined ? {} : { before }) });
      if (part.length === 0) break;
      seen.push(...part.map(({ target }) => Number(target)));
      before = part.at(-1)?.id;
    }
    expect(seen).toEqual(upTo(25).reverse());
  });

  it("is rotated, and forgets the oldest file", async () => {
    await using log = await AuditLog.open({ directory, maxFileBytes: 1_000, maxFiles: 3 });
    for (const index of upTo(50)) {
      log.record(event(String(index)));
      await log.read({ limit: 1 });
    }
    const files = (await readdir(directory)).sort();
    expect(files).toEqual(["audit.1.jsonl", "audit.2.jsonl", "audit.jsonl"]);
    for (const file of files) expect((await stat(join(directory, file))).size).toBeLessThanOrEqual(1_000);
    const kept = await targets(log);
    expect(kept.length).toBeGreaterThan(6);
    expect(kept).toEqual(upTo(50).reverse().slice(0, kept.length));
  });

  it("goes on with what is older than an entry that is there no more", async () => {
    let ms = 1_000;
    await using log = await AuditLog.open({ directory, now: () => new Date(ms++) });
    for (const index of upTo(3)) log.record(event(String(index)));
    const [newest] = await log.read({ limit: 1 });
    const path = join(directory, "audit.jsonl");
    const lines = (await readFile(path, "utf8")).split("\n");
    await writeFile(path, `${lines.slice(0, 2).join("\n")}\n`);
    expect(await targets(log, 10, newest?.id)).toEqual([1, 0]);
    expect(await targets(log, 10, "nonsense")).toEqual([]);
  });

  it("passes over what a crash has left of a line, and writes on a new one", async () => {
    await (async () => {
      await using log = await AuditLog.open({ directory });
      log.record(event("0"));
    })();
    await appendFile(join(directory, "audit.jsonl"), '{"id":"x","ti');
    await using log = await AuditLog.open({ directory });
    log.record(event("1"));
    expect(await targets(log)).toEqual([1, 0]);
  });

  it("takes lines of another process, which does not rotate", async () => {
    await using worker = await AuditLog.open({ directory, maxFileBytes: 500 });
    await using command = await AuditLog.open({ directory, maxFileBytes: 500, rotates: false });
    for (const index of upTo(10)) {
      command.record(event(String(index)));
      await command.read({ limit: 1 });
    }
    expect(await readdir(directory)).toEqual(["audit.jsonl"]);
    worker.record(event("10"));
    expect(await targets(worker)).toEqual(upTo(11).reverse());
    expect((await readdir(directory)).sort()).toEqual(["audit.1.jsonl", "audit.jsonl"]);
  });

  it("costs lines, and nothing else, where it cannot be written; and says how many", async () => {
    const said: string[] = [];
    const logger: Logger = { log: (level, message) => void said.push(`${level}: ${message}`) };
    await using log = await AuditLog.open({ directory, logger });
    // A folder in the place of the file, since root may write everywhere.
    const path = join(directory, "audit.jsonl");
    await mkdir(path);
    for (const index of upTo(5)) {
      log.record(event(String(index)));
      await log.read({ limit: 0 }).catch(() => []);
    }
    expect(said).toEqual([expect.stringMatching(/^error: the audit log cannot be written: /)]);
    await rm(path, { recursive: true });
    log.record(event("6"));
    expect(await log.read({ limit: 10 })).toMatchObject([
      { action: "audit.lost", details: { entries: 5 } },
      { target: "6" },
    ]);
    expect(said).toHaveLength(2);
  });

  it("cuts what is too long", async () => {
    await using log = await AuditLog.open({ directory });
    log.record({ ...event("x".repeat(100_000)), details: { text: "y".repeat(100_000) } });
    expect((await stat(join(directory, "audit.jsonl")).catch(() => undefined))?.size ?? 0).toBe(0);
    expect(await log.read({ limit: 1 })).toMatchObject([{ target: `${"x".repeat(300)}…` }]);
    expect((await stat(join(directory, "audit.jsonl"))).size).toBeLessThan(1_000);
  });
});
