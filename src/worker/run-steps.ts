/**
 * The commands of a task: asked of the guest one after another, watched by features, ended when their time has come.
 *
 * Features hear of a failure before anything follows from it: before the next command, and before a command is ended.
 */
import { setTimeout as after } from "node:timers/promises";
import { orAborted } from "../base/abort.ts";
import { messageOf } from "../base/errors.ts";
import { formatDuration } from "../base/units.ts";
import type { TaskMachine } from "../feature/feature.ts";
import type { Stop } from "../feature/outcome.ts";
import { isRun, type Step, type StepResult } from "../feature/steps.ts";
import type { GuestResult } from "../guest/guest-result.ts";
import type { GuestTask } from "../guest/guest-task.ts";
import type { ActiveFeatures } from "./active-features.ts";
import type { RunEnd } from "./outcome.ts";
import type { RunRecorder } from "./run-recorder.ts";

export interface RunStepsOptions {
  machine: TaskMachine;
  features: ActiveFeatures;
  steps: readonly Step[];
  /** What a step is to the guest. */
  taskOf: (step: Step) => GuestTask;
  /** Gets what is known of each step that has a name, as soon as it is over. */
  results: StepResult[];
  /** Hears of each. */
  recorder?: Pick<RunRecorder, "stepBegan" | "stepEnded"> | undefined;
  note: (text: string) => void;
  /** Resolves when what the steps have printed so far is in the log. */
  settleLog: () => Promise<void>;
  signal: AbortSignal;
}

/** How long after SIGTERM what is left of a task gets SIGKILL. */
const GRACE_MS = 5_000;

export async function runSteps(options: RunStepsOptions): Promise<RunEnd> {
  const { machine, features, note, signal } = options;
  const stopping = new AbortController();
  const progress: Progress = { isOver: false };
  const running = runEach(options, progress, AbortSignal.any([stopping.signal, signal]));
  const end = await features.watch(machine, running);
  if (!("stop" in end)) return end;
  // The last command had ended already; what was done because it failed is not to its charge.
  if (progress.isOver) return await orAborted(running, signal);
  note(`${end.stop.message}; ending it`);
  stopping.abort();
  await features.failed(machine, end.stop);
  await stopCommand(machine, running, signal);
  return end;
}

interface Progress {
  /** There is no command any more. */
  isOver: boolean;
}

/** Resolves with how the first one that failed ended, or the last one. */
async function runEach(options: RunStepsOptions, progress: Progress, stopped: AbortSignal): Promise<RunEnd> {
  const { steps, results, recorder, note, settleLog, machine, taskOf } = options;
  const noteEnd = (step: StepResult) => {
    results.push(step);
    recorder?.stepEnded(step);
  };
  let failed: GuestResult | undefined;
  let latest: GuestResult = { success: true };
  for (const [index, step] of steps.entries()) {
    if (!isRun(step, failed !== undefined)) {
      if (step.name !== undefined) noteEnd({ name: step.name, skipped: true });
      continue;
    }
    const command = describeCommand(step.command);
    note(step.name === undefined ? `the guest is up; running ${command}` : `step ${step.name}: ${command}`);
    const begin = performance.now();
    recorder?.stepBegan(step.name);
    const result = await machine.guest.run(taskOf(step), { more: index < steps.length - 1 });
    latest = result;
    if (step.name !== undefined) {
      const durationMs = Math.round(performance.now() - begin);
      noteEnd({
        name: step.name,
        durationMs,
        ...(result.exitCode === undefined ? {} : { exitCode: result.exitCode }),
      });
      await settleLog();
      const code = result.exitCode === undefined ? "" : ` with exit code ${result.exitCode}`;
      note(`step ${step.name} ended${code} after ${formatDuration(durationMs)}`);
    }
    const isFirst = failed === undefined;
    if (!result.success) failed ??= withStep(result, step);
    if (stopped.aborted) break;
    const isFailed = failed !== undefined;
    progress.isOver = !steps.slice(index + 1).some((later) => isRun(later, isFailed));
    if (isFirst && failed !== undefined) await options.features.failed(machine, failureOf(failed));
    if (result.held) await letGo(options);
  }
  return { result: failed ?? latest };
}

function failureOf({ error, exitCode }: GuestResult): Stop {
  const how = exitCode === undefined ? "the command failed" : `the command failed with exit code ${exitCode}`;
  return { reason: "command-failed", message: error ?? how };
}

/** What it holds is of no use to anybody any more, and may be in the way of what comes. */
async function letGo({ machine, note, signal }: RunStepsOptions): Promise<void> {
  try {
    await machine.guest.letGo({ signal });
  } catch (error) {
    signal.throwIfAborted();
    note(`warning: the command that failed still stands at its end: ${messageOf(error)}`);
  }
}

function withStep(result: GuestResult, { name }: Step): GuestResult {
  if (name === undefined) return result;
  const how = result.exitCode === undefined ? "" : ` with exit code ${result.exitCode}`;
  return {
    ...result,
    error: [`the step ${name} failed${how}`, result.error].filter((part) => part !== undefined).join(": "),
  };
}

/** Asks the guest to end the command, so that the tail of its log arrives; a guest that does not is left as it is. */
async function stopCommand({ guest }: TaskMachine, ended: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const stopped = guest.killProcess({ graceMs: GRACE_MS, signal }).then(() => ended);
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
function describeCommand(command: readonly string[]): string {
  const text = command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(" ");
  return text.length <= MAX_COMMAND_CHARACTERS ? text : `${text.slice(0, MAX_COMMAND_CHARACTERS)}…`;
}
