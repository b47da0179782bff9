import { describe, expect, it } from "vitest";
import type { MachineOverrides } from "../../../src/generated/machine.ts";
import { buildArguments } from "../../../src/vm/arguments.ts";
import { resolveMachine } from "../../../src/vm/limits.ts";
import { requireSupported } from "../../../src/vm/supported.ts";

const LIMITS = { maxMemory: 1_024, maxCPUs: 2, defaultThreads: 1 };

function machine(payload: MachineOverrides) {
  return resolveMachine({ payload }, LIMITS);
}

function args(payload: MachineOverrides = {}, direct = true, accelerator: "kvm" | "tcg" = "tcg"): string[] {
  return buildArguments(machine(payload), {
    accelerator,
    disk: {
      diskFile: "/state/disk.qcow2",
      format: "qcow2",
      directBoot: direct ? { kernel: "/i/kernel", initrd: "/i/initrd", cmdline: "console=ttyS0" } : undefined,
    },
    netdev: "stream,id=net0,server=off,addr.type=fd,addr.str=3",
    memory: { kind: "anonymous" },
    monitorFd: 4,
    wakeFd: 5,
    vncSocket: "/run/vnc",
    consoleFd: 6,
  });
}

/** The values of every `-device`. */
function devices(payload: MachineOverrides): string[] {
  const all = args(payload);
  return all.filter((_arg, index) => all[index - 1] === "-device");
}

describe("buildArguments", () => {
  it("builds the default machine", () => {
    expect(args().join(" ").replaceAll(" -", "\n-")).toMatchSnapshot();
  });

  it("builds a machine that boots from its disk, with everything else than the default", () => {
    const other: MachineOverrides = {
      chipset: "pc",
      network: "e1000",
      storage: "ide-hd",
      graphics: "virtio-vga",
      usb: "none",
      keyboard: "PS/2",
      mouse: "PS/2",
      tablet: "none",
      sound: "hda-duplex/intel-hda",
      os: "windows",
      cpu: "host",
    };
    expect(args(other, false, "kvm").join(" ").replaceAll(" -", "\n-")).toMatchSnapshot();
  });

  it("emulates the best CPU there is where the host's cannot be had", () => {
    expect(args({ cpu: "host" }, true, "tcg")).toContain("max");
    expect(args({ cpu: "host" }, true, "kvm")).toContain("host");
  });

  it("gives each device the same address whatever else is there", () => {
    const address = (list: string[], name: string) =>
      /addr=(\w+)/.exec(list.find((d) => d.startsWith(name)) ?? "")?.[1];
    const bare = devices({ graphics: "none", usb: "none", keyboard: "PS/2", mouse: "PS/2", tablet: "none" });
    const full = devices({ sound: "AC97" });
    for (const name of ["virtio-net-pci", "virtio-blk-pci", "virtio-rng-pci"]) {
      expect(address(bare, name)).toBe(address(full, name));
    }
  });

  it("puts a sound controller before the codec on it", () => {
    const list = devices({ sound: "hda-output/ich9-intel-hda" });
    const controller = list.findIndex((d) => d.startsWith("ich9-intel-hda"));
    expect(list[controller + 1]).toMatch(/^hda-output,bus=hda\.0/);
  });
});

describe("requireSupported", () => {
  it.each<[MachineOverrides, string]>([
    [{ chipset: "microvm" }, "chipset"],
    [{ firmware: "uefi" }, "firmware"],
    [{ tpm: true }, "tpm"],
    [{ usb: "none" }, "usb"],
    [{ usb: "piix3-usb-uhci" }, "usb"],
  ])("refuses %o and names the field", (payload, path) => {
    expect(() => requireSupported(machine(payload))).toThrow(
      expect.objectContaining({ code: "invalid-input", issues: [expect.objectContaining({ path })] }),
    );
  });

  it("takes a UHCI controller with no more devices than it has ports", () => {
    expect(() => requireSupported(machine({ usb: "piix3-usb-uhci", tablet: "none" }))).not.toThrow();
  });
});
