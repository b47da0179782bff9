// Generated from schemas/api.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesDuration } from "./config-values.ts";
import type { ImageSource } from "./image-source.ts";
import type { RegistryTag } from "./registry-tag.ts";
import type { SignatureEnvelope } from "./signature-envelope.ts";

/**
 * The newest first.
 */
export type ApiTasks = ApiTask[];
/**
 * Those of one run.
 */
export type ApiArtifacts = ApiArtifact[];
/**
 * The oldest first.
 */
export type ApiScreenshots = ApiScreenshot[];
/**
 * Of one machine.
 */
export type ApiDisplays = ApiDisplay[];
/**
 * The oldest first.
 */
export type ApiMachines = ApiMachine[];
/**
 * The oldest first.
 */
export type ApiVms = ApiVm[];
/**
 * By name.
 */
export type ApiWorkers = ApiWorker[];
/**
 * Those of one worker.
 */
export type ApiImages = ApiImage[];
/**
 * What a name in a registry stands for.
 */
export type ApiRegistryTag = RegistryTag;
/**
 * All names of a registry.
 */
export type ApiRegistryTags = ApiRegistryTag[];
/**
 * What a name is to stand for.
 */
export type ApiRegistryTagRequest = RegistryTag;
/**
 * Signatures of an image.
 */
export type ApiSignatureEnvelope = SignatureEnvelope;
/**
 * Signatures that are added.
 */
export type ApiSignatureEnvelopeRequest = SignatureEnvelope;
/**
 * The newest first.
 */
export type ApiJobs = ApiJob[];
/**
 * The newest first.
 */
export type ApiAuditEntries = ApiAuditEntry[];

/**
 * Bodies and answers of the HTTP API.
 */
export interface Api {}
/**
 * What went wrong.
 */
export interface ApiError {
  /**
   * Stable, for programs.
   */
  code: string;
  /**
   * For people: what to do next.
   */
  message: string;
  /**
   * Facts, such as the issues of a document.
   */
  details?: {
    [k: string]: unknown;
  };
}
/**
 * One thing wrong with a document.
 */
export interface ApiIssue {
  /**
   * Where it is, such as `payload.command`; empty for the whole.
   */
  path: string;
  /**
   * The rule that was broken.
   */
  message: string;
}
/**
 * What is wrong with a document.
 */
export interface ApiIssues {
  /**
   * Empty: nothing.
   */
  issues: ApiIssue[];
}
/**
 * One run of a task.
 */
export interface ApiRun {
  /**
   * From 0.
   */
  runId: number;
  /**
   * Where it is.
   */
  state: "pending" | "running" | "completed" | "failed" | "exception";
  /**
   * Why there is this run.
   */
  reasonCreated: "scheduled" | "retry" | "task-retry" | "rerun" | "exception";
  /**
   * Why it ended, where it did not complete.
   */
  reason?: string;
  /**
   * The same in words.
   */
  message?: string;
  /**
   * Of the command.
   */
  exitCode?: number;
  /**
   * Who claimed it.
   */
  workerId?: string;
  /**
   * When it could be claimed.
   */
  scheduled: string;
  /**
   * When it was claimed.
   */
  started?: string;
  /**
   * When it ended.
   */
  resolved?: string;
  /**
   * End of the lease.
   */
  takenUntil?: string;
}
/**
 * A task, without its payload.
 */
export interface ApiTask {
  /**
   * 22 letters, digits, `-` or `_`.
   */
  taskId: string;
  /**
   * Name of its task queue.
   */
  queue: string;
  /**
   * That of its last run.
   */
  state: "unscheduled" | "pending" | "running" | "completed" | "failed" | "exception";
  /**
   * How urgent it is.
   */
  priority: "highest" | "very-high" | "high" | "medium" | "low" | "very-low" | "lowest";
  /**
   * How people call it.
   */
  name?: string;
  /**
   * Who submitted it, where that is known.
   */
  submitter?: string;
  /**
   * When it was submitted.
   */
  created: string;
  /**
   * When the queue gives up on it.
   */
  deadline: string;
  /**
   * When it may be forgotten.
   */
  expires: string;
  /**
   * How often it is run again after its worker was lost.
   */
  retriesLeft: number;
  /**
   * Ids of what it depends on.
   *
   * Items: Id of a task.
   */
  dependencies: string[];
  /**
   * The oldest first.
   */
  runs: ApiRun[];
}
/**
 * All that is known of a task.
 */
