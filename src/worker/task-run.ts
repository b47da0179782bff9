/**
 * One run of one task, from its payload to its result:
 *
 *     prepare ──▶ image ──▶ start ──▶ boot ──▶ furnish ──▶ run ──▶ collect ──▶ (keep) ──▶ release
 *
 * Whatever happens, the machine is gone and all it held is given back when the
 * result is there. *Borrows* the image store and the log.
 */
import { join } from "node:path";
import { Scope } from "../base/scope.ts";
import { formatDuration } from "../base/units.ts";
import type { Config } from "../config/config.ts";
import { FEATURES } from "../feature/all.ts";
import { RunArtifacts } from "../feature/artifacts/run-artifacts.ts";
import type { ArtifactSink } from "../feature/artifacts/store-artifact.ts";
import type { Asker } from "../feature/checkpoints/access.ts";
import type { MadeCheckpoint } from "../feature/checkpoints/made.ts";
import { type OpenedCheckpoint, openCheckpoint, requireUsable } from "../feature/checkpoints/open-checkpoint.ts";
import type { ForkRequest } from "../feature/checkpoints/request.ts";
import type { Feature, TaskMachine } from "../feature/feature.ts";
import type { Keeper } from "../feature/interactive/keeper.ts";
import type { NetworkReportSource } from "../feature/network/report.ts";
import type { KeptMachine } from "../feature/on-failure/kept-machine.ts";
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
import { describeHost } from "../snapshot/same-host.ts";
import type { SnapshotStore } from "../snapshot/snapshot-store.ts";
import type { Accelerator } from "../vm/arguments.ts";
import { chooseDiskSlots, chooseSpareSlots } from "../vm/data-disks.ts";
import { applyLimits, describeMachine, type ResolvedMachine, resolveMachine } from "../vm/limits.ts";
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
  /** Brings the image that the payload names, or one that is in the store, and tells the log about it. */
  acquireImage: (signal: AbortSignal, digest?: string) => Promise<ImageLease>;
  /** Saved machines of this host; undefined: none are kept. */
  snapshots?: SnapshotStore | undefined;
  /** Who the task acts for. */
  asker?: Asker | undefined;
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

/** What the run holds before it has a machine. */
interface BegunMachine {
  readonly image: ImageLease;
  readonly accelerator: Accelerator;
  readonly machine: ResolvedMachine;
  /** Undefined: the machine begins with the image. */
  readonly from: OpenedCheckpoint | undefined;
}

