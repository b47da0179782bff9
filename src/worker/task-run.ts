/**
 * One run of one task, from its payload to its result:
 *
 *     image ──▶ start ──▶ boot ──▶ run ──▶ collect ──▶ release
 *
 * Whatever happens, the machine is gone and all it held is given back when the
 * result is there. *Borrows* the image store and the log.
 */
import { setTimeout as after } from "node:timers/promises";
import { orAborted } from "../base/abort.ts";
import { messageOf } from "../base/errors.ts";
import { formatDuration } from "../base/units.ts";
import type { Config } from "../config/config.ts";
import type { ArtifactSink } from "../feature/artifacts.ts";
import { Screens } from "../feature/screens/screens.ts";
import { createIdentity } from "../guest/wake.ts";
import type { ImageLease } from "../image/store/image-lease.ts";
import { Sandbox, type SandboxOptions } from "../sandbox/sandbox.ts";
import type { ParsedPayload } from "../schema/payload.ts";
import type { Accelerator } from "../vm/arguments.ts";
import { describeMachine, resolveMachine } from "../vm/limits.ts";
import { collectFromGuest } from "./collect.ts";
import { describeOutcome, type Outcome, outcomeOfError, outcomeOfRun, type RunEnd } from "./outcome.ts";
import { Phases } from "./phases.ts";
import type { TaskLog } from "./task-log.ts";
import type { TaskResult } from "./task-result.ts";

export interface TaskRunOptions extends Pick<SandboxOptions, "agentFile" | "cold" | "pool"> {
  taskId: string;
  payload: ParsedPayload;
  config: Config;
  log: TaskLog;
  artifacts: ArtifactSink;
  /** Brings the image, and tells the log about it. */
  acquireImage: (signal: AbortSignal) => Promise<ImageLease>;
  chooseAccelerator: (signal: AbortSignal) => Promise<Accelerator>;
  /** Parents of the machine's own folders. */
  runParent: string;
  stateParent: string;
  /** Where it is kept what the host can do. */
  cacheDirectory: string;
  /** Absolute path of what the guest writes to its serial console. */
  consoleLog: string;
  /** Absolute paths of pictures of the screen: at a failure, and at the end of any run if there is a path for it. */
  screenshots: { failure: string; final: string | undefined };
  signal: AbortSignal;
}

/** How long after SIGTERM what is left of a task gets SIGKILL. */
const GRACE_MS = 5_000;

/** For gigabytes out of a slow guest, and no reason to wait for one that never comes to an end. */
const COLLECT_TIMEOUT_MS = 15 * 60_000;

type MachineFacts = Pick<TaskResult, "image" | "machine" | "accelerator" | "start">;

/** Never rejects: what goes wrong is the result. */
export async function runTask(options: TaskRunOptions): Promise<TaskResult> {
  const phases = new Phases();
  const facts: MachineFacts = {};
  await using screens = screensOf(options);
  let outcome: Outcome;
  try {
    outcome = await runWithImage(options, phases, facts, screens);
  } catch (error) {
    outcome = outcomeOfError(error, options.signal);
  }
  await screens.finish();
  await options.log.flush();
  if (outcome.message !== undefined) options.log.note(outcome.message);
  const timings = phases.timings();
  options.log.note(`${describeOutcome(outcome)} after ${formatDuration(timings.total)}`);
  return { ...outcome, artifacts: [...outcome.artifacts, ...screens.records], timings, ...facts };
}

function screensOf({ artifacts, log, payload, signal, stateParent }: TaskRunOptions): Screens {
  return new Screens({
    request: payload,
    sink: artifacts,
    parent: stateParent,
    note: (text) => log.note(text),
    signal,
  });
}

async function runWithImage(
  options: TaskRunOptions,
  phases: Phases,
  facts: MachineFacts,
  screens: Screens,
): Promise<Outcome> {
  const { config, log, payload, signal, taskId } = options;
  const [image, accelerator] = await phases.measure("image", async () => {
    const lease = await options.acquireImage(signal);
    try {
      return [lease, await options.chooseAccelerator(signal)] as const;
    } catch (error) {
      await lease[Symbol.asyncDispose]();
      throw error;
    }
  });
  await using lease = image;
  const layers = { payload: payload.machine, image: lease.image.machine, config: config.machine };
  const machine = resolveMachine(layers, config.machineOptions);
  Object.assign(facts, { image: { digest: lease.image.digest }, machine, accelerator });
  log.note(`task ${taskId}, image ${lease.image.digest}`);
  log.note(`machine: ${describeMachine(machine)}, ${accelerator}`);

  const sandbox = await phases.measure("start", () =>
    Sandbox.start({
      image: lease,
      machine,
      accelerator,
      task: guestTask(options),
      log,
      maxLogBytes: config.limits.maxLogBytes,
      onLogLimit: () => log.note(`the log has reached its limit of ${config.limits.maxLogBytes} bytes and ends here`),
      agentFile: options.agentFile,
      identity: createIdentity(taskId),
      cold: options.cold,
      pool: options.pool,
      bootTimeoutMs: config.limits.bootTimeoutMs,
      note: (text) => log.note(text),
      qemuBinary: config.qemu.binary,
      consoleLog: options.consoleLog,
      runParent: options.runParent,
      stateParent: options.stateParent,
      cacheDirectory: options.cacheDirectory,
      signal,
    }),
  );
  facts.start = sandbox.snapshot === undefined ? "booted" : "resumed";
  try {
    return await runInSandbox(sandbox, options, phases, screens);
  } finally {
    await phases.measure("release", () => sandbox[Symbol.asyncDispose]());
  }
}

