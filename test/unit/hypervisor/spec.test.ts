import { describe, expect, it } from "vitest";
import { MACHINE_DEFAULTS } from "../../../src/generated/machine-defaults.ts";
import { hardwareOf } from "../../../src/hypervisor/qemu/plan.ts";
import { buildRecord, hostnameOf } from "../../../src/hypervisor/spec.ts";
import { resolveMachine } from "../../../src/vm/limits.ts";

const limits = { maxMemory: 4_096, maxCPUs: 4, defaultThreads: 1 };
const facts = {
  ...{ id: "0123456789ab", backend: "qemu", digest: `sha256:${"a".repeat(64)}`, runParent: "/run/v" },
  now: new Date("2026-11-21T12:00:00Z"),
};

describe("the record of a new machine", () => {
  it("has every field of the hardware decided, so that later configurations do not change it", () => {
    const machine = resolveMachine({ payload: { memory: 512, cores: 2 } }, limits);
    const record = buildRecord({ name: "web", image: "debian" }, { ...facts, machine });
    expect(record).toMatchObject({
      state: "creating",
      starts: 0,
      network: "isolated",
      runDirectory: "/run/v/0123456789ab",
    });
    expect(Object.keys(record.machine)).toEqual(expect.arrayContaining(Object.keys(MACHINE_DEFAULTS)));
    expect(hardwareOf(record)).toEqual(machine);
  });

  it("has no user-data: there may be secrets in it", () => {
    const machine = resolveMachine({ payload: { cloudInit: { userData: "#cloud-config\npassword: secret" } } }, limits);
    const record = buildRecord({ image: "debian" }, { ...facts, machine });
    expect(JSON.stringify(record)).not.toContain("secret");
    expect(record.machine.cloudInit).toEqual({ source: "disk" });
    expect(hardwareOf(record, "later").cloudInit).toEqual({ source: "disk", userData: "later" });
  });

  it("is refused where something of it is out of bounds", () => {
    const machine = resolveMachine({}, limits);
    const bad = { image: "debian", disks: [{ name: "Data", sizeBytes: 1 }], directBoot: { kernel: "relative" } };
    expect(() => buildRecord(bad, { ...facts, machine })).toThrow(
      /disks\[0\].name[\s\S]*kernel|kernel[\s\S]*disks\[0\].name/,
    );
  });

  it("has a hostname that is one, whatever the machine is called", () => {
    expect(["web", "Web_1.x", "-", "a".repeat(63), "_.x._"].map(hostnameOf)).toEqual([
      ...["web", "web-1-x", "boxcar", "a".repeat(63), "x"],
    ]);
  });
});
