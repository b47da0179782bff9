import { describe, expect, it } from "vitest";
import type { MachineOverrides } from "../../../src/generated/machine.ts";
import { type ArgumentContext, buildArguments } from "../../../src/vm/arguments.ts";
import { type Cdrom, findCdromIssues } from "../../../src/vm/cdroms.ts";
import { chooseDiskSlots } from "../../../src/vm/data-disks.ts";
import { resolveMachine } from "../../../src/vm/limits.ts";

const BOARD: Cdrom = { file: "/isos/one,two.iso", drive: "board" };
const VIRTIO: Cdrom = { file: "/seed", drive: "virtio" };

function args(machine: MachineOverrides, context: Partial<ArgumentContext> = {}): string[] {
  return buildArguments(resolveMachine({ payload: machine }, { maxMemory: 512, maxCPUs: 1, defaultThreads: 1 }), {
    accelerator: "tcg",
    disk: { diskFile: "/disk", format: "raw", directBoot: undefined },
    netdev: "user,id=net0",
    memory: { kind: "anonymous" },
    monitorFd: 4,
    wakeFd: 5,
    consoleFd: 6,
    vncSocket: "/vnc",
    ...context,
  });
}

/** What CDs add to the arguments. */
function added(machine: MachineOverrides, context: Partial<ArgumentContext>): string[] {
  const plain = args(machine);
  const more = args(machine, context);
  const at = more.findIndex((arg, index) => arg !== plain[index]);
  const count = more.length - plain.length;
  expect(more.toSpliced(at, count)).toEqual(plain);
  return more.slice(at, at + count);
}

describe("CDs of a machine", () => {
  it("are drives of the board, each in its place, beside a disk on the same controller", () => {
    const drive = "if=none,id=cd0,media=cdrom,file=/isos/one,,two.iso,format=raw,readonly=on";
    expect(added({ chipset: "q35", storage: "ide-hd" }, { cdroms: [BOARD, BOARD] })).toEqual([
      ...["-drive", drive, "-device", "ide-cd,bus=ide.1,drive=cd0"],
      ...["-drive", drive.replace("cd0", "cd1"), "-device", "ide-cd,bus=ide.2,drive=cd1"],
    ]);
    const pc = added({ chipset: "pc", storage: "ide-hd" }, { cdroms: [BOARD, BOARD] });
    expect(pc[3]).toBe("ide-cd,bus=ide.1,unit=0,drive=cd0");
    expect(pc[7]).toBe("ide-cd,bus=ide.1,unit=1,drive=cd1");
  });

  it("are read-only disks where the kernel may know no drives", () => {
    expect(added({ chipset: "q35" }, { cdroms: [VIRTIO] })).toEqual([
      ...["-drive", "if=none,id=read-only0,file=/seed,format=raw,readonly=on"],
      ...["-device", "virtio-blk-pci,drive=read-only0,addr=0x12"],
    ]);
    expect(added({ chipset: "microvm" }, { cdroms: [VIRTIO] })[3]).toBe(
      "virtio-blk-device,drive=read-only0,bus=virtio-mmio-bus.7",
    );
  });

  it.each(["q35", "pc"] as const)("are booted from on %s only if asked to, and then before the disk", (chipset) => {
    const indexes = (context: Partial<ArgumentContext>) =>
      args({ chipset }, context).flatMap((arg) => /^(ide-cd|virtio-blk).*bootindex=(\d)/.exec(arg)?.slice(1, 3) ?? []);
    expect(indexes({ cdroms: [BOARD, BOARD] })).toEqual(["virtio-blk", "1"]);
    expect(indexes({ cdroms: [BOARD, BOARD], bootFrom: "cdrom" })).toEqual(["virtio-blk", "1", "ide-cd", "0"]);
  });

  it.each<[string, Parameters<typeof findCdromIssues>]>([
    ["microvm has no CD drives; use q35", [{ chipset: "microvm" }, [BOARD]]],
    ["pc has 2 CD drives, and 3 are needed", [{ chipset: "pc" }, [BOARD, BOARD, BOARD]]],
    ["microvm has room for 1 read-only disks, and 2 are needed", [{ chipset: "microvm" }, [VIRTIO, VIRTIO]]],
    ["there is no CD drive to boot from", [{ chipset: "q35" }, [VIRTIO], "cdrom"]],
  ])("are refused: %s", (message, question) => {
    expect(findCdromIssues(...question)).toEqual([{ path: "chipset", message }]);
    const [machine, cdroms, bootFrom] = question;
    expect(() => args(machine, { cdroms, bootFrom })).toThrow(message);
  });

  it("never take the place of a data disk", () => {
    for (const chipset of ["q35", "microvm"] as const) {
      const diskSlots = chooseDiskSlots({ chipset }, chipset === "q35" ? 8 : 2, [VIRTIO]);
      const devices = args({ chipset }, { cdroms: [VIRTIO], diskSlots }).filter((arg) => arg.startsWith("virtio-"));
      const places = devices.flatMap((device) => /(?:addr|virtio-mmio-bus)[=.](.*)$/.exec(device)?.[1] ?? []);
      expect(new Set(places).size).toBe(places.length);
    }
    expect(() => chooseDiskSlots({ chipset: "microvm" }, 3, [VIRTIO])).toThrow("room for 2 disks");
  });
});