export interface ApiTaskDetails {
  /**
   * 22 letters, digits, `-` or `_`.
   */
  taskId: string;
  /**
   * Name of its task queue.
   */
  queue: string;
  /**
   * That of its last run.
   */
  state: "unscheduled" | "pending" | "running" | "completed" | "failed" | "exception";
  /**
   * How urgent it is.
   */
  priority: "highest" | "very-high" | "high" | "medium" | "low" | "very-low" | "lowest";
  /**
   * How people call it.
   */
  name?: string;
  /**
   * Who submitted it, where that is known.
   */
  submitter?: string;
  /**
   * When it was submitted.
   */
  created: string;
  /**
   * When the queue gives up on it.
   */
  deadline: string;
  /**
   * When it may be forgotten.
   */
  expires: string;
  /**
   * How often it is run again after its worker was lost.
   */
  retriesLeft: number;
  /**
   * Ids of what it depends on.
   *
   * Items: Id of a task.
   */
  dependencies: string[];
  /**
   * The oldest first.
   */
  runs: ApiRun[];
  /**
   * As it was submitted; see the schema of a task.
   */
  definition: {
    [k: string]: unknown;
  };
  /**
   * What keeps it from being scheduled.
   *
   * Items: A task that has not ended as it must.
   */
  waitsFor: {
    /**
     * Its id.
     */
    taskId: string;
    /**
     * Its state.
     */
    state: "unscheduled" | "pending" | "running" | "completed" | "failed" | "exception";
  }[];
  /**
   * In one sentence: why it waits, or how it ended.
   */
  why?: string;
}
/**
 * Why a task is canceled.
 */
export interface ApiCancelRequest {
  /**
   * For who looks at the task.
   */
  message?: string;
}
/**
 * What one wants of the machine.
 */
export interface ApiInteractiveRequest {
  /**
   * A shell in it.
   */
  shell?: boolean;
  /**
   * Its screen, with keyboard and mouse.
   */
  display?: boolean;
  /**
   * How long it stays after the command: seconds, or a text.
   */
  keepAfter?: ConfigValuesDuration;
}
/**
 * A new task of the same definition.
 */
export interface ApiCopyRequest {
  /**
   * The machine is for a person too.
   */
  interactive?: ApiInteractiveRequest;
}
/**
 * A part of a run.
 */
export interface ApiPhase {
  /**
   * image, start, boot, furnish, run, collect …
   */
  name: string;
  /**
   * When it began.
   */
  startedAt: string;
  /**
   * Milliseconds; absent while it lasts.
   */
  durationMs?: number;
}
/**
 * A command of a task of several.
 */
export interface ApiStep {
  /**
   * As the payload has it.
   */
  name: string;
  /**
   * Milliseconds.
   */
  durationMs?: number;
  /**
   * How it ended.
   */
  exitCode?: number;
  /**
   * It was not run.
   */
  skipped?: boolean;
}
/**
 * A machine that is there.
 */
export interface ApiLive {
  /**
   * It has a screen one may see.
   */
  display: boolean;
  /**
   * It takes shells.
   */
  shell: boolean;
  /**
   * Its task said that it is for a person too.
   */
  interactive: boolean;
  /**
   * Its command has ended; until then it stays.
   */
  keptUntil?: string;
  /**
   * Who sees its screen now.
   */
  viewers: number;
  /**
   * Shells that are open.
   */
  shells: number;
}
/**
 * One run, from the inside.
 */
