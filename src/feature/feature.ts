/**
 * What a task can ask for beside a machine and a command; one file each.
 *
 *   begin ──▶ prepare ──▶ connect (machine starts) ──▶ furnish ──▶ watch (the command runs) ──▶ collect ──▶ keep
 *                                   │                                    └─ it fails ─▶ failed ─┘
 *                                   └── anything goes wrong ──▶ salvage ──▶ (machine is gone) ◀────────────┘
 *                                                                               └──▶ finish ──▶ disposed
 *
 * A stage of one feature begins when that of the feature before it in the list is over; `watch` of all runs at once.
 * A stage that rejects ends the run, so what is no reason for that is noted instead.
 */
import type { Config } from "../config/config.ts";
import type { StoredCheckpoint } from "../guest/guest-checkpoints.ts";
import type { GuestSession } from "../guest/guest-session.ts";
import type { EgressRecord } from "../network/egress/egress-record.ts";
import type { GuestNetwork } from "../network/guest-network.ts";
import type { SavableMachine } from "../snapshot/save-machine.ts";
import type { HardwareFacts } from "../snapshot/saved-machine.ts";
import type { SnapshotStore } from "../snapshot/snapshot-store.ts";
import type { VirtualMachine } from "../vm/virtual-machine.ts";
import type { RunArtifacts } from "./artifacts/run-artifacts.ts";
import type { Asker } from "./checkpoints/access.ts";
import type { MadeCheckpoint } from "./checkpoints/made.ts";
import type { Keeper } from "./interactive/keeper.ts";
import type { NetworkReportSource } from "./network/report.ts";
import type { KeptMachine } from "./on-failure/kept-machine.ts";
import type { Outcome, Stop } from "./outcome.ts";
import type { ParsedPayload } from "./payload.ts";
import type { ScreensSource } from "./screens/pictures.ts";

export interface Feature {
  readonly name: string;
  /** Undefined where the task does not ask for it. */
  begin(run: RunContext): ActiveFeature | undefined;
}

/** One run, as its features see it. */
export interface RunContext {
  readonly taskId: string;
  readonly runId: number;
  readonly payload: ParsedPayload;
  readonly config: Config;
  readonly artifacts: RunArtifacts;
  /** Absolute path of the folder of this run, for what is kept of it beside artifacts. */
  readonly directory: string;
  /** Parent of folders that must not outlive this process; see OwnedDirectory. */
  readonly stateParent: string;
  /** Saved machines of this host; undefined: none are kept. */
  readonly snapshots?: SnapshotStore | undefined;
  /** Who the run acts for. */
  readonly asker?: Asker | undefined;
  /** Gets every checkpoint that is stored. */
  readonly onCheckpoint?: ((made: MadeCheckpoint) => void) | undefined;
  /** Gets the machine that is kept because the run has failed. */
  readonly onKept?: ((kept: KeptMachine) => void) | undefined;
  /** A line of the worker in the log of the task. */
  readonly note: (text: string) => void;
  /** Takes the secrets of the task out of a text. */
  readonly mask: (text: string) => string;
  /** Gets who knows about the network of the run, for who asks while it runs. */
  readonly onNetwork: (source: NetworkReportSource) => void;
  /** Gets who has the pictures that were taken of the screen so far. */
  readonly onScreens: (source: ScreensSource) => void;
  /** Gets who says how long the machine stays after the command. Undefined: nobody can reach the machine. */
  readonly onKeeper?: ((keeper: Keeper) => void) | undefined;
  /** When the queue gives up on the run; undefined: never. */
  readonly deadline?: Date | undefined;
  /** Fires when nobody waits for the run any more. */
  readonly signal: AbortSignal;
}

/** The machine of the run, while there is one. */
export interface TaskMachine {
  readonly guest: GuestSession;
  readonly vm: VirtualMachine;
  /** It can be saved at any instant; undefined where no feature asked for that, or it cannot be. */
  readonly savable?: SavableMachine | undefined;
  /** What a record of it says of its hardware, if it is saved. */
  hardwareFacts(): Promise<HardwareFacts>;
}

/** What becomes of what a guest asks to be kept of its machine. */
export interface CheckpointKeeper {
  /** How many, at most. */
  readonly max: number;
  /** See {@link OnCheckpoint}. */
  save(machine: TaskMachine, name: string, signal: AbortSignal): Promise<StoredCheckpoint>;
}

/** The network of the machine, before the guest goes on. */
export interface TaskConnection {
  readonly network: GuestNetwork;
  /** What it asks of its network, from then on. */
  readonly egress: { connect(record: EgressRecord): void };
  /** The mode, and why it is this one. */
  readonly mode: string;
}

export interface ActiveFeature extends Partial<AsyncDisposable> {
  /** There is no machine yet: fetch, lock. */
  prepare?(): Promise<void>;
  /** Places for disks that the machine is to have; the feature puts them in. */
  readonly disks?: number;
  /** The machine is to be one that can be saved at any instant, if it can be. */
  readonly savable?: boolean;
  /** A command that fails stands still at its end, until all of `failed` have settled. */
  readonly holds?: boolean;
  /** One feature at most has it. Default: the guest is told that there are no checkpoints. */
  readonly checkpoints?: CheckpointKeeper;
  /** Variables for the command, from `prepare` on; above those of the payload. */
  readonly env?: Readonly<Record<string, string>>;
  /** There is a machine, with a network that reaches nothing; called again where another takes its place. */
  connect?(connection: TaskConnection): Promise<void>;
  /** The guest answers, its command has not begun. */
  furnish?(machine: TaskMachine): Promise<void>;
  /** The command runs, until `over` fires. What this resolves with ends the command. */
  watch?(machine: TaskMachine, over: AbortSignal): Promise<Stop | undefined>;
  /**
   * The run fails, and nothing was ended or collected yet; at a panic the machine stands still. Once at most, as soon as
   * it is known; what is wrong with artifacts is known late.
   */
  failed?(machine: TaskMachine, failure: Stop): Promise<void>;
  /**
   * The command has ended, the machine lives.
   *
   * @param outcome As it is without what this feature says.
   * @returns problems, as sentences, that make a completed task a failed one.
   */
  collect?(machine: TaskMachine, outcome: Outcome): Promise<readonly string[]>;
  /** How the run ended is known, and all is collected; the machine stays until this settles, as long as it lives. */
  keep?(machine: TaskMachine): Promise<void>;
  /** Something else than the command ended the run, and the machine is still there. */
  salvage?(machine: TaskMachine): Promise<void>;
  /** The machine is gone, or never was. Not called in a run nobody waits for. */
  finish?(outcome: Outcome): Promise<void>;
  /** What the end of the run means. Pure. */
  judge?(outcome: Outcome): Outcome;
}
