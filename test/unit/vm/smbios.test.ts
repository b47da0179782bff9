import { describe, expect, it } from "vitest";
import { buildArguments } from "../../../src/vm/arguments.ts";
import { resolveMachine } from "../../../src/vm/limits.ts";
import { smbiosTables, systemUuid } from "../../../src/vm/smbios.ts";

const uuid = "52bab607-10f1-4049-a0f8-ee4725cb715b";
const limits = { maxMemory: 1_024, maxCPUs: 1, defaultThreads: 1 };

function machineWith(source: "disk" | "nocloud" | "ec2" | "openstack" | undefined) {
  const cloudInit = source && { source };
  return resolveMachine({ image: { version: 2, uuid, ...(cloudInit && { cloudInit }) } }, limits);
}

describe("what firmware says of a machine", () => {
  it("is nothing where nobody looks for it", () => {
    expect(smbiosTables(machineWith(undefined))).toEqual([]);
    expect(smbiosTables(machineWith("disk"))).toEqual([]);
  });

  it("tells NoCloud its URL by the serial number, which holds 64 characters", () => {
    const [table = ""] = smbiosTables(machineWith("nocloud"));
    expect(table).toBe("type=1,serial=ds=nocloud-net;s=http://169.254.169.254/cloud-init/");
    expect(table.slice("type=1,serial=".length).length).toBeLessThanOrEqual(64);
  });

  it("is that of EC2 where UUID and serial number are the same and begin with ec2", () => {
    const machine = machineWith("ec2");
    expect(systemUuid(machine)).toBe("ec2ab607-10f1-4049-a0f8-ee4725cb715b");
    expect(smbiosTables(machine)).toEqual([`type=1,serial=${systemUuid(machine)}`]);
  });

  it("names the product by which OpenStack is known", () => {
    expect(smbiosTables(machineWith("openstack"))).toEqual([expect.stringContaining("product=OpenStack Nova")]);
    expect(systemUuid(machineWith("openstack"))).toBe(uuid);
  });

  it("is on the command line of QEMU", () => {
    const args = buildArguments(machineWith("ec2"), {
      accelerator: "tcg",
      disk: { diskFile: "/disk", format: "qcow2", directBoot: undefined },
      memory: { kind: "anonymous" },
      ...{ netdev: "x", monitorFd: 3, wakeFd: 4, consoleFd: 5, vncSocket: "/vnc" },
    });
    expect(args[args.indexOf("-uuid") + 1]).toMatch(/^ec2/);
    expect(args[args.indexOf("-smbios") + 1]).toMatch(/^type=1,serial=ec2/);
  });
});
