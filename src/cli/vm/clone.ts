/** `boxcar vm clone` and `boxcar vm restore`. */
import type { VmRecord } from "../../generated/vm-record.ts";
import { type ClonesOptions, cloneMachine, makeClones, namesOfClones } from "../../hypervisor/clone-machine.ts";
import { called } from "../../hypervisor/refs.ts";
import type { VmForward } from "../../hypervisor/spec.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { portsOf } from "./describe.ts";
import type { OutputFlag } from "./flags.ts";
import type { Invocation } from "./look.ts";
import { networkOf } from "./make.ts";
import { openSaved } from "./snapshot/open-saved.ts";
import { findSource } from "./source.ts";

export interface CloneFlags extends OutputFlag {
  count?: number;
  keep?: string;
  network?: string;
  publish?: VmForward[];
  wait?: boolean;
}

export async function clone(
  ref: string,
  name: string | undefined,
  flags: CloneFlags,
  invocation: Invocation,
): Promise<void> {
  const { context } = invocation;
  await using opened = await openSaved(invocation);
  const { hypervisor, snapshots } = opened;
  const source = await findSource(ref, { hypervisor, snapshots, cwd: context.cwd });
  const isJson = flags.output === "json";
  const made: VmRecord[] = [];
  const options: ClonesOptions = {
    names: namesOfClones(name, flags.count ?? 1),
    ...(flags.network === undefined ? {} : { network: networkOf(flags.network) }),
    ...{ forwards: flags.publish, wait: flags.wait !== false, signal: context.signal, note: noteTo(context) },
    onMade: (record) => {
      made.push(record);
      if (!isJson) report(record, context);
    },
  };
  try {
    switch (source.kind) {
      case "vm": {
        const keep = flags.keep === undefined ? undefined : { name: flags.keep };
        await cloneMachine(opened, source.record.id, { ...options, keep });
        break;
      }
      case "snapshot": {
        await using lease = await snapshots.acquire(source.id);
        await makeClones(hypervisor, lease.saved, options);
        break;
      }
      case "folder":
        await makeClones(hypervisor, source.saved, options);
    }
  } finally {
    // Those stay also where others failed.
    if (isJson && made.length > 0) printJson(context, made);
  }
}

export async function restore(
  ref: string,
  snapshot: string,
  flags: OutputFlag & { wait?: boolean },
  invocation: Invocation,
): Promise<void> {
  const { context } = invocation;
  await using opened = await openSaved(invocation);
  await using lease = await opened.snapshots.acquire(snapshot);
  const options = { note: noteTo(context), wait: flags.wait !== false, signal: context.signal };
  const record = await opened.hypervisor.restoreFrom(ref, lease.saved, options);
  if (flags.output === "json") printJson(context, record);
  else print(context, called(record));
}

function noteTo({ stderr }: CliContext): (text: string) => void {
  return (text) => void stderr.write(`boxcar: ${text}\n`);
}

function report(record: VmRecord, context: CliContext): void {
  print(context, called(record));
  const ports = portsOf(record);
  if (ports !== "-") context.stderr.write(`boxcar: ${ports}\n`);
}
