/** Has the supervisor of a machine end, and the machine with it. */
import { setTimeout as after } from "node:timers/promises";
import { orAborted } from "../../base/abort.ts";
import { codeOf } from "../../base/errors.ts";
import type { VmRecord } from "../../generated/vm-record.ts";
import { isAlive, type Owner } from "../../host/owner.ts";
import type { StopVmOptions } from "../hypervisor.ts";
import type { VmIndex } from "../index-store.ts";
import { SupervisorClient } from "../live-vm.ts";
import type { VmState } from "../states.ts";

const POLL_MS = 50;
const WAITS: readonly VmState[] = ["created", "stopped", "error"];
/** One that is told not to ask the guest has ended its machine by then, however that stands. */
const HANGS_AFTER_MS = 15_000;

/** Whoever starts a machine has its lock before its record says so. Resolves when that is over, or it is no start. */
export async function untilStarted(index: VmIndex, { id, state }: VmRecord, signal: AbortSignal): Promise<void> {
  for (let now: VmState | undefined = state; now !== undefined && WAITS.includes(now); ) {
    if ((await index.holder(id)) === undefined) return;
    await orAborted(after(POLL_MS), signal);
    now = (await index.tryRead(id))?.state;
  }
}

/** Resolves when its supervisor is gone, whoever else wanted that too. @throws what the supervisor answers; `signal.reason` */
export async function endSupervisor(index: VmIndex, record: VmRecord, options: StopVmOptions): Promise<void> {
  const { signal } = options;
  const supervisor = record.process?.supervisor;
  const hanging = options.force === true ? AbortSignal.timeout(HANGS_AFTER_MS) : undefined;
  try {
    const either = AbortSignal.any([signal, ...(hanging === undefined ? [] : [hanging])]);
    await new SupervisorClient(record).stop(secondsOf(options), either);
  } catch (error) {
    signal.throwIfAborted();
    if (hanging?.aborted === true && supervisor !== undefined) await send(supervisor, "SIGKILL");
    // It may have ended by itself, or was killed: what counts is that it is gone.
    else if (codeOf(error) !== "vm-lost") throw error;
    // Somebody may have removed its socket: a signal reaches it all the same.
    else if (supervisor !== undefined) await terminate(supervisor, options);
  }
  while (supervisor !== undefined && (await isAlive(supervisor)) && (await index.holder(record.id))) {
    await orAborted(after(POLL_MS), signal);
  }
  await putRight(index, record.id);
}

/** What a killed one has left; whoever has the machine by now has done that, or has removed it. */
async function putRight(index: VmIndex, id: string): Promise<void> {
  try {
    await using _lock = await index.lock(id);
  } catch (error) {
    if (codeOf(error) !== "vm-busy" && codeOf(error) !== "vm-not-found") throw error;
  }
}

/** The second one has it not wait for the guest. */
async function terminate(supervisor: Owner, { force }: StopVmOptions): Promise<void> {
  for (let count = force === true ? 2 : 1; count > 0; count--) await send(supervisor, "SIGTERM");
}

async function send(supervisor: Owner, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (!(await isAlive(supervisor))) return;
  try {
    process.kill(supervisor.pid, signal);
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error;
  }
}

/** How long the guest may take. */
export function secondsOf({ force, politeMs }: StopVmOptions): number | undefined {
  if (force === true) return 0;
  return politeMs === undefined ? undefined : Math.ceil(politeMs / 1_000);
}