export interface ApiRunReport {
  /**
   * Of its task.
   */
  taskId: string;
  /**
   * From 0.
   */
  runId: number;
  /**
   * Where it is.
   */
  state: "pending" | "running" | "completed" | "failed" | "exception";
  /**
   * Who has, or had, it.
   */
  workerId?: string;
  /**
   * Why it ended, where it did not complete.
   */
  reason?: string;
  /**
   * The same in words.
   */
  message?: string;
  /**
   * Of the command.
   */
  exitCode?: number;
  /**
   * In their order.
   */
  phases: ApiPhase[];
  /**
   * In their order; empty where the task is one command.
   */
  steps: ApiStep[];
  /**
   * What it started from.
   */
  image?: {
    /**
     * `sha256:` and hex digits.
     */
    digest: string;
  };
  /**
   * Its hardware, in words.
   */
  machine?: string;
  /**
   * How its CPU runs.
   */
  accelerator?: "kvm" | "tcg";
  /**
   * How its machine came up.
   */
  start?: "booted" | "resumed" | "forked";
  /**
   * What the task has kept of its machine, on the host of this worker. Absent if nothing.
   *
   * Items: One of them.
   */
  checkpoints?: {
    /**
     * As the task called it.
     */
    name: string;
    /**
     * Id of the snapshot on its host.
     */
    snapshot: string;
    /**
     * What it takes on the disk.
     */
    bytes: number;
    /**
     * How long the machine stood still.
     */
    stillMs: number;
    /**
     * When it may be removed.
     */
    expires: string;
  }[];
  /**
   * Its machine as it was when the run failed, which may be resumed; absent where it is not kept, or not any more.
   */
  saved?: ApiSavedRun;
  /**
   * Absent where there is no machine.
   */
  live?: ApiLive;
}
/**
 * A machine that is kept as it was, on the host of the worker that ran the task.
 */
export interface ApiSavedRun {
  /**
   * Id of the snapshot on its host.
   */
  snapshot: string;
  /**
   * How the task had failed at that instant.
   */
  reason: string;
  /**
   * Until when it is kept.
   */
  expires: string;
  /**
   * What it takes on the disk.
   */
  bytes: number;
}
/**
 * The machine that is to be made.
 */
export interface ApiResumeRequest {
  /**
   * What it is called; no other machine of the host has the name. Left out: it has an id only.
   */
  name?: string;
}
/**
 * What was kept of a run.
 */
export interface ApiArtifact {
  /**
   * Relative path.
   */
  name: string;
  /**
   * MIME type.
   */
  contentType: string;
  /**
   * How its bytes are packed, as in HTTP.
   */
  contentEncoding?: string;
  /**
   * As stored.
   */
  sizeBytes?: number;
  /**
   * Of the stored bytes, hex.
   */
  sha256?: string;
  /**
   * When it may be removed.
   */
  expires: string;
  /**
   * Who has put it there.
   */
  workerId?: string;
  /**
   * Why there is no content.
   */
  error?: {
    /**
     * Stable.
     */
    reason: string;
    /**
     * For people.
     */
    message: string;
  };
  /**
   * What it stands for.
   */
  link?: {
    /**
     * Another artifact of the run.
     */
    artifact?: string;
    /**
     * An address.
     */
    url?: string;
  };
}
/**
 * A picture of the screen.
 */
export interface ApiScreenshot {
  /**
   * When it was taken.
   */
  time: string;
  /**
   * To fetch it by.
   */
  name: string;
}
/**
 * A screen.
 */
export interface ApiDisplay {
  /**
   * Its name.
   */
  display: string;
  /**
   * For people.
   */
  description: string;
  /**
   * Pixels.
   */
  width: number;
  /**
   * Pixels.
   */
  height: number;
}
/**
 * A way to a machine for who has it.
 */
export interface ApiLinkRequest {
  /**
   * What it leads to.
   */
  kind: "display" | "shell";
  /**
   * Whether input is taken; a shell always does.
   */
  mode?: "view" | "control";
}
/**
 * A way to a machine, once.
 */
