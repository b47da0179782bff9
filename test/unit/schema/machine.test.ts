import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseMachine } from "../../../src/schema/machine.ts";
import { readSchema } from "../../../src/schema/schema-files.ts";

const options = { subject: "machine.json", blame: "image" } as const;

function fixture(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`../../fixtures/machines/${name}.json`, import.meta.url), "utf8"));
}

const OLD_UUID = "52bab607-10f1-4049-a0f8-ee4725cb715b";

describe("machine.json, version 2", () => {
  it("is returned as it is, with nothing filled in", () => {
    expect(parseMachine(fixture("v2-full"), options)).toEqual(fixture("v2-full"));
    expect(parseMachine({ version: 2 }, options)).toEqual({ version: 2 });
  });

  it("may name the chipset by its old name", () => {
    expect(parseMachine({ version: 2, chipset: "pc-i440fx-2.8" }, options).chipset).toBe("pc");
  });

  it.each([
    ["an unknown key", { disks: 2 }, "disks: is not a known key"],
    ["no memory", { memory: 0 }, "machine.json has 1 issue:\n  memory: must be at least 1"],
    ["more than 1 TiB", { memory: 1_048_577 }, "must be at most 1048576"],
    ["256 cores", { cores: 256 }, "must be at most 255"],
    ["a global MAC address", { mac: "00:54:1a:30:5c:de" }, "local unicast"],
    ["a multicast MAC address", { mac: "a3:54:1a:30:5c:de" }, "local unicast"],
    ["a UUID in upper case", { uuid: OLD_UUID.toUpperCase() }, "RFC 4122"],
    ["options smuggled into the CPU", { cpu: "host,kvm=off" }, "name of a CPU model"],
    ["a flag without a sign", { flags: ["avx2"] }, "flags[0]: must be a CPU feature with its sign"],
    ["options smuggled into a flag", { flags: ["+avx2,-sse"] }, "flags[0]"],
    ["a kernel outside the archive", { boot: { kernel: "../vmlinuz" } }, "boot.kernel: must be a plain file name"],
    ["a directory as kernel", { boot: { kernel: ".." } }, "boot.kernel"],
    ["a command line of two lines", { boot: { kernel: "kernel", cmdline: "a\nb" } }, "boot.cmdline: must be one line"],
    ["an initrd without a kernel", { boot: { initrd: "initrd" } }, "boot.kernel: is missing"],
    ["an unknown layout", { keyboardLayout: "xx" }, "keyboardLayout: must be one of ar, da"],
  ])("is refused with %s", (_what, fields, message) => {
    expect(() => parseMachine({ version: 2, ...fields }, options)).toThrow(message);
  });

  it("knows the 33 keyboard layouts", () => {
    expect(readSchema("machine").$defs?.["keyboardLayout"]?.["enum"]).toHaveLength(33);
  });
});

describe("machine.json, version 1", () => {
  it("becomes version 2 with all it said but the sizes of the display memory", () => {
    const { vgaMemory: _a, graphicsRam: _b, graphicsVRam: _c, ...kept } = fixture("v1-full");
    expect(parseMachine(fixture("v1-full"), options)).toEqual({ ...kept, version: 2, chipset: "pc" });
  });

  it("keeps the hardware that old images take for granted", () => {
    expect(parseMachine(fixture("v1-minimal"), options)).toEqual({
      version: 2,
      uuid: OLD_UUID,
      chipset: "pc",
      network: "e1000",
    });
  });

  it("is refused with fields of version 2", () => {
    expect(() => parseMachine({ version: 1, firmware: "uefi" }, options)).toThrow("firmware: is not a known key");
    expect(() => parseMachine({ version: 1, storage: "nvme" }, options)).toThrow("storage: must be one of");
  });
});

describe("machine.json from before versions", () => {
  it("becomes version 2", () => {
    expect(parseMachine(fixture("v0-minimal"), options)).toEqual({
      version: 2,
      uuid: "c4b1a8f2-5f7e-4d36-9a0c-6b0f5b7a1e2d",
      chipset: "pc",
      network: "e1000",
      mac: "aa:54:1a:30:5c:de",
      keyboardLayout: "en-us",
    });
  });

  it("keeps CPUs, memory, network card and sound", () => {
    expect(parseMachine(fixture("v0-full"), options)).toMatchObject({
      memory: 1_024,
      threads: 1,
      cores: 2,
      sockets: 1,
      network: "rtl8139",
      sound: "hda-duplex/intel-hda",
    });
  });

  it("has sound cards on the bus, and codecs behind a controller", () => {
    const withSound = (device: string, controller: string) => ({
      ...fixture("v0-minimal"),
      sound: { device, controller },
    });
    expect(parseMachine(withSound("AC97", "pci"), options).sound).toBe("AC97");
    expect(() => parseMachine(withSound("AC97", "intel-hda"), options)).toThrow('must be "pci" for AC97');
    expect(() => parseMachine(withSound("hda-micro", "pci"), options)).toThrow('"intel-hda" or "ich9-intel-hda"');
  });

  it("is refused where its shape is that of no version", () => {
    expect(() => parseMachine({ network: "e1000", keyboard: { layout: "en-us" } }, options)).toThrow(
      'network: must be an object, not "e1000"',
    );
  });

  it("gets the old UUID if it has none", () => {
    const { uuid: _uuid, ...machine } = fixture("v0-minimal");
    expect(parseMachine(machine, options).uuid).toBe(OLD_UUID);
  });
});

it.each([[0], [3], ["2"], [null]])("refuses version %j", (version) => {
  expect(() => parseMachine({ version }, options)).toThrow("version: must be 2");
});

it.each([[null], [[]], ["machine"], [7]])("refuses %j, which is no machine", (data) => {
  expect(() => parseMachine(data, options)).toThrow("must be an object");
});
