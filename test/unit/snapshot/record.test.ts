import { describe, expect, it } from "vitest";
import type { MachineSnapshot } from "../../../src/generated/machine-snapshot.ts";
import { judgeEntry, judgeManifest } from "../../../src/snapshot/archive/format.ts";
import { formatRecord } from "../../../src/snapshot/format-record.ts";
import { parseRecord } from "../../../src/snapshot/record.ts";
import { recordedMachine, resolvedMachine } from "../../../src/snapshot/restore-machine.ts";
import { requireSameHost } from "../../../src/snapshot/same-host.ts";
import { resolveMachine } from "../../../src/vm/limits.ts";
import { recordOf } from "./saved.ts";

const OPTIONS = { subject: "The record", blame: "host" } as const;
const ID = "0123456789ab";
const parse = (record: object) => parseRecord(JSON.stringify(record), OPTIONS);
const files = (...names: string[]) => names.map((name) => ({ name, bytes: 1 }));

describe("the record of a saved machine", () => {
  it("is read as it was written", () => {
    expect(parseRecord(formatRecord(recordOf(ID)), OPTIONS)).toEqual(recordOf(ID));
  });

  it.each<[string, Partial<MachineSnapshot>]>([
    ["no state", { files: files("memory", "disk.0.qcow2") }],
    ["a layer that is missing", { layers: 2 }],
    ["a layer too many", { files: files("memory", "state", "disk.0.qcow2", "disk.1.qcow2") }],
    ["a file twice", { files: files("memory", "memory", "state", "disk.0.qcow2") }],
    ["a further disk without its file", { dataDisks: [{ slot: 0, format: "raw", sizeBytes: 1 }] }],
    ["no sizes", { machine: { version: 2 } }],
    ["a source of another kind", { kind: "failed" }],
    ["an id that is a path", { id: "../../../etc" }],
  ])("is refused with %s", (_name, change) => {
    expect(() => parse(recordOf(ID, change))).toThrow(expect.objectContaining({ code: "invalid-input" }));
  });

  it("has the machine with all that was decided", () => {
    const limits = { maxMemory: 1_024, maxCPUs: 2, defaultThreads: 1 };
    const image = {
      version: 2,
      boot: { kernel: "kernel", cmdline: "quiet" },
      cloudInit: { source: "nocloud", hostname: "one" },
      flags: ["+avx"],
    } as const;
    const machine = resolveMachine({ image: { ...image, flags: [...image.flags] } }, limits);
    expect(resolvedMachine(parse(recordOf(ID, { machine: recordedMachine(machine) })).machine)).toEqual(machine);
  });

  it("goes on only where the guest finds what it had", () => {
    const here = { accelerator: "tcg", qemu: "7.2", cpu: "one" } as const;
    requireSameHost(recordOf(ID), here);
    requireSameHost(recordOf(ID), { ...here, cpu: "another" });
    expect(() => requireSameHost(recordOf(ID), { ...here, qemu: "9.0" })).toThrow(/in "7\.2", and here is "9\.0"/);
    expect(() => requireSameHost(recordOf(ID), { ...here, accelerator: "kvm" })).toThrow(/with tcg/);
    const kvm = { ...here, accelerator: "kvm", cpu: "another" } as const;
    expect(() => requireSameHost(recordOf(ID, { accelerator: "kvm" }), kvm)).toThrow(/processor/);
  });
});

describe("the manifest of an archive", () => {
  const limits = { maxFileBytes: 2 * 1_048_576 };

  it("names as much memory as its machine has, and no file that is too large", () => {
    judgeManifest(recordOf(ID), limits);
    expect(() => judgeManifest(recordOf(ID, { files: files("memory") }), limits)).toThrow(/1 bytes of memory/);
    expect(() => judgeManifest(recordOf(ID), { maxFileBytes: 1_000 })).toThrow(/at most/);
  });

  it("comes before all other files, which are what it says", () => {
    const entry = { name: "state", kind: "file", realBytes: 1, storedBytes: 1 } as const;
    const record = recordOf(ID);
    judgeEntry(entry, record, new Set(), limits);
    for (const [change, seen] of [
      [{ name: "evil" }, []],
      [{ kind: "link" }, []],
      [{ realBytes: 2 }, []],
      [{ storedBytes: 2 ** 40 }, []],
      [{}, ["state"]],
    ] as const) {
      expect(() => judgeEntry({ ...entry, ...change }, record, new Set(seen), limits)).toThrow(/no snapshot/);
    }
    expect(() => judgeEntry(entry, undefined, new Set(), limits)).toThrow(/begins with "state"/);
  });
});
