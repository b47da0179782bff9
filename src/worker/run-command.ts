/** The command of a task: asked of the guest, watched by features, ended when its time has come. */
import { setTimeout as after } from "node:timers/promises";
import { orAborted } from "../base/abort.ts";
import type { TaskMachine } from "../feature/feature.ts";
import type { GuestTask } from "../guest/guest-task.ts";
import type { ActiveFeatures } from "./active-features.ts";
import type { RunEnd } from "./outcome.ts";

export interface RunCommandOptions {
  machine: TaskMachine;
  features: ActiveFeatures;
  task: GuestTask;
  note: (text: string) => void;
  signal: AbortSignal;
}

/** How long after SIGTERM what is left of a task gets SIGKILL. */
const GRACE_MS = 5_000;

export async function runCommand({ machine, features, task, note, signal }: RunCommandOptions): Promise<RunEnd> {
  machine.guest.setTask(task);
  const end = await features.watch(
    machine,
    machine.guest.resolved.then((result) => ({ result })),
  );
  if ("stop" in end) {
    note(`${end.stop.message}; ending it`);
    await stopCommand(machine, signal);
  }
  return end;
}

/** Asks the guest to end the command, so that the tail of its log arrives; a guest that does not is left as it is. */
async function stopCommand({ guest }: TaskMachine, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const stopped = guest.killProcess({ graceMs: GRACE_MS, signal }).then(() => guest.resolved);
  const patience = after(GRACE_MS * 2, undefined, { signal: over.signal });
  patience.catch(() => {});
  try {
    await orAborted(Promise.race([stopped.catch(() => undefined), patience]), signal);
  } finally {
    over.abort();
  }
}

const MAX_COMMAND_CHARACTERS = 100;

/** On one line; a script inside a command would fill the screen. */
export function describeCommand(command: readonly string[]): string {
  const text = command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(" ");
  return text.length <= MAX_COMMAND_CHARACTERS ? text : `${text.slice(0, MAX_COMMAND_CHARACTERS)}…`;
}
