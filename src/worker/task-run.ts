/**
 * One run of one task, from its payload to its result:
 *
 *     prepare ──▶ image ──▶ start ──▶ boot ──▶ furnish ──▶ run ──▶ collect ──▶ (keep) ──▶ release
 *
 * Whatever happens, the machine is gone and all it held is given back when the
 * result is there. *Borrows* the image store and the log.
 */
import { join } from "node:path";
import { formatDuration } from "../base/units.ts";
import type { Config } from "../config/config.ts";
import { FEATURES } from "../feature/all.ts";
import { RunArtifacts } from "../feature/artifacts/run-artifacts.ts";
import type { ArtifactSink } from "../feature/artifacts/store-artifact.ts";
import type { Feature, TaskMachine } from "../feature/feature.ts";
import type { Keeper } from "../feature/interactive/keeper.ts";
import type { NetworkReportSource } from "../feature/network/report.ts";
import type { Outcome } from "../feature/outcome.ts";
import type { ParsedPayload } from "../feature/payload.ts";
import type { ScreensSource } from "../feature/screens/pictures.ts";
import type { Step, StepResult } from "../feature/steps.ts";
import type { GuestTask } from "../guest/guest-task.ts";
import { createIdentity } from "../guest/wake.ts";
import type { ImageLease } from "../image/store/image-lease.ts";
import type { TaskLog } from "../log/task-log.ts";
import { patienceFor } from "../sandbox/cloud-init.ts";
import type { MachineNetworks } from "../sandbox/machine-networks.ts";
import { Sandbox, type SandboxOptions } from "../sandbox/sandbox.ts";
import type { Accelerator } from "../vm/arguments.ts";
import { chooseDiskSlots } from "../vm/data-disks.ts";
import { describeMachine, type ResolvedMachine, resolveMachine } from "../vm/limits.ts";
import { ActiveFeatures } from "./active-features.ts";
import { describeOutcome, outcomeOfError, outcomeOfRun, type RunEnd } from "./outcome.ts";
import { Phases } from "./phases.ts";
import type { RunRecorder } from "./run-recorder.ts";
import { runSteps } from "./run-steps.ts";
import type { Phase, TaskResult } from "./task-result.ts";

export interface TaskRunOptions extends Pick<SandboxOptions, "agentFile" | "cold" | "pool"> {
  networks: SandboxOptions["networks"] & Pick<MachineNetworks, "description">;
  taskId: string;
  runId: number;
  payload: ParsedPayload;
  config: Config;
  log: TaskLog;
  artifacts: ArtifactSink;
  /** Brings the image, and tells the log about it. */
  acquireImage: (signal: AbortSignal) => Promise<ImageLease>;
  chooseAccelerator: (signal: AbortSignal) => Promise<Accelerator>;
  /** Absolute path of a folder for what is kept of the run beside artifacts: what the guest writes to its serial console. */
  directory: string;
  /** Parents of the machine's own folders. */
  runParent: string;
  stateParent: string;
  /** Where it is kept what the host can do. */
  cacheDirectory: string;
  /** Default: all there are. */
  features?: readonly Feature[];
  onPhase?: (phase: Phase) => void;
  /** Notes what happens. */
  recorder?: RunRecorder;
  /** There is a machine. */
  onMachine?: (facts: StartedMachine) => void;
  /** Who says how long it stays after the command, told before there is one. Default: it does not. */
  onKeeper?: (keeper: Keeper) => void;
  /** When nobody waits for the run any more; default: never. */
  deadline?: Date;
  /** Who knows about its network. */
  onNetwork?: (source: NetworkReportSource) => void;
  /** Who has pictures of its screen. */
  onScreens?: (source: ScreensSource) => void;
  signal: AbortSignal;
}

export interface StartedMachine {
  readonly pid: number | undefined;
  readonly memoryMiB: number;
  readonly hardware: ResolvedMachine;
  /** While it lives. */
  readonly machine: TaskMachine;
}

