/** Every value that the schema allows starts a real QEMU, or is refused with a sentence before. */
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { MachineOverrides } from "../../../src/generated/machine.ts";
import { FIRST_SOCKET_FD, HostProcess } from "../../../src/host/process.ts";
import { findCapabilities, type QemuCapabilities } from "../../../src/host/qemu-capabilities.ts";
import { QmpClient } from "../../../src/qmp/client.ts";
import { readSchema } from "../../../src/schema/schema-files.ts";
import { buildArguments } from "../../../src/vm/arguments.ts";
import { chooseFirmware, prepareFirmware } from "../../../src/vm/firmware.ts";
import { type ResolvedMachine, resolveMachine } from "../../../src/vm/limits.ts";
import { type BootSource, findIssues } from "../../../src/vm/supported.ts";
import { SoftwareTpm } from "../../../src/vm/tpm.ts";

const QEMU = "qemu-system-x86_64";
const LIMITS = { maxMemory: 64, maxCPUs: 2, defaultThreads: 1 };
const DISK_BYTES = 1_048_576;

/** What a value cannot be had without. */
const WITH: Readonly<Record<string, MachineOverrides>> = {
  "PS/2": { usb: "none" },
  "uefi-secure": { chipset: "q35" },
};

/** Of fields that are no enumeration. */
const EXAMPLES: readonly MachineOverrides[] = [
  ...["host", "max", "qemu64", "Nehalem", "Haswell", "EPYC", "NoSuchModel", "help"].map((cpu) => ({ cpu })),
  ...[["+avx2", "-vmx"], ["+sse4_1"], ["+nosuch"]].map((flags) => ({ flags })),
  ...[true, false].map((tpm) => ({ tpm })),
  ...(["q35", "pc", "microvm"] as const).map((chipset) => ({ chipset, balloon: true })),
  { balloon: false },
  { usb: "piix3-usb-uhci", keyboard: "usb-kbd", mouse: "usb-mouse", tablet: "usb-tablet" },
  { usb: "none", tablet: "usb-tablet" },
  { firmware: "uefi-secure", tpm: true },
  { firmware: "uefi", chipset: "pc" },
];

function enumerated(): MachineOverrides[] {
  const { properties = {}, $defs = {} } = readSchema("machine");
  return Object.entries(properties).flatMap(([field, { $ref }]) => {
    const values = ($defs[$ref?.split("/").at(-1) ?? ""]?.["enum"] ?? []) as string[];
    return values.map((value): MachineOverrides => ({ ...WITH[value], [field]: value }));
  });
}

/** Those that are to be had on a board without PCI, and those that are not. */
function onMicrovm(): MachineOverrides[] {
  const fields = ["network", "storage", "graphics", "usb", "sound", "firmware"];
  return enumerated()
    .filter((machine) => fields.some((field) => field in machine) && !("chipset" in machine))
    .map((machine) => ({ ...machine, chipset: "microvm" }));
}

let directory: string;
let capabilities: QemuCapabilities;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "bx-values-"));
  capabilities = await findCapabilities({ qemuBinary: QEMU, cacheDirectory: directory });
});

afterAll(() => rm(directory, { recursive: true }));

/** What QEMU says of a machine that is set up and does not run yet; else the end of its stderr. */
async function status(machine: ResolvedMachine): Promise<unknown> {
  const own = await mkdtemp(join(directory, "m-"));
  const diskFile = join(own, "disk");
  await writeFile(diskFile, "");
  await truncate(diskFile, DISK_BYTES);
  const build = machine.firmware === "bios" ? undefined : chooseFirmware(machine, capabilities.firmware);
  await using tpm = machine.tpm ? await SoftwareTpm.start(join(own, "tpm")) : undefined;
  const args = buildArguments(machine, {
    accelerator: "tcg",
    disk: { diskFile, format: "raw", directBoot: undefined },
    memory: { kind: "anonymous" },
    netdev: `stream,id=net0,server=off,addr.type=fd,addr.str=${FIRST_SOCKET_FD}`,
    monitorFd: FIRST_SOCKET_FD + 1,
    wakeFd: FIRST_SOCKET_FD + 2,
    consoleFd: FIRST_SOCKET_FD + 3,
    tpmFd: tpm && FIRST_SOCKET_FD + 4,
    firmware: build && (await prepareFirmware(build, dirname(diskFile))),
    vncSocket: join(own, "vnc"),
  });
  const inherited = tpm === undefined ? [] : [tpm.socket];
  const qemu = HostProcess.start([QEMU, ...args], { sockets: 4, inherited });
  const [, monitor] = qemu.sockets;
  if (monitor === undefined) throw new Error("QEMU was started without a monitor");
  try {
    const client = await QmpClient.connect(monitor);
    return await client.execute("query-status");
  } catch (error) {
    qemu.kill();
    throw new Error(`${(await qemu.exited).stderrTail}`, { cause: error });
  } finally {
    qemu.kill();
    await qemu.exited;
  }
}

function issuesOf(payload: MachineOverrides, source: BootSource) {
  return findIssues(resolveMachine({ payload }, LIMITS), source, capabilities);
}

/** The machine starts paused, or the check says why not. */
async function startsOrIsRefused(payload: MachineOverrides): Promise<void> {
  const issues = issuesOf(payload, payload.chipset === "microvm" ? "elf" : "disk");
  if (issues.length > 0) {
    for (const { path, message } of issues) {
      expect(Object.keys(payload)).toContain(path);
      expect(message).toMatch(/^\S.{10,}$/);
    }
    return;
  }
  await expect(status(resolveMachine({ payload }, LIMITS))).resolves.toMatchObject({ running: false });
}

describe("a machine starts, or is refused with a sentence, with", () => {
  it.each([...enumerated(), ...onMicrovm(), ...EXAMPLES].map((payload) => [JSON.stringify(payload), payload] as const))(
    "%s",
    (_name, payload) => startsOrIsRefused(payload),
  );
});

describe("the check", () => {
  it("refuses what QEMU refuses", async () => {
    for (const payload of [{ cpu: "NoSuchModel" }, { flags: ["+nosuch"] }] satisfies MachineOverrides[]) {
      expect(issuesOf(payload, "disk")).toHaveLength(1);
      await expect(status(resolveMachine({ payload }, LIMITS))).rejects.toThrow();
    }
  });

  it("takes every CPU model that QEMU lists", () => {
    const refused = capabilities.cpuModels.filter((cpu) => issuesOf({ cpu }, "disk").length > 0);
    expect(capabilities.cpuModels.length).toBeGreaterThan(20);
    expect(refused).toEqual([]);
  });
});

describe("what QEMU can do", () => {
  it("is asked once, kept for the next process, and asked anew when somebody insists", async () => {
    const own = await mkdtemp(join(directory, "c-"));
    const qemuBinary = join(own, "qemu");
    await writeFile(qemuBinary, `#!/bin/sh\necho >> ${own}/starts\nexec ${QEMU} "$@"\n`, { mode: 0o755 });
    const starts = async () => (await readFile(join(own, "starts"))).length;
    const options = { qemuBinary, cacheDirectory: own };
    expect(await findCapabilities(options)).toEqual(capabilities);
    const once = await starts();
    await findCapabilities(options);
    vi.resetModules();
    const nextProcess = await import("../../../src/host/qemu-capabilities.ts");
    expect(await nextProcess.findCapabilities(options)).toEqual(capabilities);
    expect(await starts()).toBe(once);
    await findCapabilities({ ...options, fresh: true });
    expect(await starts()).toBe(2 * once);
  });
});
