/**
 * Brings up the machine of a task that failed: from what this host keeps, for who may read that, else by asking a worker.
 */
import type { Command } from "commander";
import { codeOf } from "../../base/errors.ts";
import { findKept, nothingKept, type WantedRun } from "../../feature/on-failure/find-kept.ts";
import type { ApiVm } from "../../generated/api.ts";
import { SHELL_MESSAGE_BYTES } from "../../guest/shell-protocol.ts";
import { called } from "../../hypervisor/refs.ts";
import { type CliContext, print, printJson } from "../context.ts";
import type { ServerAddress } from "../server/address.ts";
import { ask, serverOf, tryNamedServer } from "../server/server.ts";
import type { ServerFlags } from "../server/server-options.ts";
import { openSocket } from "../server/socket.ts";
import type { OutputFlag } from "../vm/flags.ts";
import { openSaved } from "../vm/snapshot/open-saved.ts";
import { resumeHints } from "./resume-hints.ts";
import { joinShell } from "./shell.ts";

export interface ResumeFlags extends ServerFlags, OutputFlag {
  run?: number;
  name?: string;
  shell?: boolean;
}

interface Invocation {
  context: CliContext;
  command: Command;
}

/** @throws {SnapshotError} `snapshot-not-found`; what making a machine throws. */
export async function resumeTask(task: string, flags: ResumeFlags, invocation: Invocation): Promise<void> {
  const wanted: WantedRun = { task, run: flags.run ?? "latest", isPrefix: true };
  const named = await tryNamedServer(flags, invocation.context);
  if (named === undefined && (await resumeHere(wanted, flags, invocation))) return;
  const server = named ?? (await serverOf(flags, invocation.context, invocation.command));
  try {
    await resumeThere(wanted, flags, server, invocation.context);
  } catch (error) {
    // Where nobody asked for a worker, that there is none is not what is wrong.
    if (named === undefined && codeOf(error) === "no-worker") throw nothingKept(wanted);
    throw error;
  }
}

/** Resolves with whether there was something here. */
async function resumeHere(wanted: WantedRun, flags: ResumeFlags, invocation: Invocation): Promise<boolean> {
  const { context } = invocation;
  const { signal } = context;
  await using opened = await openSaved(invocation);
  const { hypervisor, snapshots } = opened;
  const kept = findKept(await snapshots.list(), wanted, new Date());
  if (kept === undefined) return false;
  await using lease = await snapshots.acquire(kept.id);
  const note = (text: string) => void context.stderr.write(`boxcar: ${text}\n`);
  const record = await hypervisor.cloneFrom(lease.saved, { name: flags.name, note, signal });
  const ref = called(record);
  if (flags.output === "json") printJson(context, record);
  else describe(ref, lease.saved.record.source.task?.reason, context);
  if (flags.shell !== true) return true;
  const live = await hypervisor.open(record.id);
  await live.waitForGuest(signal);
  const tty = isTerminal(context);
  await joinShell(await live.openShell({ tty }, signal), tty, context);
  return true;
}

async function resumeThere(
  { task, run }: WantedRun,
  { name, output, shell }: ResumeFlags,
  server: ServerAddress,
  context: CliContext,
): Promise<void> {
  const { signal } = context;
  const path = `/api/v1/tasks/${encodeURIComponent(task)}/runs/${run}/resume`;
  const vm = await ask<ApiVm>({ server, path, body: name === undefined ? {} : { name }, signal });
  if (output === "json") printJson(context, vm);
  else {
    describe(called(vm), vm.from?.task?.reason, context);
    context.stderr.write(`boxcar: it is on the host of the worker ${vm.worker}\n`);
  }
  if (shell !== true) return;
  const tty = isTerminal(context);
  const query = new URLSearchParams({ worker: vm.worker, ...(tty ? { tty: "true" } : {}) });
  const socket = await openSocket({
    ...{ server, signal, maxMessageBytes: SHELL_MESSAGE_BYTES },
    path: `/api/v1/vms/${vm.id}/shell?${query}`,
  });
  await joinShell(socket, tty, context);
}

function isTerminal({ stdin, stdout }: CliContext): boolean {
  return stdin.isTTY === true && stdout.isTTY === true;
}

/** A script reads the name; all else is for people. */
function describe(ref: string, reason: string | undefined, context: CliContext): void {
  print(context, ref);
  context.stderr.write(
    resumeHints(ref, reason)
      .map((line) => `boxcar: ${line}\n`)
      .join(""),
  );
}
