/**
 * Artifacts of other tasks, as one task may have them: the queue decides by the scopes that it is asked with, each time.
 *
 *   namespace ──index──▶ task ──queue──▶ s3, reference: an address
 *                                   └──▶ object ──object service──▶ an address, and digests
 */
import type { Blame } from "../../base/errors.ts";
import { QueueError } from "../errors.ts";
import type { QueueArtifact, QueueArtifactReference, QueueArtifacts } from "../queue-artifacts.ts";
import { type ArtifactContent, parseArtifactContent, parseDownload, parseIndexedTask } from "./answers.ts";
import type { TaskclusterApi } from "./api.ts";
import type { Credentials } from "./options.ts";

export interface ArtifactAsker {
  readonly credentials: Credentials;
  /** What it may, at most; left out: whatever the credentials allow. */
  readonly scopes?: readonly string[];
}

export class TaskclusterLocator implements QueueArtifacts {
  readonly #api: TaskclusterApi;
  readonly #asker: () => ArtifactAsker;

  /** @param asker Asked each time: credentials change. */
  constructor(api: TaskclusterApi, asker: () => ArtifactAsker) {
    this.#api = api;
    this.#asker = asker;
  }

  async locate(reference: QueueArtifactReference, signal: AbortSignal): Promise<QueueArtifact> {
    const { artifact: name } = reference;
    const taskId = "taskId" in reference ? reference.taskId : await this.#find(reference.namespace, signal);
    const runId = "taskId" in reference ? reference.runId : undefined;
    const content = await this.#content(taskId, runId, name, signal);
    const run = runId === undefined ? "latest" : String(runId);
    const id = `${this.#api.rootUrl} ${taskId}/${run}/${name}`;
    switch (content.storageType) {
      case "s3":
        return { id, isFinal: runId !== undefined, digests: {}, url: content.url, chosenBy: "queue" };
      case "reference":
        // It may be replaced by another, and leads wherever its task wants.
        return { id: `${id} ${content.url}`, isFinal: false, digests: {}, url: content.url, chosenBy: "task" };
      case "object": {
        const { url, digests } = await this.#download(content, signal);
        return { id: `${id} ${content.name}`, isFinal: true, digests, url, chosenBy: "queue" };
      }
      case "error":
        throw missing(name, taskId, `${content.message} (${content.reason})`);
    }
  }

  async #find(namespace: string, signal: AbortSignal): Promise<string> {
    const options = this.#options("findTask", parseIndexedTask, signal);
    return await explained(`what the index has as ${namespace}`, `index:find-task:${namespace}`, () =>
      this.#api.index(options, (index) => index.findTask(namespace)),
    );
  }

  async #content(
    taskId: string,
    runId: number | undefined,
    name: string,
    signal: AbortSignal,
  ): Promise<ArtifactContent> {
    const options = this.#options(runId === undefined ? "latestArtifact" : "artifact", parseArtifactContent, signal);
    return await explained(`the artifact ${name} of task ${taskId}`, `queue:get-artifact:${name}`, () =>
      this.#api.queue(options, (queue) =>
        runId === undefined ? queue.latestArtifact(taskId, name) : queue.artifact(taskId, String(runId), name),
      ),
    );
  }

  /** With the credentials that the queue gave for this object. */
  async #download({ name, credentials }: Extract<ArtifactContent, { storageType: "object" }>, signal: AbortSignal) {
    const options = { call: "startDownload", refusalBlame: BLAME, parse: parseDownload, credentials, signal };
    return await this.#api.object(options, (object) =>
      object.startDownload(name, { acceptDownloadMethods: { getUrl: true } }),
    );
  }

  #options<T>(call: string, parse: (answer: unknown) => T, signal: AbortSignal) {
    const { credentials, scopes } = this.#asker();
    const restricted = scopes === undefined ? {} : { authorizedScopes: scopes };
    return { call, refusalBlame: BLAME, parse, credentials, signal, ...restricted };
  }
}

/** Whoever wrote the task has named it. */
const BLAME: Blame = "task";

/** To the worker's own requests a refusal is the deployment's fault; to these it is the task's. */
async function explained<T>(what: string, scope: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const status = error instanceof QueueError ? error.details["status"] : undefined;
    if (status === 403) {
      const message = `${what} is not for this task: it needs the scope ${scope}`;
      throw new QueueError("artifact-refused", message, { blame: "task", cause: error, details: { scope } });
    }
    if (status === 404) {
      const message = `${what} is not there; check the name, and whether it has expired`;
      throw new QueueError("artifact-not-found", message, { blame: "task", cause: error });
    }
    throw error;
  }
}

function missing(name: string, taskId: string, why: string): QueueError {
  const message = `the artifact ${name} of task ${taskId} has no content: ${why}`;
  return new QueueError("artifact-not-found", message, { blame: "task" });
}