type MachineFacts = { -readonly [K in "image" | "machine" | "accelerator" | "start" | "saved"]?: TaskResult[K] };

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
  readonly #checkpoints: MadeCheckpoint[] = [];
  #sandbox: Sandbox | undefined;
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
    const checkpoints = this.#checkpoints.length === 0 ? {} : { checkpoints: this.#checkpoints };
    return { ...outcome, artifacts: this.#artifacts.records, timings, ...steps, ...checkpoints, ...this.#facts };
  }

  async #runWithFeatures(): Promise<Outcome> {
    const { features = FEATURES, signal, taskId, runId, payload, config, directory, stateParent } = this.#options;
    const { snapshots, asker } = this.#options;
    const [artifacts, note] = [this.#artifacts, this.#note];
    const context = {
      ...{ taskId, runId, payload, config, artifacts, directory, stateParent, note, signal, snapshots, asker },
      onCheckpoint: (made: MadeCheckpoint) => {
        this.#checkpoints.push(made);
        this.#options.recorder?.checkpointMade(made);
      },
      onKept: (kept: KeptMachine) => {
        this.#facts.saved = kept;
        this.#options.recorder?.machineKept(kept);
      },
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
    await using held = new Scope();
    const begun = await this.#phases.measure("image", () => this.#acquire(held));
    const { image: lease, accelerator, machine } = begun;
    const { config } = this.#options;
    Object.assign(this.#facts, { image: { digest: lease.image.digest }, machine, accelerator });
    this.#note(`image ${lease.image.digest}`);
    const described = describeMachine(machine);
    this.#note(`machine: ${described}, ${accelerator}`);
    this.#options.recorder?.machineChosen({ image: { digest: lease.image.digest }, machine: described, accelerator });

    const sandbox = await this.#phases.measure("start", () => this.#start(begun, active));
    // Others may remove it from now on.
    await begun.from?.[Symbol.asyncDispose]();
    this.#sandbox = sandbox;
    const { pid } = sandbox.vm;
    this.#options.onMachine?.({ pid, memoryMiB: machine.memory, hardware: machine, machine: sandbox });
    this.#facts.start = begun.from !== undefined ? "forked" : sandbox.snapshot === undefined ? "booted" : "resumed";
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

  async #acquire(held: Scope): Promise<BegunMachine> {
    const { acquireImage, chooseAccelerator, config, payload, signal } = this.#options;
    if (payload.from !== undefined) return await this.#acquireCheckpoint(payload.from, held);
    const image = held.use(await acquireImage(signal));
    const accelerator = await chooseAccelerator(signal);
    const layers = { payload: payload.machine, image: image.image.machine, config: config.machine };
    return { image, accelerator, machine: resolveMachine(layers, config.machineOptions), from: undefined };
  }

  async #acquireCheckpoint(request: ForkRequest, held: Scope): Promise<BegunMachine> {
    const { acquireImage, asker = {}, chooseAccelerator, config, signal, snapshots } = this.#options;
    const settings = config.features.checkpoints;
    const from = held.use(await openCheckpoint(request, { snapshots, asker, settings }));
    const { machine, saved } = from;
    const image = held.use(await acquireImage(signal, saved.record.image.digest));
    const accelerator = await chooseAccelerator(signal);
    requireUsable(from, await describeHost(config.qemu.binary, accelerator));
    this.#note(
      `from the checkpoint ${request.checkpoint} of the task ${request.task}, number ${request.index} of ${request.count}`,
    );
    return { image, accelerator, machine: applyLimits(machine, config.machineOptions), from };
  }

  async #start({ image, machine, accelerator, from }: BegunMachine, active: ActiveFeatures): Promise<Sandbox> {
    const { config, log, taskId, directory } = this.#options;
    const { agentFile, cold, networks, pool, runParent, stateParent, cacheDirectory, signal } = this.#options;
    const { maxLogBytes } = config.limits;
    const bootTimeoutMs = patienceFor(machine, config.limits.bootTimeoutMs);
    const { checkpoints, disks, savable } = active;
    return await Sandbox.start({
      ...{ image, machine, accelerator, log, maxLogBytes, bootTimeoutMs, signal },
      ...{ agentFile, cold, networks, pool, runParent, stateParent, cacheDirectory },
      ...{ savable, checkpoints, from },
      onPanic: () => this.#keepPanicked(active),
      diskSlots:
        from?.slotsFor(disks) ?? (checkpoints === undefined ? chooseDiskSlots : chooseSpareSlots)(machine, disks),
      onNetwork: ({ network, egress }) => active.connect({ network, egress, mode: networks.description }),
      onLogLimit: () => this.#note(`the log has reached its limit of ${maxLogBytes} bytes and ends here`),
      identity: createIdentity(taskId),
      note: this.#note,
      qemuBinary: config.qemu.binary,
      consoleLog: join(directory, "console.log"),
    });
  }

  /** One that panics before it had a task is its image's affair. */
  async #keepPanicked(active: ActiveFeatures): Promise<void> {
    const sandbox = this.#sandbox;
    if (sandbox === undefined) return;
    const panic = sandbox.vm.notices.find(({ kind }) => kind === "kernel-panic");
    const message = panic?.message ?? "the kernel of the guest panicked";
    await active.failed(sandbox, { reason: "guest-panic", message });
  }

  async #runInSandbox(sandbox: Sandbox, active: ActiveFeatures, patienceMs: number): Promise<Outcome> {
    const { signal } = this.#options;
    try {
      await this.#phases.measure("boot", () => sandbox.waitForGuest(patienceMs, signal));
      await this.#phases.measure("furnish", () => active.furnish(sandbox));
      const end = await this.#phases.measure("run", () => this.#runSteps(sandbox, active));
      const outcome = await this.#phases.measure("collect", () =>
        active.collect(sandbox, (problems) => outcomeOfRun(end, problems, sandbox.vm.notices)),
      );
      const { state, reason, message } = outcome;
      if (state === "failed" && reason === "file-missing-on-worker") {
        await active.failed(sandbox, { reason, message: message ?? reason });
      }
      return outcome;
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
      ...(active.holds ? { hold: true } : {}),
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