export interface ApiLink {
  /**
   * Secret; good for one connection.
   */
  ticket: string;
  /**
   * Page that uses it, below this server's address.
   */
  path: string;
  /**
   * After that it is good for nothing.
   */
  expires: string;
}
/**
 * How long from now a machine stays after its command.
 */
export interface ApiKeepRequest {
  /**
   * Seconds, or a text such as `30 minutes`.
   */
  for: ConfigValuesDuration;
}
/**
 * A machine that runs.
 */
export interface ApiMachine {
  /**
   * Of its task.
   */
  taskId: string;
  /**
   * From 0.
   */
  runId: number;
  /**
   * Of its task.
   */
  name?: string;
  /**
   * Who has it.
   */
  workerId: string;
  /**
   * What it is at.
   */
  phase: string;
  /**
   * Its hardware, in words.
   */
  machine?: string;
  /**
   * Of the machine.
   */
  memoryMiB: number;
  /**
   * When the run was claimed.
   */
  since: string;
  /**
   * It has a screen one may see.
   */
  display: boolean;
  /**
   * It takes shells.
   */
  shell: boolean;
  /**
   * Its command has ended; until then it stays.
   */
  keptUntil?: string;
}
/**
 * A machine that stays until somebody stops it, as `boxcar vm` has them.
 */
export interface ApiVm {
  /**
   * 12 hexadecimal digits.
   */
  id: string;
  /**
   * What people call it.
   */
  name?: string;
  /**
   * The worker on whose host it is.
   */
  worker: string;
  /**
   * As it is in truth.
   */
  state: "creating" | "created" | "running" | "paused" | "stopped" | "error";
  /**
   * Why it is stopped or at fault, in a sentence.
   */
  reason?: string;
  /**
   * What its disk lies on.
   */
  image: {
    /**
     * `sha256:` and hex digits.
     */
    digest: string;
    /**
     * What it was called when the machine was made.
     */
    reference: string;
  };
  /**
   * What it was made from, where that was not an image alone.
   */
  from?: {
    /**
     * Id of the saved machine, which may be gone.
     */
    snapshot: string;
    /**
     * The machine that was saved, where it was one that stays.
     */
    vm?: {
      /**
       * Its id.
       */
      id: string;
      /**
       * What it was called then.
       */
      name?: string;
    };
    /**
     * The task whose machine was saved.
     */
    task?: {
      /**
       * The task.
       */
      taskId: string;
      /**
       * From 0.
       */
      runId: number;
      /**
       * What the task called it; absent: it has failed.
       */
      checkpoint?: string;
      /**
       * Why the task has failed.
       */
      reason?: string;
    };
  };
  /**
   * Its hardware, in words.
   */
  machine: string;
  /**
   * Of the machine.
   */
  memoryMiB: number;
  /**
   * That the guest sees.
   */
  cpus: number;
  /**
   * How its CPU runs; absent while it does not.
   */
  accelerator?: "kvm" | "tcg";
  /**
   * What it reaches, in words.
   */
  network: string;
  /**
   * Ports of its host that lead into it while it runs.
   *
   * Items: One of them.
   */
  ports: {
    /**
     * Address of the host.
     */
    host: string;
    /**
     * 0: one that is free when it starts.
     */
    hostPort: number;
    /**
     * Port of the guest.
     */
    guestPort: number;
  }[];
  /**
   * It has a screen.
   */
  display: boolean;
  /**
   * Boxcar's agent in the guest answers; absent where nobody has asked it, as in a list.
   */
  shell?: boolean;
  /**
   * When it was made.
   */
  created: string;
  /**
   * When its state has changed last.
   */
  changed: string;
  /**
   * When it was started last.
   */
  started?: string;
  /**
   * How often it was started.
   */
  starts: number;
}
/**
 * How a machine is stopped.
 */
export interface ApiVmStopRequest {
  /**
   * The guest is not asked.
   */
  force?: boolean;
}
/**
 * A way to a machine that stays, for who has it.
 */