type MachineFacts = { -readonly [K in "image" | "machine" | "accelerator" | "start"]?: TaskResult[K] };

/** Never rejects: what goes wrong is the result. */
export async function runTask(options: TaskRunOptions): Promise<TaskResult> {
  return await new TaskRun(options).run();
}

class TaskRun {
  readonly #options: TaskRunOptions;
  readonly #phases: Phases;
  readonly #facts: MachineFacts = {};
  readonly #artifacts: RunArtifacts;
  readonly #steps: StepResult[] = [];
  readonly #note: (text: string) => void;

  constructor(options: TaskRunOptions) {
    this.#options = options;
    this.#artifacts = new RunArtifacts(options.artifacts);
    this.#phases = new Phases({
      phaseBegan: (phase) => {
        options.onPhase?.(phase);
        options.recorder?.phaseBegan(phase);
      },
      phaseEnded: (phase, durationMs) => options.recorder?.phaseEnded(phase, durationMs),
    });
    this.#note = (text) => options.log.note(text);
  }

  async run(): Promise<TaskResult> {
    const { log, signal } = this.#options;
    let outcome: Outcome;
    try {
      outcome = await this.#runWithFeatures();
    } catch (error) {
      outcome = outcomeOfError(error, signal);
    }
    await log.flush();
    if (outcome.message !== undefined) log.note(outcome.message);
    const timings = this.#phases.timings();
    log.note(`${describeOutcome(outcome)} after ${formatDuration(timings.total)}`);
    const steps = this.#steps.length === 0 ? {} : { steps: this.#steps };
    return { ...outcome, artifacts: this.#artifacts.records, timings, ...steps, ...this.#facts };
  }

  async #runWithFeatures(): Promise<Outcome> {
    const { features = FEATURES, signal, taskId, runId, payload, config, directory, stateParent } = this.#options;
    const [artifacts, note] = [this.#artifacts, this.#note];
    const context = {
      ...{ taskId, runId, payload, config, artifacts, directory, stateParent, note, signal },
      mask: (text: string) => this.#options.log.masked(text),
      onNetwork: (source: NetworkReportSource) => this.#options.onNetwork?.(source),
      onKeeper: this.#options.onKeeper,
      deadline: this.#options.deadline,
      onScreens: (source: ScreensSource) => this.#options.onScreens?.(source),
    };
    await using active = new ActiveFeatures(features, context);
    let outcome: Outcome;
    try {
      await this.#phases.measure("prepare", () => active.prepare());
      outcome = await this.#runWithImage(active);
    } catch (error) {
      outcome = outcomeOfError(error, signal);
    }
    const judged = active.judge(outcome);
    await active.finish(judged);
    return judged;
  }

  async #runWithImage(active: ActiveFeatures): Promise<Outcome> {
    const [image, accelerator] = await this.#phases.measure("image", () => this.#acquire());
    await using lease = image;
    const { config, payload } = this.#options;
    const layers = { payload: payload.machine, image: lease.image.machine, config: config.machine };
    const machine = resolveMachine(layers, config.machineOptions);
    Object.assign(this.#facts, { image: { digest: lease.image.digest }, machine, accelerator });
    this.#note(`image ${lease.image.digest}`);
    const described = describeMachine(machine);
    this.#note(`machine: ${described}, ${accelerator}`);
    this.#options.recorder?.machineChosen({ image: { digest: lease.image.digest }, machine: described, accelerator });

    const sandbox = await this.#phases.measure("start", () => this.#start(lease, machine, accelerator, active));
    const { pid } = sandbox.vm;
    this.#options.onMachine?.({ pid, memoryMiB: machine.memory, hardware: machine, machine: sandbox });
    this.#facts.start = sandbox.snapshot === undefined ? "booted" : "resumed";
    const start = sandbox.wasPooled ? "pooled" : this.#facts.start;
    const facts = { imageDigest: lease.image.digest, accelerator, memoryMiB: machine.memory };
    this.#options.recorder?.machineStarted({ ...facts, start });
    try {
      const patienceMs = patienceFor(machine, config.limits.bootTimeoutMs);
      const outcome = await this.#runInSandbox(sandbox, active, patienceMs);
      if (active.keeps) await this.#phases.measure("keep", () => active.keep(sandbox));
      return outcome;
    } finally {
      await this.#phases.measure("release", () => sandbox[Symbol.asyncDispose]());
    }
  }

  async #acquire(): Promise<[ImageLease, Accelerator]> {
    const { acquireImage, chooseAccelerator, signal } = this.#options;
    const lease = await acquireImage(signal);
    try {
      return [lease, await chooseAccelerator(signal)];
    } catch (error) {
      await lease[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #start(
    image: ImageLease,
    machine: ResolvedMachine,
    accelerator: Accelerator,
    active: ActiveFeatures,
  ): Promise<Sandbox> {
    const { config, log, taskId, directory } = this.#options;
    const { agentFile, cold, networks, pool, runParent, stateParent, cacheDirectory, signal } = this.#options;
    const { maxLogBytes } = config.limits;
    const bootTimeoutMs = patienceFor(machine, config.limits.bootTimeoutMs);
    return Sandbox.start({
      ...{ image, machine, accelerator, log, maxLogBytes, bootTimeoutMs, signal },
      ...{ agentFile, cold, networks, pool, runParent, stateParent, cacheDirectory },
      diskSlots: chooseDiskSlots(machine, active.disks),
      onNetwork: ({ network, egress }) => active.connect({ network, egress, mode: networks.description }),
      onLogLimit: () => this.#note(`the log has reached its limit of ${maxLogBytes} bytes and ends here`),
      identity: createIdentity(taskId),
      note: this.#note,
      qemuBinary: config.qemu.binary,
      consoleLog: join(directory, "console.log"),
    });
  }

  async #runInSandbox(sandbox: Sandbox, active: ActiveFeatures, patienceMs: number): Promise<Outcome> {
    const { signal } = this.#options;
    try {
      await this.#phases.measure("boot", () => sandbox.waitForGuest(patienceMs, signal));
      await this.#phases.measure("furnish", () => active.furnish(sandbox));
      const end = await this.#phases.measure("run", () => this.#runSteps(sandbox, active));
      return await this.#phases.measure("collect", () =>
        active.collect(sandbox, (problems) => outcomeOfRun(end, problems, sandbox.vm.notices)),
      );
    } catch (error) {
      if (!signal.aborted && sandbox.vm.state !== "gone") await active.salvage(sandbox);
      throw error;
    }
  }

  #runSteps(machine: Sandbox, features: ActiveFeatures): Promise<RunEnd> {
    const { log, payload, recorder, signal } = this.#options;
    return runSteps({
      ...{ machine, features, signal, note: this.#note, results: this.#steps, steps: payload.steps, recorder },
      taskOf: (step) => this.#guestTask(step, features),
      settleLog: () => new Promise((resolve) => log.write("", () => resolve())),
    });
  }

  #guestTask(step: Step, active: ActiveFeatures): GuestTask {
    const { payload, runId } = this.#options;
    const { cwd = payload.cwd, user = payload.user } = step;
    return {
      command: step.command,
      env: {
        ...{ ...payload.env, ...active.env, ...step.env },
        ...this.#options.recorder?.environment(),
        ...this.#ownVariables(step),
      },
      tty: payload.tty,
      runId,
      ...(cwd === undefined ? {} : { cwd }),
      ...(user === undefined ? {} : { user }),
    };
  }

  /** Nobody else sets them. */
  #ownVariables({ name }: Step): Record<string, string> {
    const { runId, taskId } = this.#options;
    const { image, start } = this.#facts;
    return {
      TASK_ID: taskId,
      RUN_ID: String(runId),
      ...(image === undefined ? {} : { BOXCAR_IMAGE: image.digest }),
      ...(start === undefined ? {} : { BOXCAR_START: start }),
      ...(name === undefined ? {} : { BOXCAR_STEP: name }),
    };
  }
}
