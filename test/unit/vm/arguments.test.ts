import { describe, expect, it } from "vitest";
import type { MachineOverrides } from "../../../src/generated/machine.ts";
import { type ArgumentContext, buildArguments } from "../../../src/vm/arguments.ts";
import { resolveMachine } from "../../../src/vm/limits.ts";
import { mtuOf } from "../../../src/vm/network-mtu.ts";

const LIMITS = { maxMemory: 1_024, maxCPUs: 2, defaultThreads: 1 };

function machine(payload: MachineOverrides) {
  return resolveMachine({ payload }, LIMITS);
}

function args(
  payload: MachineOverrides = {},
  direct = true,
  accelerator: "kvm" | "tcg" = "tcg",
  context: Partial<ArgumentContext> = {},
): string[] {
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
    ...context,
  });
}

/** The values of every `-device`. */
function devices(payload: MachineOverrides): string[] {
  const all = args(payload);
  return all.filter((_arg, index) => all[index - 1] === "-device");
}

describe("buildArguments", () => {
  it("gives no machine a balloon that does not ask for one", () => {
    for (const chipset of ["q35", "pc", "microvm"] as const)
      expect(args({ chipset }).join(" ")).not.toContain("balloon");
  });

  it("adds nothing but the balloon to a machine that asks for one", () => {
    const added = (chipset: "q35" | "pc" | "microvm") => {
      const plain = args({ chipset });
      const more = args({ chipset, balloon: true });
      const at = more.findIndex((arg, index) => arg !== plain[index]);
      expect(more.toSpliced(at, 1).toSpliced(at - 1, 1)).toEqual(plain);
      return more[at];
    };
    expect(added("q35")).toBe("virtio-balloon-pci,free-page-reporting=on,deflate-on-oom=on,addr=0x7");
    expect(added("pc")).toBe(added("q35"));
    expect(added("microvm")).toBe(
      "virtio-balloon-device,free-page-reporting=on,deflate-on-oom=on,bus=virtio-mmio-bus.0",
    );
  });

  it("never maps a file as the memory of a machine with a balloon, which would punch holes into what others share", () => {
    const files = [
      { kind: "shared", memoryFile: "/memory" },
      { kind: "resumed", memoryFile: "/memory", stateFile: "/state" },
    ] as const;
    for (const memory of files) {
      expect(args({}, true, "tcg", { memory }).join(" ")).toContain("memory-backend-file");
      expect(() => args({ balloon: true }, true, "tcg", { memory })).toThrow(RangeError);
    }
    expect(args({ balloon: true }).join(" ")).not.toContain("memory-backend-file");
  });

  it("maps memory of its own so that it is in the file, and waits for a state where there is one", () => {
    const line = (stateFile?: string) =>
      args({ balloon: true }, true, "tcg", {
        memory: { kind: "own", memoryFile: "/m/memory", stateFile },
      }).join(" ");
    expect(line()).toContain("mem-path=/m/memory,share=on");
    expect(line()).not.toContain("-incoming");
    expect(line("/s/state")).toBe(line().replace("share=on", "share=on -incoming defer"));
  });

  it.each(["q35", "pc", "microvm"] as const)("gives each place for a disk on %s an address of its own", (chipset) => {
    const diskSlots = chipset === "microvm" ? 3 : 8;
    const machine = { chipset, sound: chipset === "microvm" ? "none" : "AC97", balloon: true } as const;
    const line = args(machine, true, "tcg", { diskSlots });
    const devices = line.filter((_arg, index) => line[index - 1] === "-device");
    expect(devices.filter((device) => device.includes("serial=boxcar-cache-"))).toHaveLength(diskSlots);
    const places = devices.flatMap((device) => /(?:addr|bus=virtio-mmio-bus)[=.](.*)$/.exec(device)?.[1] ?? []);
    expect(new Set(places).size).toBe(places.length);
  });

  it("adds nothing but the places to a machine that has some", () => {
    const context = { diskSlots: 2 };
    const more = args({}, true, "tcg", context);
    const added = more.filter((arg) => /empty|boxcar-cache/.test(arg));
    expect(added).toHaveLength(4);
    expect(more.length - args().length).toBe(8);
  });

  it("tells a guest with virtio how large its packets may be; other cards carry the usual ones", () => {
    for (const chipset of ["q35", "pc", "microvm"] as const) {
      expect(devices({ chipset }).filter((device) => device.includes("host_mtu=15360"))).toHaveLength(1);
      expect(mtuOf(machine({ chipset }))).toBe(15_360);
    }
    for (const network of ["e1000", "e1000e", "rtl8139"] as const) {
      expect(devices({ network }).join(" ")).not.toContain("host_mtu");
      expect(mtuOf(machine({ network }))).toBe(1_500);
    }
  });

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

  it("builds a board without PCI, where virtio devices sit on transports of their own", () => {
    expect(args({ chipset: "microvm" }).join(" ").replaceAll(" -", "\n-")).toMatchSnapshot();
  });

  it("tells a kernel on an emulated microvm how fast its clock runs", () => {
    const cmdline = (chipset: "microvm" | "q35", accelerator: "kvm" | "tcg") => {
      const list = args({ chipset }, true, accelerator, { clockRate: 2_596_122 });
      return list[list.indexOf("-append") + 1];
    };
    expect(cmdline("microvm", "tcg")).toBe("console=ttyS0 tsc_early_khz=2596122");
    expect(cmdline("microvm", "kvm")).toBe("console=ttyS0");
    expect(cmdline("q35", "tcg")).toBe("console=ttyS0");
  });

  it("gives a machine its own variables of UEFI, which with secure boot only the firmware may write", () => {
    const firmware = { codeFile: "/ovmf/code.fd", variablesFile: "/state/a,b.fd" };
    const uefi = args({ firmware: "uefi" }, true, "tcg", { firmware }).join(" ");
    expect(uefi).toContain("unit=0,format=raw,readonly=on,file=/ovmf/code.fd");
    expect(uefi).toContain("unit=1,format=raw,cache=unsafe,file=/state/a,,b.fd");
    expect(uefi).not.toMatch(/secure|smm/);
    const secure = args({ firmware: "uefi-secure" }, true, "tcg", { firmware }).join(" ");
    expect(secure).toMatch(/-machine q35,\S*smm=on.* -global driver=cfi\.pflash01,property=secure,value=on/);
  });

  it("connects a TPM to the socket on which it answers", () => {
    const list = args({ tpm: true }, true, "tcg", { tpmFd: 7 });
    expect(list).toContain("socket,id=tpm,fd=7");
    expect(list).toContain("tpm-crb,tpmdev=tpm0");
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
