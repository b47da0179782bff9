/**
 * Every deliberate error of Boxcar.
 *
 * `code` is stable and machine-readable; `blame` decides what a queue is told
 * (see {@link resolutionReason}); `message` tells the reader what to do next.
 */

/** Who has to act for the same thing to succeed next time. */
export type Blame = "task" | "image" | "upstream" | "host" | "worker";

/** Why a run ended in `exception` rather than in `completed` or `failed`. */
export type ExceptionReason =
  | "malformed-payload"
  | "resource-unavailable"
  | "internal-error"
  | "canceled"
  | "deadline-exceeded"
  | "worker-shutdown"
  | "intermittent-task"
  | "claim-expired"
  | "superseded";

export interface WorkerErrorOptions {
  code: string;
  blame: Blame;
  /** What the queue is told, where that does not follow from the blame. */
  reason?: ExceptionReason | undefined;
  cause?: unknown;
  /** Facts for programs and logs; never secrets. */
  details?: Readonly<Record<string, unknown>>;
}

export class WorkerError extends Error {
  readonly code: string;
  readonly blame: Blame;
  readonly reason: ExceptionReason | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, options: WorkerErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
    this.blame = options.blame;
    this.reason = options.reason;
    this.details = options.details ?? {};
  }
}

/** One thing wrong with a document, and where. */
export interface Issue {
  /** Path inside the document, for example `machine.memory` or `artifacts[2].name`; "" is the whole. */
  path: string;
  /** The rule that was broken, as a sentence without the path. */
  message: string;
}

/** A document from outside does not match its schema; carries every issue found, not only the first. */
export class InvalidInputError extends WorkerError {
  readonly issues: readonly Issue[];

  constructor(subject: string, issues: readonly Issue[], blame: Blame) {
    const lines = issues.map(({ path, message }) => `  ${path === "" ? "(document)" : path}: ${message}`);
    const count = issues.length === 1 ? "1 issue" : `${issues.length} issues`;
    super(`${subject} has ${count}:\n${lines.join("\n")}`, {
      code: "invalid-input",
      blame,
      details: { subject, issues },
    });
    this.issues = issues;
  }
}

/** What stopped a run from outside; travels as `signal.reason`. Not a fault of anybody. */
export class Cancellation extends Error {
  readonly reason: "canceled" | "deadline-exceeded" | "worker-shutdown" | "claim-expired" | "superseded";

  constructor(reason: Cancellation["reason"], message: string) {
    super(message);
    this.name = "Cancellation";
    this.reason = reason;
  }
}

const REASON_BY_BLAME: Readonly<Record<Blame, ExceptionReason>> = {
  task: "malformed-payload",
  image: "malformed-payload",
  upstream: "resource-unavailable",
  host: "internal-error",
  worker: "internal-error",
};

/** The one mapping from an error to what the queue is told. */
export function resolutionReason(error: unknown): ExceptionReason {
  if (error instanceof Cancellation) return error.reason;
  if (error instanceof WorkerError) return error.reason ?? REASON_BY_BLAME[error.blame];
  return "internal-error";
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node system error (`ENOENT` …) or of a WorkerError. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
