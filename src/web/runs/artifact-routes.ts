/** What was kept of runs: lists, and the content. */
import { SOCKETS_NAME } from "../../feature/artifacts/reserved-names.ts";
import type { ArtifactEntry, TaskQueue } from "../../queue/task-queue.ts";
import { flag } from "../api/parameters.ts";
import { requirePermission } from "../api/permission.ts";
import { defineRoute, type Route } from "../api/route.ts";
import { findArtifact } from "./find-artifact.ts";
import { findRun, isOver } from "./run-reference.ts";
import { sendStoredFile } from "./stored-file.ts";

export function artifactRoutes(queue: TaskQueue): Route[] {
  return [
    defineRoute()({
      method: "GET",
      path: "/api/v1/tasks/{task}/artifacts",
      operation: "listTaskArtifacts",
      summary: "What was kept of the last run of a task",
      tag: "runs",
      permission: "read",
      answers: { 200: { description: "Its artifacts.", schema: "artifacts" } },
      handle: async ({ params }) => (await queue.artifacts(params.task)).map(plain),
    }),
    defineRoute()({
      method: "GET",
      path: "/api/v1/tasks/{task}/runs/{run}/artifacts",
      operation: "listArtifacts",
      summary: "What was kept of a run",
      tag: "runs",
      permission: "read",
      answers: { 200: { description: "Its artifacts.", schema: "artifacts" } },
      async handle({ params }) {
        const { task, run } = await findRun(queue, params);
        return (await queue.artifacts(task.taskId, run.runId)).map(plain);
      },
    }),
    defineRoute()({
      method: "GET",
      path: "/api/v1/tasks/{task}/runs/{run}/artifacts/{+name}",
      operation: "getArtifact",
      summary: "The content of an artifact",
      tag: "runs",
      permission: "read",
      query: { download: flag("To be saved, not shown.") },
      answeredBy: "run",
      answers: {
        200: { description: "The content; packed as the list says, if the client takes that.", contentType: "*/*" },
        206: { description: "The part that was asked for.", contentType: "*/*" },
        303: { description: "It stands for what is at another address." },
        304: { description: "The client has it." },
      },
      async handle({ params, principal, query, request, response }) {
        const { task, run, isExact } = await findRun(queue, params);
        const found = findArtifact(await queue.artifacts(task.taskId, run.runId), params.name);
        if (found.kind === "address") {
          response.set("Cache-Control", "no-store").status(303).location(found.url).end();
          return;
        }
        const { artifact } = found;
        // Who has it may do all that the submitter may.
        if (artifact.name === SOCKETS_NAME && task.submitter !== principal.name)
          requirePermission(principal, "control");
        // Names of a run that is over stand for the same bytes as long as there is the run.
        await sendStoredFile(request, response, { ...artifact, isFinal: isExact && isOver(run) }, query);
      },
    }),
  ];
}

function plain({ file: _file, ...artifact }: ArtifactEntry): Omit<ArtifactEntry, "file"> {
  return artifact;
}
