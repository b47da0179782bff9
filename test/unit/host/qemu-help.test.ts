import { describe, expect, it } from "vitest";
import {
  parseBoards,
  parseCpuFlags,
  parseCpuModels,
  parseDataDirectories,
  parseDevices,
  parseFirmwareDescriptor,
} from "../../../src/host/qemu-help.ts";

describe("what QEMU says about itself", () => {
  it("has boards", () => {
    const help =
      "Supported machines are:\nmicrovm              microvm (i386)\npc                   Standard PC (alias of pc-7.2)\n";
    expect(parseBoards(help)).toEqual(["microvm", "pc"]);
  });

  it("has devices", () => {
    const help =
      'Network devices:\nname "e1000", bus PCI, alias "e1000-82540em", desc "Intel"\n\nMisc devices:\nname "vmgenid"\n';
    expect(parseDevices(help)).toEqual(["e1000", "vmgenid"]);
  });

  it.each([
    [
      "7.2",
      "Available CPUs:\nx86 486                   (alias)\nx86 max                   all\n\nRecognized CPUID flags:\n  3dnow abm\n",
    ],
    [
      "9",
      "Available CPUs:\n  486                   (alias)\n  max                   all\n\nRecognized CPUID flags:\n  3dnow abm\n",
    ],
  ])("has CPU models, as version %s writes them", (_version, help) => {
    expect(parseCpuModels(help)).toEqual(["486", "max"]);
  });

  it("has CPU features that are on or off", () => {
    const help =
      "max-x86_64-cpu options:\n  avx2=<bool>\n  level=<uint32>         -  (default: 1)\n  pmu=<bool>             -  on\n";
    expect(parseCpuFlags(help)).toEqual(["avx2", "pmu"]);
  });

  it("has folders", () => {
    expect(parseDataDirectories("/usr/bin/../share/qemu\n/usr/share/seabios\n")).toHaveLength(2);
  });
});

describe("the description of a firmware", () => {
  const descriptor = {
    "interface-types": ["uefi"],
    mapping: {
      device: "flash",
      executable: { filename: "/code.fd", format: "raw" },
      "nvram-template": { filename: "/vars.fd", format: "raw" },
    },
    targets: [{ architecture: "x86_64", machines: ["pc-q35-*"] }],
    features: ["secure-boot"],
  };
  const parse = (change: object) => parseFirmwareDescriptor(JSON.stringify({ ...descriptor, ...change }));

  it("names its files, its boards and what it does", () => {
    expect(parse({})).toEqual({
      code: "/code.fd",
      variables: "/vars.fd",
      boards: ["pc-q35-*"],
      features: ["secure-boot"],
    });
  });

  it.each<[string, object]>([
    ["a BIOS", { "interface-types": ["bios"] }],
    ["another architecture", { targets: [{ architecture: "aarch64", machines: ["virt-*"] }] }],
    ["a firmware without variables", { mapping: { executable: { filename: "/code.fd", format: "raw" } } }],
    ["nothing at all", { mapping: undefined, targets: undefined, "interface-types": undefined }],
  ])("is of no use for %s", (_name, change) => {
    expect(parse(change)).toBeUndefined();
  });
});
