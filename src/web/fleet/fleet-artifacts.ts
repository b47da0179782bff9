/**
 * Artifacts of the tasks of a queue, on whatever host they are: what is not here is asked of the worker that has it.
 *
 * Tasks have no rights of their own on such a queue: who may submit one may read every artifact, and so may the task. Only
 * what leads into a machine that runs is not among them.
 */
import type { Principal } from "../../access/principal.ts";
import { SOCKETS_NAME } from "../../feature/artifacts/reserved-names.ts";
import { ImageError } from "../../image/errors.ts";
import type { ArtifactOrigin, LocatedArtifact } from "../../image/source/artifact-origin.ts";
import { type ArtifactReference, describeReference } from "../../image/source/spec.ts";
import { QueueError } from "../../queue/errors.ts";
import type { ArtifactEntry, TaskQueue } from "../../queue/task-queue.ts";
import type { WorkerDirectory } from "../../queue/worker-directory.ts";
import { ApiError } from "../api/api-error.ts";
import { followLinks } from "../runs/find-artifact.ts";
import { FLEET_HEADER } from "./fleet-headers.ts";
import { signStatement } from "./fleet-statement.ts";
import { locateWorker } from "./locate-run.ts";

export interface FleetArtifactsOptions {
  /** Id of this worker. */
  readonly self: string;
  readonly tasks: Pick<TaskQueue, "show" | "artifacts">;
  readonly workers: Pick<WorkerDirectory, "find" | "fleetKey">;
}

export class FleetArtifacts implements ArtifactOrigin {
  readonly #options: FleetArtifactsOptions;
  readonly #principal: Principal;

  constructor(options: FleetArtifactsOptions) {
    this.#options = options;
    this.#principal = { name: `worker:${options.self}`, role: "viewer", via: "worker" };
  }

  /** @throws {ImageError} `image-artifact-not-found`, `image-artifact-refused`; {QueueError} */
  async locate(reference: ArtifactReference): Promise<LocatedArtifact> {
    if ("namespace" in reference) {
      const message = "the queue of this worker has no index; name the image by taskId and artifact";
      throw new ImageError("image-artifact-not-found", message, { blame: "task" });
    }
    if (reference.artifact === SOCKETS_NAME) throw refusedAs(reference, "it leads into a machine");
    const { taskId, runs } = await this.#options.tasks.show(reference.taskId);
    const { runId = runs.length - 1, artifact: name } = reference;
    if (runs[runId] === undefined) throw notFound(reference, `the task has had ${runs.length} runs`);
    const found = explained(reference, followLinks, await this.#options.tasks.artifacts(taskId, runId), name);
    const id = `${taskId}/${runId}/${name}`;
    if (found.kind === "address") return { id, isFinal: false, digests: {}, url: found.url, chosenBy: "task" };
    const { artifact } = found;
    if (artifact.name === SOCKETS_NAME) throw refusedAs(reference, "it leads into a machine");
    const { contentEncoding, sha256, file } = artifact;
    // What the queue knows is the digest of what is kept, packed as it is.
    const digests = sha256 === undefined || contentEncoding !== undefined ? {} : { sha256 };
    const facts = { id: `${id} ${sha256 ?? ""}`, isFinal: sha256 !== undefined, digests };
    if (file === undefined) return { ...facts, ...(await this.#onOtherHost(taskId, runId, artifact)) };
    return { ...facts, file, ...(contentEncoding === undefined ? {} : { contentEncoding }) };
  }

  /** @throws {QueueError} blame upstream */
  async #onOtherHost(taskId: string, runId: number, { name, workerId = "" }: ArtifactEntry) {
    const { self, workers } = this.#options;
    const path = `/api/v1/tasks/${taskId}/runs/${runId}/artifacts/${name.split("/").map(encodeURIComponent).join("/")}`;
    const origin = await this.#originOf(workerId);
    const { pathname, href } = new URL(path, origin);
    const headers = async () => {
      const key = await workers.fleetKey();
      const statement = { key, from: self, to: workerId, principal: this.#principal, method: "GET", path: pathname };
      return { [FLEET_HEADER]: await signStatement(statement) };
    };
    return { url: href, headers, chosenBy: "queue" as const };
  }

  async #originOf(workerId: string): Promise<string> {
    try {
      const location = locateWorker(workerId, await this.#options.workers.find(workerId), "has the artifact");
      if (location.kind === "elsewhere") return location.url;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new QueueError(error.code, error.message, { blame: "upstream" });
    }
    throw new Error("a worker has been located that is nowhere");
  }
}

/** What a client would be told is told to whoever wrote the task. */
function explained<A extends unknown[], T>(reference: ArtifactReference, work: (...args: A) => T, ...args: A): T {
  try {
    return work(...args);
  } catch (error) {
    if (error instanceof ApiError) throw notFound(reference, error.message);
    throw error;
  }
}

function notFound(reference: ArtifactReference, why: string): ImageError {
  const message = `${describeReference(reference)} cannot be had: ${why}`;
  return new ImageError("image-artifact-not-found", message, { blame: "task" });
}

function refusedAs(reference: ArtifactReference, why: string): ImageError {
  const message = `${describeReference(reference)} is no image: ${why}`;
  return new ImageError("image-artifact-refused", message, { blame: "task" });
}