export interface ApiVmLinkRequest {
  /**
   * What it leads to.
   */
  kind: "display" | "shell" | "console";
  /**
   * Whether input is taken; a shell always does.
   */
  mode?: "view" | "control";
}
/**
 * What waits and runs.
 */
export interface ApiQueue {
  /**
   * Kind of queue, and where it is.
   */
  description: string;
  /**
   * By name.
   *
   * Items: One task queue.
   */
  queues: {
    /**
     * Its name.
     */
    name: string;
    /**
     * Tasks that wait for others.
     */
    unscheduled: number;
    /**
     * Tasks that wait for a worker.
     */
    pending: number;
    /**
     * Tasks that run.
     */
    running: number;
  }[];
  /**
   * Since when the oldest waits.
   */
  oldestPending?: string;
}
/**
 * A run that a worker has.
 */
export interface ApiRunningTask {
  /**
   * Of its task.
   */
  taskId: string;
  /**
   * From 0.
   */
  runId: number;
  /**
   * Of its task.
   */
  name?: string;
  /**
   * What it is at.
   */
  phase: string;
  /**
   * When it was claimed.
   */
  since: string;
  /**
   * Its hardware, in words.
   */
  machine?: string;
  /**
   * Of its machine.
   */
  memoryMiB?: number;
  /**
   * It has a screen one may see.
   */
  display?: boolean;
  /**
   * It takes shells.
   */
  shell?: boolean;
  /**
   * Its command has ended; until then the machine stays.
   */
  keptUntil?: string;
}
/**
 * What a worker says of itself.
 */
export interface ApiWorkerStatus {
  /**
   * What it does about new tasks.
   */
  state: "claiming" | "full" | "paused" | "waiting" | "draining" | "stopping" | "stopped";
  /**
   * Why it claims none.
   */
  why?: string;
  /**
   * Kind of queue, and where it is.
   */
  queue: string;
  /**
   * When it started.
   */
  startedAt: string;
  /**
   * Most machines at once.
   */
  capacity: number;
  /**
   * Mode of its machines' networks, and why.
   */
  network?: string;
  /**
   * Machines that wait for a task.
   */
  pooled?: number;
  /**
   * What it has.
   */
  running: ApiRunningTask[];
  /**
   * Runs that are over, since the start.
   */
  finished: {
    /**
     * All.
     */
    total: number;
    /**
     * By resolution or reason.
     */
    byEnd: {
      /**
       * How many.
       */
      [k: string]: number;
    };
  };
}
/**
 * A worker of the fleet.
 */
export interface ApiWorker {
  /**
   * Its name.
   */
  workerId: string;
  /**
   * It is the one that answers.
   */
  self: boolean;
  /**
   * It was heard of not long ago.
   */
  alive?: boolean;
  /**
   * Where other workers reach it.
   */
  url?: string;
  /**
   * The task queue it claims from.
   */
  queue: string;
  /**
   * Of Boxcar.
   */
  version?: string;
  /**
   * When it was heard of last.
   */
  seenAt: string;
  /**
   * As of then.
   */
  status: ApiWorkerStatus;
}
/**
 * Why it is done.
 */
export interface ApiReasonRequest {
  /**
   * For the log and for who looks at it.
   */
  reason?: string;
}
/**
 * Who asks, and what he may.
 */
export interface ApiSession {
  /**
   * Null: nobody has logged in.
   */
  principal: null | {
    /**
     * Of the token or person.
     */
    name: string;
    /**
     * What he may.
     */
    role: "viewer" | "submitter" | "operator" | "admin";
    /**
     * How he is known.
     */
    via: string;
  };
  /**
   * Of his role.
   *
   * Items: Its name.
   */
  permissions: string[];
  /**
   * Value of the header `X-Boxcar-CSRF`.
   */
  csrf?: string;
  /**
   * Whether one has to log in at all.
   */
  accessEnabled: boolean;
  /**
   * How one can.
   */
  methods: {
    /**
     * With a token.
     */
    token: boolean;
    /**
     * With an identity provider.
     */
    oidc?: {
      /**
       * Of the button.
       */
      label: string;
      /**
       * Where it begins.
       */
      path: string;
    };
  };
  /**
   * Of Boxcar.
   */
  version: string;
  /**
   * Of the worker that answers.
   */
  workerId: string;
  /**
   * Where people reach it, if that is known.
   */
  url?: string;
}
/**
 * A login.
 */
