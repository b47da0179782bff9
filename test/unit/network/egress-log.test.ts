import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EgressEntry } from "../../../src/network/egress/egress-entry.ts";
import { EgressLog } from "../../../src/network/egress/egress-log.ts";
import { isVirtualAddress, VirtualAddresses } from "../../../src/network/egress/virtual-addresses.ts";

const REFUSED: EgressEntry = {
  kind: "connect",
  decision: "refused",
  addresses: ["10.0.0.1"],
  port: 22,
  reason: "not public",
};
const ALLOWED: EgressEntry = {
  kind: "connect",
  decision: "allowed",
  name: "a.example",
  port: 80,
  bytesIn: 5,
  bytesOut: 7,
};
const BEGAN = new Date("2026-01-02T03:04:05.678Z");

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-egress-"));
  path = join(directory, "egress.jsonl");
});

afterEach(() => rm(directory, { recursive: true }));

async function lines(): Promise<Record<string, unknown>[]> {
  const text = await readFile(path, "utf8");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("the egress log", () => {
  it("has a line for every connection that was made", async () => {
    await using log = new EgressLog({ path });
    log.note(ALLOWED, BEGAN);
    log.note(ALLOWED, BEGAN);
    await log.flush();
    expect(await lines()).toEqual(Array(2).fill({ time: "2026-01-02T03:04:05.678Z", ...ALLOWED }));
    expect(log.latest()).toHaveLength(2);
    expect(log.counts).toEqual({ asked: 2, allowed: 2, refused: 0, failed: 0, leftOut: 0 });
  });

  it("merges equal refusals and questions, and counts them all", async () => {
    await using log = new EgressLog({ path });
    for (let i = 0; i < 5_000; i++) log.note(REFUSED, BEGAN);
    log.note({ ...REFUSED, count: 10 }, BEGAN);
    log.note({ ...REFUSED, port: 23 }, BEGAN);
    log.note({ kind: "dns", decision: "allowed", name: "a.example", addresses: ["8.8.8.8"] }, BEGAN);
    log.note({ kind: "dns", decision: "allowed", name: "a.example", addresses: ["8.8.8.8"] }, BEGAN);
    await log.flush();
    expect((await lines()).map(({ kind, port, count }) => [kind, port, count])).toEqual([
      ["connect", 22, 5_010],
      ["connect", 23, undefined],
      ["dns", undefined, 2],
    ]);
    expect(log.counts).toMatchObject({ asked: 5_013, refused: 5_011, allowed: 2, leftOut: 0 });
  });

  it("merges different refusals too when there are very many", async () => {
    await using log = new EgressLog({ path });
    for (let port = 1; port <= 5_000; port++) log.note({ ...REFUSED, port }, BEGAN);
    await log.flush();
    const written = await lines();
    expect(written).toHaveLength(101);
    expect(written.at(-1)).toMatchObject({
      kind: "connect",
      decision: "refused",
      reason: "too many different ones",
      count: 4_900,
    });
  });

  it("stays within its size, and says how many are left out", async () => {
    const log = new EgressLog({ path, maxBytes: 1_000 });
    for (let i = 0; i < 100; i++) log.note(ALLOWED, BEGAN);
    await log.flush();
    const before = await lines();
    log.note(ALLOWED, BEGAN);
    await log[Symbol.asyncDispose]();
    await log[Symbol.asyncDispose]();
    const after = await lines();
    expect((await readFile(path)).length).toBeLessThan(1_000 + 100);
    expect(before.length).toBeGreaterThan(3);
    expect(after).toEqual([...before, { time: expect.any(String), leftOut: 101 - before.length }]);
    expect(log.counts).toMatchObject({ asked: 101, leftOut: 101 - before.length });
  });

  it("bounds what is a guest's", async () => {
    await using log = new EgressLog({ path });
    const addresses = Array(1_000).fill("8.8.8.8");
    log.note({ ...ALLOWED, name: "x".repeat(100_000), reason: "y".repeat(100_000), addresses }, BEGAN);
    await log.flush();
    expect((await readFile(path)).length).toBeLessThan(2_000);
  });

  it("makes no file for nothing, and only counts without one", async () => {
    await new EgressLog({ path })[Symbol.asyncDispose]();
    await expect(readFile(path)).rejects.toThrow("ENOENT");
    await using log = new EgressLog();
    log.note(ALLOWED);
    await log.flush();
    expect(log.counts).toMatchObject({ asked: 1, leftOut: 0 });
    expect(log.latest()).toMatchObject([ALLOWED]);
  });

  it("keeps the latest in memory only", async () => {
    await using log = new EgressLog();
    for (let port = 1; port <= 1_000; port++) log.note({ ...ALLOWED, port });
    expect(log.latest().map(({ port }) => port)).toEqual(Array.from({ length: 200 }, (_, index) => 801 + index));
  });

  it("goes on when it cannot be written, and says so", async () => {
    await writeFile(path, "");
    await using log = new EgressLog({ path: join(path, "below-a-file") });
    log.note(ALLOWED);
    await log.flush();
    expect(log.failure).toMatchObject({ code: "ENOTDIR" });
    expect(log.counts).toMatchObject({ asked: 1, leftOut: 1 });
  });
});

describe("virtual addresses", () => {
  it("stand for one name each, for good", () => {
    const virtual = new VirtualAddresses();
    const first = virtual.addressOf("a.example");
    const second = virtual.addressOf("b.example");
    expect(first).not.toBe(second);
    expect(virtual.addressOf("a.example")).toBe(first);
    expect([first, second].map((address) => virtual.nameOf(address as number))).toEqual(["a.example", "b.example"]);
    expect(virtual.nameOf((second as number) + 1)).toBeUndefined();
  });

  it("are limited in number, and in their own range", () => {
    const virtual = new VirtualAddresses();
    const addresses = Array.from({ length: 5_000 }, (_, index) => virtual.addressOf(`n${index}.example`));
    const given = addresses.filter((address) => address !== undefined);
    expect(new Set(given).size).toBe(4_096);
    expect(given.every(isVirtualAddress)).toBe(true);
    expect(virtual.addressOf("n0.example")).toBe(given[0]);
    expect(isVirtualAddress(0xc611ffff)).toBe(false);
    expect(isVirtualAddress(0xc6140000)).toBe(false);
  });
});
