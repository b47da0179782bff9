import { expect, it } from "vitest";
import { requireCount, requireDisk, requireMemory } from "../../../src/hypervisor/limits.ts";
import type { VmState } from "../../../src/hypervisor/states.ts";
import { draftRecord } from "./records.ts";

const GIB = 1_024 ** 3;
const holder = { pid: 1, startTime: 1, bootId: "x" };

function entry(id: string, memory: number, state: VmState, isHeld: boolean) {
  const record = { ...draftRecord({ id, state }), machine: { version: 2 as const, memory } };
  return { record, holder: isHeld ? holder : undefined };
}

it("names the limit that another machine would exceed, and what to do", () => {
  expect(() => requireCount(2, { max: 3 })).not.toThrow();
  expect(() => requireCount(1_000, {})).not.toThrow();
  expect(() => requireCount(3, { max: 3 })).toThrow(
    'at most 3 machines may be there (vms.max of the configuration), there are 3; remove one ("boxcar vm rm"), or raise the limit',
  );
});

it("counts the memory of machines that run or are being started, and of no others", () => {
  const all = [
    entry("000000000001", 512, "running", true),
    entry("000000000002", 512, "created", true),
    // Its supervisor was killed.
    entry("000000000003", 4_096, "running", false),
    entry("000000000004", 4_096, "stopped", false),
    entry("000000000005", 4_096, "creating", true),
  ];
  const { record } = entry("000000000006", 256, "created", false);
  expect(() => requireMemory(all, record, { maxMemory: 1_280 })).not.toThrow();
  expect(() => requireMemory(all, { ...record, name: "dev" }, { maxMemory: 1_279 })).toThrow(
    /1279 MiB together \(vms\.maxMemory of the configuration\), 1024 MiB are taken, and dev has 256; stop one/,
  );
  const [first] = all;
  expect(() => requireMemory(all, first?.record ?? record, { maxMemory: 1_024 })).not.toThrow();
});

it("counts what files take, and what is to be copied", () => {
  expect(() => requireDisk(GIB, GIB, { maxDiskBytes: 2 * GIB })).not.toThrow();
  expect(() => requireDisk(GIB, GIB + 1, { maxDiskBytes: 2 * GIB })).toThrow(
    /2.0 GiB \(vms\.maxDiskGiB of the configuration\), 1.0 GiB are taken, and the new one needs 1.0 GiB/,
  );
});
