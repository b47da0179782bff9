/** Commands that change machines, of which several may be named. */
import type { Command } from "commander";
import { messageOf } from "../../base/errors.ts";
import type { VmRecord } from "../../generated/vm-record.ts";
import type { Hypervisor } from "../../hypervisor/hypervisor.ts";
import { called, resolveRefs } from "../../hypervisor/refs.ts";
import { type CliContext, EXIT, print, printJson } from "../context.ts";
import type { OutputFlag } from "./flags.ts";
import { openHypervisor } from "./open-hypervisor.ts";

export type Verb = "start" | "stop" | "restart" | "pause" | "resume" | "rm";

export interface ChangeFlags extends OutputFlag {
  wait?: boolean;
  force?: boolean;
  timeout?: number;
  cold?: boolean;
}

const AT_ONCE = 4;

/** One bad name, and nothing is done; else each is done for itself. */
export async function change(
  verb: Verb,
  refs: readonly string[],
  flags: ChangeFlags,
  { context, command }: { context: CliContext; command: Command },
): Promise<void> {
  await using opened = await openHypervisor(context, command);
  const { hypervisor } = opened;
  const views = await hypervisor.list();
  const machines = resolveRefs(
    views.map(({ record }) => record),
    refs,
  );
  const done: VmRecord[] = [];
  const queue = [...machines];
  const work = async () => {
    for (let machine = queue.shift(); machine !== undefined; machine = queue.shift()) {
      try {
        const record = (await doOne(hypervisor, verb, machine, flags, context)) ?? machine;
        done.push(record);
        if (flags.output !== "json") print(context, called(record));
      } catch (error) {
        context.signal.throwIfAborted();
        if (machines.length === 1) throw error;
        context.stderr.write(`boxcar: ${called(machine)}: ${messageOf(error)}\n`);
        context.setExitCode(EXIT.failed);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (flags.output === "json") printJson(context, verb === "rm" ? done.map(({ id }) => ({ id, removed: true })) : done);
}

async function doOne(
  hypervisor: Hypervisor,
  verb: Verb,
  { id }: VmRecord,
  { wait, force, timeout, cold }: ChangeFlags,
  { signal, stderr }: CliContext,
): Promise<VmRecord | undefined> {
  const note = (text: string) => void stderr.write(`boxcar: ${text}\n`);
  const stopping = { force, politeMs: timeout, signal };
  switch (verb) {
    case "start":
      return await hypervisor.start(id, { note, wait, cold, signal });
    case "stop":
      return await hypervisor.stop(id, stopping);
    case "restart":
      return await hypervisor.restart(id, { ...stopping, note, wait });
    case "pause":
      return await hypervisor.pause(id, signal);
    case "resume":
      return await hypervisor.resume(id, signal);
    case "rm":
      await hypervisor.remove(id, { force, signal });
      return undefined;
  }
}
