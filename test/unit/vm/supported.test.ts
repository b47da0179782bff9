import { describe, expect, it } from "vitest";
import type { MachineOverrides } from "../../../src/generated/machine.ts";
import type { QemuCapabilities } from "../../../src/host/qemu-capabilities.ts";
import { resolveMachine } from "../../../src/vm/limits.ts";
import { type BootSource, findIssues } from "../../../src/vm/supported.ts";

const LIMITS = { maxMemory: 1_024, maxCPUs: 2, defaultThreads: 1 };

/** Has what the default machine, a microvm and an old PC need. */
const QEMU: QemuCapabilities = {
  boards: ["pc", "q35", "microvm"],
  devices: [
    ...["virtio-net-pci", "virtio-net-device", "virtio-blk-pci", "virtio-blk-device", "e1000", "ide-hd"],
    ...["VGA", "qemu-xhci", "piix3-usb-uhci", "usb-kbd", "usb-mouse", "usb-tablet", "AC97", "intel-hda", "tpm-crb"],
    ...["virtio-balloon-pci", "virtio-balloon-device"],
  ],
  cpuModels: ["host", "max", "Haswell", "Haswell-v2"],
  cpuFlags: ["avx2", "sse4-1", "vmx"],
  keymaps: ["de", "en-us"],
  firmware: [
    { code: "/s.fd", variables: "/sv.fd", boards: ["pc-q35-*"], features: ["requires-smm", "secure-boot"] },
    {
      code: "/e.fd",
      variables: "/ev.fd",
      boards: ["pc-q35-*"],
      features: ["enrolled-keys", "requires-smm", "secure-boot"],
    },
    { code: "/u.fd", variables: "/uv.fd", boards: ["pc-i440fx-*", "pc-q35-*"], features: ["acpi-s3"] },
  ],
  tpm: true,
};

function lackingBalloons(): string[] {
  return QEMU.devices.filter((name) => !name.includes("balloon"));
}

function issues(payload: MachineOverrides, source: BootSource = "bzimage", qemu: Partial<QemuCapabilities> = {}) {
  return findIssues(resolveMachine({ payload }, LIMITS), source, { ...QEMU, ...qemu });
}

describe("a machine is refused before it starts", () => {
  it.each<[MachineOverrides, BootSource, Partial<QemuCapabilities>, string, RegExp]>([
    [{ chipset: "microvm" }, "elf", { boards: ["pc", "q35"] }, "chipset", /no board microvm; it has q35, pc$/],
    [{ chipset: "microvm" }, "disk", {}, "chipset", /starts no disk/],
    [{ chipset: "microvm", storage: "nvme" }, "elf", {}, "storage", /no PCI bus for nvme; use virtio-blk-pci$/],
    [{ chipset: "microvm", network: "e1000" }, "elf", {}, "network", /no PCI bus for e1000; use virtio-net-pci$/],
    [{ chipset: "microvm", graphics: "VGA" }, "elf", {}, "graphics", /use none$/],
    [{ chipset: "microvm", usb: "qemu-xhci" }, "elf", {}, "usb", /use none$/],
    [{ chipset: "microvm", sound: "AC97" }, "elf", {}, "sound", /use none$/],
    [{ chipset: "microvm", firmware: "uefi" }, "elf", {}, "firmware", /use bios/],
    [{ chipset: "microvm", cloudInit: {} }, "elf", {}, "cloudInit", /use q35$/],
    [{ chipset: "microvm", tpm: true }, "elf", {}, "tpm", /use q35/],
    [{ firmware: "uefi" }, "elf", {}, "firmware", /ELF file; use bios/],
    [{ firmware: "uefi" }, "disk", { firmware: [] }, "firmware", /package ovmf/],
    [{ firmware: "uefi-secure", chipset: "pc" }, "disk", {}, "firmware", /q35/],
    [{ tpm: true }, "elf", {}, "tpm", /image that has a kernel/],
    [{ tpm: true }, "disk", { tpm: false }, "tpm", /package swtpm/],
    [{ balloon: true }, "elf", { devices: lackingBalloons() }, "balloon", /no device virtio-balloon-pci; leave/],
    [
      { balloon: true, chipset: "microvm" },
      "elf",
      { devices: lackingBalloons() },
      "balloon",
      /no device virtio-balloon-device; leave/,
    ],
    [{ cpu: "help" }, "elf", {}, "cpu", /no CPU model "help"; "-cpu help" lists the 4 it has/],
    [{ cpu: "haswel" }, "elf", {}, "cpu", /did you mean "Haswell"\?/],
    [{ flags: ["+avx2", "-avx22"] }, "elf", {}, "flags", /no CPU feature "avx22"; did you mean "avx2"\?/],
    [{ graphics: "qxl-vga" }, "elf", {}, "graphics", /no device qxl-vga; it has none, VGA$/],
    [{ sound: "hda-duplex/intel-hda" }, "elf", {}, "sound", /no device hda-duplex\/intel-hda; it has none, AC97$/],
    [{ keyboardLayout: "nl-be" }, "elf", {}, "keyboardLayout", /no keyboard layout nl-be; it has de, en-us$/],
    [{ usb: "none", keyboard: "usb-kbd" }, "elf", {}, "usb", /no place for usb-kbd/],
    [{ usb: "piix3-usb-uhci", mouse: "usb-mouse" }, "elf", {}, "usb", /2 ports/],
  ])("%o that starts %s, with %o", (payload, source, qemu, path, message) => {
    expect(issues(payload, source, qemu)).toEqual([{ path, message: expect.stringMatching(message) }]);
  });

  it("with everything that is wrong at once", () => {
    const found = issues({ cpu: "no", keyboardLayout: "nl-be", network: "rtl8139" });
    expect(found.map(({ path }) => path)).toEqual(["cpu", "network", "keyboardLayout"]);
  });
});

describe("a machine is taken", () => {
  it.each<[MachineOverrides, BootSource]>([
    [{}, "elf"],
    [{}, "disk"],
    [{ chipset: "microvm" }, "elf"],
    [{ firmware: "uefi" }, "disk"],
    [{ firmware: "uefi", chipset: "pc" }, "bzimage"],
    [{ firmware: "uefi-secure", tpm: true }, "disk"],
    [{ tpm: true }, "disk"],
    [{ tpm: true, firmware: "uefi" }, "bzimage"],
    [{ usb: "piix3-usb-uhci" }, "elf"],
    [{ usb: "none" }, "elf"],
    [{ balloon: true }, "elf"],
    [{ balloon: true, chipset: "microvm" }, "elf"],
    [{ flags: ["+sse4_1", "-vmx"] }, "elf"],
    [{ graphics: "none", keyboardLayout: "nl-be" }, "elf"],
  ])("%o that starts %s", (payload, source) => {
    expect(issues(payload, source)).toEqual([]);
  });
});
