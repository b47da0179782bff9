/** Commands that save machines, and look at what was saved. */
import { messageOf } from "../../../base/errors.ts";
import { formatBytes, formatDuration } from "../../../base/units.ts";
import type { SnapshotEntry } from "../../../snapshot/saved-machine.ts";
import { EXIT, print, printJson } from "../../context.ts";
import type { OutputFlag } from "../flags.ts";
import type { Invocation } from "../look.ts";
import { snapshotDocument, snapshotTable, snapshotText } from "./describe.ts";
import { openSaved } from "./open-saved.ts";

export interface SaveFlags extends OutputFlag {
  description?: string;
  /** ms. */
  expires?: number;
}

export async function save(
  ref: string,
  name: string | undefined,
  flags: SaveFlags,
  invocation: Invocation,
): Promise<void> {
  const { context } = invocation;
  await using opened = await openSaved(invocation);
  const expires = flags.expires === undefined ? undefined : new Date(Date.now() + flags.expires);
  const { description, output } = flags;
  const saved = await opened.hypervisor.save(ref, { name, description, expires, signal: context.signal });
  const entry = await opened.snapshots.find(saved.id);
  if (output === "json") return printJson(context, { ...snapshotDocument(entry), stillMs: saved.stillMs });
  print(context, name ?? saved.id);
  const stood = formatDuration(saved.stillMs);
  context.stderr.write(`boxcar: ${formatBytes(saved.diskBytes)}; the machine stood still for ${stood}\n`);
}

export async function list({ output }: OutputFlag, invocation: Invocation): Promise<void> {
  await using opened = await openSaved(invocation);
  const entries = await opened.snapshots.list();
  if (output === "json") printJson(invocation.context, entries.map(snapshotDocument));
  else print(invocation.context, snapshotTable(entries));
}

export async function inspect(ref: string, { output }: OutputFlag, invocation: Invocation): Promise<void> {
  await using opened = await openSaved(invocation);
  const entry = await opened.snapshots.find(ref);
  if (output === "json") printJson(invocation.context, snapshotDocument(entry));
  else print(invocation.context, snapshotText(entry));
}

/** One bad name, and nothing is done; else each is done for itself. */
export async function remove(refs: readonly string[], { output }: OutputFlag, invocation: Invocation): Promise<void> {
  const { context } = invocation;
  await using opened = await openSaved(invocation);
  const { snapshots } = opened;
  const entries = new Map<string, SnapshotEntry>();
  for (const ref of refs) {
    const entry = await snapshots.find(ref);
    entries.set(entry.id, entry);
  }
  const done: string[] = [];
  for (const { id } of entries.values()) {
    try {
      await snapshots.remove(id);
      done.push(id);
      if (output !== "json") print(context, id);
    } catch (error) {
      if (entries.size === 1) throw error;
      context.stderr.write(`boxcar: ${messageOf(error)}\n`);
      context.setExitCode(EXIT.failed);
    }
  }
  if (output === "json")
    printJson(
      context,
      done.map((id) => ({ id, removed: true })),
    );
}
