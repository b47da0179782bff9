import { describe, expect, it } from "vitest";
import { freeCapacity } from "../../../src/worker/capacity.ts";

const GIB = 1_073_741_824;
const options = { capacity: 4, maxMemoryMiB: 2_048, reserve: { memoryMiB: 512, diskBytes: 5 * GIB } };
const plenty = { memoryMiB: 65_536, diskBytes: 100 * GIB };
const idle = { tasks: 0, untouchedMemoryMiB: 0 };

describe("what a worker may claim", () => {
  it("is what it is allowed to run at once, less what runs", () => {
    expect(freeCapacity(options, plenty, idle)).toEqual({ count: 4, short: undefined });
    expect(freeCapacity(options, plenty, { ...idle, tasks: 3 }).count).toBe(1);
    expect(freeCapacity(options, plenty, { ...idle, tasks: 5 })).toEqual({ count: 0, short: undefined });
  });

  it("is as many machines as fit into the free memory, and it says what it is short of", () => {
    const { count, short } = freeCapacity(options, { ...plenty, memoryMiB: 5_000 }, idle);
    expect(count).toBe(2);
    expect(short).toMatch(/5000 MiB of memory are free, 512 are to stay free/);
  });

  it("leaves room for what the machines that run have not taken yet", () => {
    const room = { ...plenty, memoryMiB: 5_000 };
    expect(freeCapacity(options, room, { tasks: 1, untouchedMemoryMiB: 2_000 }).count).toBe(1);
    expect(freeCapacity(options, room, { tasks: 2, untouchedMemoryMiB: 4_096 }).count).toBe(0);
  });

  it("is nothing where the disk is nearly full", () => {
    const { count, short } = freeCapacity(options, { ...plenty, diskBytes: 4 * GIB }, idle);
    expect(count).toBe(0);
    expect(short).toContain("4.0 GiB are free on the disk of the machines, and 5.0 GiB are to stay free");
  });
});
