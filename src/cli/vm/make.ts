/** `boxcar vm create` and `boxcar vm run`: from options to a machine. */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { codeOf, InvalidInputError } from "../../base/errors.ts";
import type { MachineOverrides } from "../../generated/machine.ts";
import type { VmRecord } from "../../generated/vm-record.ts";
import type { Hypervisor, StartOptions, VmView } from "../../hypervisor/hypervisor.ts";
import { called } from "../../hypervisor/refs.ts";
import type { VmDisk, VmForward, VmSpec } from "../../hypervisor/spec.ts";
import { parseDocument } from "../../schema/document.ts";
import { parseAs } from "../../schema/parse.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { readableFile } from "../named-files.ts";
import { networkOfFlag } from "../network-flag.ts";
import { portsOf } from "./describe.ts";
import type { OutputFlag } from "./flags.ts";
import { openHypervisor } from "./open-hypervisor.ts";

export interface MakeFlags extends OutputFlag {
  name?: string;
  memory?: number;
  cpus?: number;
  machine?: string;
  network?: string;
  publish?: VmForward[];
  disk?: VmDisk[];
  kernel?: string;
  initrd?: string;
  append?: string;
  cdrom?: string[];
  userData?: string;
  cold?: boolean;
  dryRun?: boolean;
  wait?: boolean;
}

export async function make(
  image: string | undefined,
  flags: MakeFlags,
  start: boolean,
  { context, command }: { context: CliContext; command: Command },
): Promise<void> {
  const { signal } = context;
  await using opened = await openHypervisor(context, command);
  const { hypervisor, config } = opened;
  const spec = await specOf(image ?? config.images.default, flags, context);
  const userDataFile = flags.userData && (await readableFile(flags.userData, "--user-data", context));
  if (flags.dryRun) {
    const words = await hypervisor.plan(spec, signal);
    if (flags.output === "json") printJson(context, words);
    else print(context, words.map(quoted).join(" \\\n  "));
    return;
  }
  const userData = userDataFile === undefined ? undefined : await readFile(userDataFile, "utf8");
  const made = await hypervisor.create(spec, { userData, signal });
  const note = (text: string) => void context.stderr.write(`boxcar: ${text}\n`);
  const record = start ? await startMade(hypervisor, made, { note, wait: flags.wait !== false, signal }) : made;
  report(record, flags, context);
}

/** Where a limit keeps it from being started nothing is left of it. */
async function startMade(hypervisor: Hypervisor, made: VmRecord, options: StartOptions): Promise<VmRecord> {
  const { id } = made;
  try {
    return await hypervisor.start(id, options);
  } catch (error) {
    if (codeOf(error) === "vm-limits") await hypervisor.remove(id, { signal: options.signal });
    else options.note?.(staying(await hypervisor.inspect(id)));
    throw error;
  }
}

function staying({ record }: VmView): string {
  const name = called(record);
  if (record.process !== undefined)
    return `${name} was made, and runs; "boxcar vm console ${name}" shows what it does, "boxcar vm rm --force ${name}" removes it`;
  return `${name} was made, and stays; "boxcar vm start ${name}" tries again, "boxcar vm rm ${name}" removes it`;
}

function report(record: VmRecord, { output }: MakeFlags, context: CliContext): void {
  if (output === "json") {
    printJson(context, record);
    return;
  }
  print(context, record.name ?? record.id);
  const ports = portsOf(record);
  if (record.process !== undefined && ports !== "-") context.stderr.write(`boxcar: ${ports}\n`);
}

async function specOf(image: string, flags: MakeFlags, context: CliContext): Promise<VmSpec> {
  const { name, publish, disk, kernel, initrd, append, cdrom, cold } = flags;
  if (kernel === undefined && (initrd ?? append) !== undefined) {
    const issue = { path: "--kernel", message: "must be given where --initrd or --append is" };
    throw new InvalidInputError("The command line", [issue], "task");
  }
  return {
    ...{ name, image, forwards: publish, disks: disk, cold },
    cdroms: cdrom && (await Promise.all(cdrom.map((file) => readableFile(file, "--cdrom", context)))),
    machine: await machineOf(flags, context),
    network: flags.network === undefined ? undefined : networkOf(flags.network),
    directBoot:
      kernel === undefined
        ? undefined
        : {
            kernel: await readableFile(kernel, "--kernel", context),
            ...(initrd === undefined ? {} : { initrd: await readableFile(initrd, "--initrd", context) }),
            ...(append === undefined ? {} : { cmdline: append }),
          },
  };
}

export function networkOf(text: string): VmRecord["network"] {
  return parseAs("feature-network", networkOfFlag(text), { subject: "--network", blame: "task" });
}

/** What is in the file, and then what the options say. */
async function machineOf({ machine, memory, cpus }: MakeFlags, context: CliContext): Promise<MachineOverrides> {
  const document =
    machine === undefined
      ? {}
      : (parseDocument(
          await readFile(await readableFile(machine, "--machine", context), "utf8"),
          machine,
          "task",
        ) as object);
  const parsed = parseAs("machine", { ...document, version: 2 }, { subject: machine ?? "--machine", blame: "task" });
  const { version: _version, uuid: _uuid, boot: _boot, ...overrides } = parsed;
  return {
    ...(overrides as MachineOverrides),
    ...(memory === undefined ? {} : { memory }),
    ...(cpus === undefined ? {} : { sockets: 1, cores: cpus, threads: 1 }),
  };
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