function guestTask({ payload, taskId }: TaskRunOptions) {
  const { command, env, cwd, user, tty } = payload;
  return {
    command,
    env: { ...env, TASK_ID: taskId, RUN_ID: "0" },
    tty,
    runId: 0,
    ...(cwd === undefined ? {} : { cwd }),
    ...(user === undefined ? {} : { user }),
  };
}

async function runInSandbox(
  sandbox: Sandbox,
  options: TaskRunOptions,
  phases: Phases,
  screens: Screens,
): Promise<Outcome> {
  const { config, log, payload, screenshots, signal } = options;
  try {
    await phases.measure("boot", () => sandbox.waitForGuest(config.limits.bootTimeoutMs, signal));
    log.note(`the guest is up; running ${describeCommand(payload.command)}`);
    const end = await phases.measure("run", () => screens.during(sandbox.vm, () => waitForEnd(sandbox, options)));
    const outcome = await phases.measure("collect", () => collect(sandbox, end, options));
    if (outcome.state !== "completed") await showFailure(sandbox, options, screens);
    if (screenshots.final !== undefined) await takeScreenshot(sandbox, screenshots.final, log);
    return outcome;
  } catch (error) {
    if (!signal.aborted && sandbox.vm.state !== "gone") await showFailure(sandbox, options, screens);
    throw error;
  }
}

async function waitForEnd(sandbox: Sandbox, { config, log, payload, signal }: TaskRunOptions): Promise<RunEnd> {
  const limitMs = payload.maxRunTimeMs ?? config.limits.maxRunTimeMs;
  const over = new AbortController();
  const reported = sandbox.guest.resolved.then((result): RunEnd => ({ kind: "reported", result }));
  const tooLong = after(limitMs, undefined, { signal: over.signal }).then(
    (): RunEnd => ({ kind: "too-long", limitMs }),
  );
  tooLong.catch(() => {});
  try {
    const end = await orAborted(Promise.race([reported, tooLong]), signal);
    if (end.kind === "too-long") {
      log.note(`the task has run for ${formatDuration(limitMs)}, which is its maxRunTime; ending it`);
      await stopCommand(sandbox, signal);
    }
    return end;
  } finally {
    over.abort();
  }
}

/** Asks the guest to end the command, so that the tail of its log arrives; a guest that does not is left as it is. */
async function stopCommand(sandbox: Sandbox, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const stopped = sandbox.guest.killProcess({ graceMs: GRACE_MS, signal }).then(() => sandbox.guest.resolved);
  const patience = after(GRACE_MS * 2, undefined, { signal: over.signal });
  patience.catch(() => {});
  try {
    await orAborted(Promise.race([stopped.catch(() => undefined), patience]), signal);
  } finally {
    over.abort();
  }
}

async function collect(sandbox: Sandbox, end: RunEnd, options: TaskRunOptions): Promise<Outcome> {
  const { config, log, payload, signal } = options;
  const limits = { maxBytes: config.limits.maxArtifactBytes, maxFiles: config.limits.maxArtifactFiles };
  const { records, problems } = await collectFromGuest(payload.artifacts, sandbox.guest, options.artifacts, limits, {
    signal,
    timeoutMs: COLLECT_TIMEOUT_MS,
  });
  for (const problem of problems) log.note(problem);
  return { ...outcomeOfRun(end, problems, sandbox.vm.notices), artifacts: records };
}

async function showFailure(sandbox: Sandbox, options: TaskRunOptions, screens: Screens): Promise<void> {
  if (!options.payload.screenshots.onFailure) return;
  const file = options.screenshots.failure;
  if (await takeScreenshot(sandbox, file, options.log)) await screens.keepFailure(file);
}

/** A machine without graphics, or a full disk, is no reason to fail a task. Resolves with whether there is a picture. */
async function takeScreenshot(sandbox: Sandbox, file: string, log: TaskLog): Promise<boolean> {
  try {
    await sandbox.vm.screenshot(file);
  } catch (error) {
    log.note(`no picture of the screen: ${messageOf(error)}`);
    return false;
  }
  log.note(`the screen is in ${file}`);
  return true;
}

const MAX_COMMAND_CHARACTERS = 100;

/** On one line; a script inside a command would fill the screen. */
function describeCommand(command: readonly string[]): string {
  const text = command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(" ");
  return text.length <= MAX_COMMAND_CHARACTERS ? text : `${text.slice(0, MAX_COMMAND_CHARACTERS)}…`;
}
