/** One run from the inside: its report, and pictures of its screen. */
import { access, readFile } from "node:fs/promises";
import { codeOf } from "../../base/errors.ts";
import { unsafePathReason } from "../../base/relative-path.ts";
import { MAX_INDEX_BYTES, parseIndex, SCREENS_FOLDER, SCREENS_INDEX } from "../../feature/screens/pictures.ts";
import type { ApiLive, ApiRunReport, ApiSavedRun } from "../../generated/api.ts";
import type { ArtifactEntry, TaskQueue } from "../../queue/task-queue.ts";
import { ApiError } from "../api/api-error.ts";
import { defineRoute, type Route } from "../api/route.ts";
import { findArtifact } from "./find-artifact.ts";
import { runOf } from "./log-request.ts";
import { type FoundRun, findRun, isOver } from "./run-reference.ts";
import { type StoredFile, sendStoredFile } from "./stored-file.ts";

export interface RunKey {
  /** As the client gave it. */
  readonly task: string;
  readonly run: number | "latest";
}

/** What a worker reports of a run. */
export type ReportParts = Pick<ApiRunReport, "image" | "machine" | "start" | "workerId" | "saved"> & {
  readonly accelerator?: string;
  readonly phases: Readonly<ApiRunReport["phases"]>;
  readonly steps: Readonly<ApiRunReport["steps"]>;
};

export interface Picture {
  /** ISO 8601. */
  readonly time: string;
  readonly name: string;
  /** Absolute path; it may be gone already. */
  readonly file: string;
  readonly sha256: string;
  readonly contentType: string;
}

export interface RunRoutesOptions {
  queue: TaskQueue;
  /** Undefined where there is none. @throws {WorkerError} `log-elsewhere` */
  report: (key: RunKey) => Promise<ReportParts | undefined>;
  /** Of a run that is under way here; the oldest first. */
  pictures: (key: RunKey) => Promise<readonly Picture[] | undefined>;
  /** Of a run that has a machine here. */
  live?: (key: { taskId: string; runId: number }) => ApiLive | undefined;
  /** Whether what that worker has kept of a run's machine is there still. Default: as long as it was to be. */
  isSaved?: (saved: ApiSavedRun, workerId: string | undefined) => Promise<boolean>;
}

export function runRoutes(options: RunRoutesOptions): Route[] {
  const { queue, pictures } = options;
  return [
    defineRoute()({
      method: "GET",
      path: "/api/v1/tasks/{task}/runs/{run}",
      operation: "getRun",
      summary: "One run, from the inside",
      tag: "runs",
      permission: "read",
      answeredBy: "run",
      answers: { 200: { description: "What its worker says of it, as far as it came.", schema: "runReport" } },
      handle: async ({ params }) => await reportOf(await findRun(queue, params), options),
    }),
    defineRoute()({
      method: "GET",
      path: "/api/v1/tasks/{task}/runs/{run}/screenshots",
      operation: "listScreenshots",
      summary: "Pictures of the screen, also while the run lasts",
      tag: "runs",
      permission: "read",
      answeredBy: "run",
      answers: { 200: { description: "The oldest first.", schema: "screenshots" } },
      async handle({ params }) {
        const live = await pictures({ task: params.task, run: runOf(params.run) });
        if (live !== undefined) return live.map(({ time, name }) => ({ time, name }));
        const { task, run } = await findRun(queue, params);
        return await keptPictures(await queue.artifacts(task.taskId, run.runId));
      },
    }),
    defineRoute()({
      method: "GET",
      path: "/api/v1/tasks/{task}/runs/{run}/screenshots/{name}",
      operation: "getScreenshot",
      summary: "A picture of the screen",
      tag: "runs",
      permission: "read",
      answeredBy: "run",
      answers: {
        200: { description: "PNG or JPEG.", contentType: "image/*" },
        206: { description: "The part that was asked for.", contentType: "image/*" },
        304: { description: "The client has it." },
      },
      async handle({ params, request, response }) {
        const stored = await pictureOf(params, options);
        await sendStoredFile(request, response, stored);
      },
    }),
  ];
}

async function reportOf(
  { task, run }: FoundRun,
  { report, live, isSaved = isInTime }: RunRoutesOptions,
): Promise<ApiRunReport> {
  const { taskId } = task;
  const { runId, state, reason, message, exitCode } = run;
  const { accelerator, saved, ...parts } = await reportParts(report, { task: taskId, run: runId });
  const workerId = run.workerId ?? parts.workerId;
  const isThere = saved !== undefined && (await isSaved(saved, workerId));
  const machine = live?.({ taskId, runId });
  return {
    ...{ taskId, runId, state, ...parts },
    ...{ phases: [...parts.phases], steps: [...parts.steps] },
    ...(isAccelerator(accelerator) ? { accelerator } : {}),
    ...(workerId === undefined ? {} : { workerId }),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(isThere ? { saved } : {}),
    ...(machine === undefined ? {} : { live: machine }),
  };
}

export async function isInTime({ expires }: Pick<ApiSavedRun, "expires">): Promise<boolean> {
  return Date.parse(expires) > Date.now();
}

const NOTHING: ReportParts = { phases: [], steps: [] };

async function reportParts(report: RunRoutesOptions["report"], key: RunKey): Promise<ReportParts> {
  try {
    return (await report(key)) ?? NOTHING;
  } catch (error) {
    // The worker that has it is not there to be asked; what the queue knows is more than nothing.
    if (codeOf(error) === "log-elsewhere") return NOTHING;
    throw error;
  }
}

function isAccelerator(text: string | undefined): text is "kvm" | "tcg" {
  return text === "kvm" || text === "tcg";
}

async function keptPictures(artifacts: readonly ArtifactEntry[]): Promise<{ time: string; name: string }[]> {
  if (!artifacts.some(({ name }) => name === SCREENS_INDEX)) return [];
  const found = findArtifact(artifacts, SCREENS_INDEX);
  if (found.kind !== "file") return [];
  const { file, sizeBytes = 0, contentEncoding } = found.artifact;
  if (sizeBytes > MAX_INDEX_BYTES || contentEncoding !== undefined) return [];
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return "";
    throw error;
  });
  const names = new Set(artifacts.map(({ name }) => name));
  return parseIndex(text).filter(({ name }) => names.has(`${SCREENS_FOLDER}/${name}`));
}

async function pictureOf(
  params: { task: string; run: string; name: string },
  { queue, pictures }: RunRoutesOptions,
): Promise<StoredFile> {
  const { name } = params;
  if (name.includes("/") || unsafePathReason(name) !== undefined) {
    throw new ApiError(400, "bad-request", "the name of a picture is one of those in the list");
  }
  const { task, run, isExact } = await findRun(queue, params);
  if (!isOver(run)) {
    const live = await pictures({ task: task.taskId, run: run.runId });
    const picture = live?.find((each) => each.name === name);
    // It may be with the queue already.
    if (picture !== undefined && (await isThere(picture.file))) return { ...picture, isFinal: isExact };
  }
  const found = findArtifact(await queue.artifacts(task.taskId, run.runId), `${SCREENS_FOLDER}/${name}`);
  if (found.kind === "file") return { ...found.artifact, isFinal: isExact && isOver(run) };
  throw new ApiError(404, "artifact-not-found", "there is no picture of that name");
}

async function isThere(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}