export interface ApiLoginRequest {
  /**
   * A token of this queue.
   */
  token: string;
}
/**
 * Whether the process works.
 */
export interface ApiHealth {
  /**
   * It does.
   */
  healthy: boolean;
  /**
   * What hangs.
   *
   * Items: A sentence.
   */
  problems: string[];
}
/**
 * Whether it takes tasks.
 */
export interface ApiReadiness {
  /**
   * It does.
   */
  ready: boolean;
  /**
   * Why not.
   */
  why?: string;
}
/**
 * An image, as `boxcar image list --json` has it.
 */
export interface ApiImage {
  /**
   * `sha256:` and hex digits.
   */
  digest: string;
  /**
   * Its names.
   *
   * Items: A name.
   */
  tags: string[];
  /**
   * Digest of the image it lies on; absent if it stands alone.
   */
  parent?: string;
  /**
   * What it lies on: its parent, the parent of that, and so on.
   *
   * Items: `sha256:` and hex digits.
   */
  ancestors?: string[];
  /**
   * Whether the archive it came from is there too, so that others can have it from the registry of this worker.
   */
  archiveKept?: boolean;
  /**
   * Who says that he has signed it; that it is true shows when it is verified.
   *
   * Items: One signature.
   */
  signatures?: {
    /**
     * SHA-256 digest of the public key, in hexadecimal.
     */
    key: string;
  }[];
  [k: string]: unknown;
}
/**
 * What is gone of an image.
 */
export interface ApiRemovedImage {
  /**
   * Names.
   *
   * Items: A name.
   */
  removedTags: string[];
  /**
   * The image itself too, with its snapshots.
   */
  removedImage: boolean;
}
/**
 * An image to fetch.
 */
export interface ApiPullRequest {
  /**
   * As the `image` of a task: a path or URL that the configuration allows, a URL with digests, or an artifact.
   */
  source: ImageSource;
  /**
   * A name for it.
   */
  tag?: string;
}
/**
 * A name for an image.
 */
export interface ApiTagRequest {
  /**
   * Name or digest.
   */
  image: string;
  /**
   * The new name.
   */
  tag: string;
}
/**
 * An image that is to be ready.
 */
export interface ApiWarmRequest {
  /**
   * Name or digest.
   */
  image: string;
}
/**
 * Something that takes a while.
 */
export interface ApiJob {
  /**
   * Its id.
   */
  job: string;
  /**
   * What it does.
   */
  kind: "pull" | "warm";
  /**
   * Where it is.
   */
  state: "running" | "done" | "failed";
  /**
   * When it began.
   */
  started: string;
  /**
   * In words.
   */
  progress?: string;
  /**
   * Digest of what came of it.
   */
  image?: string;
  /**
   * Why it failed.
   */
  error?: ApiError;
}
/**
 * Something somebody did.
 */
export interface ApiAuditEntry {
  /**
   * Unique; `before` takes it.
   */
  id: string;
  /**
   * When it began.
   */
  time: string;
  /**
   * Who.
   */
  principal: string;
  /**
   * How he was known.
   */
  via: string;
  /**
   * What.
   */
  action: string;
  /**
   * On what.
   */
  target?: string;
  /**
   * From where.
   */
  address?: string;
  /**
   * How it went.
   */
  outcome: string;
  /**
   * More facts.
   */
  details?: {
    [k: string]: unknown;
  };
}
/**
 * What a run has asked of its network; see docs/network.md.
 */
export interface ApiNetwork {
  [k: string]: unknown;
}
