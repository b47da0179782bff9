/** What the queue answers: untrusted → typed. Pure. */
import { PRIORITIES, type Priority } from "../task.ts";
import type { Credentials } from "./options.ts";

/** A claim as `claimWork` tells it. */
export interface ClaimAnswer {
  readonly taskId: string;
  readonly runId: number;
  readonly takenUntil: Date;
  readonly credentials: Credentials;
  /** When the queue gave the run to us, by its own clock. */
  readonly started: Date | undefined;
  readonly task: {
    readonly payload: unknown;
    readonly priority: Priority;
    readonly created: Date;
    readonly deadline: Date;
    readonly expires: Date;
    readonly name: string | undefined;
    readonly scopes: readonly string[];
    readonly scheduled?: Date;
    readonly traceparent?: string;
  };
}

export interface ReclaimAnswer {
  readonly takenUntil: Date;
  readonly credentials: Credentials;
}

/** One run in the status of a task. */
export interface RunStatus {
  readonly state: string;
  readonly reasonResolved: string | undefined;
  readonly scheduled?: Date | undefined;
  readonly started: Date | undefined;
}

export type UploadAnswer =
  | { readonly storageType: "s3"; readonly putUrl: string }
  | {
      readonly storageType: "object";
      readonly name: string;
      readonly projectId: string;
      readonly uploadId: string;
      readonly credentials: Credentials;
    };

export type ArtifactContent =
  | { readonly storageType: "s3" | "reference"; readonly url: string }
  | { readonly storageType: "object"; readonly name: string; readonly credentials: Credentials }
  | { readonly storageType: "error"; readonly reason: string; readonly message: string };

export interface ObjectDownload {
  readonly url: string;
  readonly digests: { readonly sha256?: string; readonly sha512?: string };
}

export interface PutUrl {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Something in an answer is not what the API promises. */
export class AnswerError extends Error {}

export function parseClaims(answer: unknown): ClaimAnswer[] {
  return list(field(answer, "tasks"), "tasks").map(parseClaim);
}

export function parseReclaim(answer: unknown): ReclaimAnswer {
  return { takenUntil: date(answer, "takenUntil"), credentials: parseCredentials(field(answer, "credentials")) };
}

/** Undefined if the task has no such run. */
export function parseRunStatus(answer: unknown, runId: number): RunStatus | undefined {
  const run = list(field(field(answer, "status"), "runs"), "runs")[runId];
  if (run === undefined) return undefined;
  return {
    state: text(run, "state"),
    reasonResolved: optionalText(run, "reasonResolved"),
    scheduled: optionalDate(run, "scheduled"),
    started: optionalDate(run, "started"),
  };
}

export function parseUpload(answer: unknown): UploadAnswer {
  const storageType = text(answer, "storageType");
  if (storageType === "s3") return { storageType, putUrl: text(answer, "putUrl") };
  if (storageType !== "object") throw new AnswerError(`storageType is ${JSON.stringify(storageType)}`);
  return {
    storageType,
    name: text(answer, "name"),
    projectId: text(answer, "projectId"),
    uploadId: text(answer, "uploadId"),
    credentials: parseCredentials(field(answer, "credentials")),
  };
}

/** Undefined if the object service offers another way to upload, or none. */
export function parsePutUrl(answer: unknown): PutUrl | undefined {
  const method = field(field(answer, "uploadMethod"), "putUrl");
  if (method === undefined) return undefined;
  const headers = field(method, "headers");
  const names = typeof headers === "object" && headers !== null ? Object.keys(headers) : [];
  return { url: text(method, "url"), headers: Object.fromEntries(names.map((name) => [name, text(headers, name)])) };
}

/** Of `artifact` and `latestArtifact`. */
export function parseArtifactContent(answer: unknown): ArtifactContent {
  const storageType = text(answer, "storageType");
  switch (storageType) {
    case "s3":
    case "reference":
      return { storageType, url: text(answer, "url") };
    case "object":
      return { storageType, name: text(answer, "name"), credentials: parseCredentials(field(answer, "credentials")) };
    case "error":
      return { storageType, reason: text(answer, "reason"), message: text(answer, "message") };
    default:
      throw new AnswerError(`storageType is ${JSON.stringify(storageType)}`);
  }
}

/** The id of the task. */
export function parseIndexedTask(answer: unknown): string {
  return text(answer, "taskId");
}

/** Of `startDownload`, by the only method it was asked for. */
export function parseDownload(answer: unknown): ObjectDownload {
  const method = text(answer, "method");
  if (method !== "getUrl") throw new AnswerError(`method is ${JSON.stringify(method)}`);
  const hashes = field(answer, "hashes");
  const sha256 = optionalText(hashes, "sha256")?.toLowerCase();
  const sha512 = optionalText(hashes, "sha512")?.toLowerCase();
  const digests = { ...(sha256 === undefined ? {} : { sha256 }), ...(sha512 === undefined ? {} : { sha512 }) };
  return { url: text(answer, "url"), digests };
}

function parseClaim(claim: unknown): ClaimAnswer {
  const task = field(claim, "task");
  const runId = field(claim, "runId");
  if (typeof runId !== "number") throw new AnswerError("runId is no number");
  const run = parseRunStatus(claim, runId);
  const traceparent = optionalText(field(task, "tags"), "traceparent");
  return {
    taskId: text(field(claim, "status"), "taskId"),
    runId,
    takenUntil: date(claim, "takenUntil"),
    credentials: parseCredentials(field(claim, "credentials")),
    started: run?.started,
    task: {
      payload: field(task, "payload"),
      priority: parsePriority(field(task, "priority")),
      created: date(task, "created"),
      deadline: date(task, "deadline"),
      // Older queues leave it out; artifacts need one.
      expires: optionalDate(task, "expires") ?? date(task, "deadline"),
      name: optionalText(field(task, "metadata"), "name") || undefined,
      scopes: list(field(task, "scopes") ?? [], "scopes").filter((scope) => typeof scope === "string"),
      ...(run?.scheduled === undefined ? {} : { scheduled: run.scheduled }),
      ...(traceparent === undefined ? {} : { traceparent }),
    },
  };
}

/** "normal" is what old definitions say for the lowest. */
function parsePriority(value: unknown): Priority {
  return PRIORITIES.find((priority) => priority === value) ?? "lowest";
}

function parseCredentials(value: unknown): Credentials {
  const credentials = { clientId: text(value, "clientId"), accessToken: text(value, "accessToken") };
  const certificate = optionalText(value, "certificate");
  return certificate === undefined ? credentials : { ...credentials, certificate };
}

function field(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

function text(value: unknown, key: string): string {
  const found = field(value, key);
  if (typeof found !== "string") throw new AnswerError(`${key} is missing`);
  return found;
}

function optionalText(value: unknown, key: string): string | undefined {
  const found = field(value, key);
  return typeof found === "string" ? found : undefined;
}

function date(value: unknown, key: string): Date {
  const found = new Date(text(value, key));
  if (Number.isNaN(found.getTime())) throw new AnswerError(`${key} is no date`);
  return found;
}

function optionalDate(value: unknown, key: string): Date | undefined {
  return optionalText(value, key) === undefined ? undefined : date(value, key);
}

function list(value: unknown, name: string): unknown[] {
  if (!Array.isArray(value)) throw new AnswerError(`${name} is no list`);
  return value;
}
