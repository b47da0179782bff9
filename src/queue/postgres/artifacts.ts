/** Artifacts of one run: the bytes on this host, what is known of them in the database. */

import { WorkerError } from "../../base/errors.ts";
import type { ArtifactFiles } from "../artifact-files.ts";
import type { ArtifactDestination, ErrorArtifact, FileArtifact, LinkTarget } from "../driver.ts";
import { QueueError } from "../errors.ts";
import type { PostgresClaim } from "./claim.ts";
import type { Database } from "./database.ts";
import { toQueueError } from "./database-errors.ts";

export interface ArtifactOptions {
  readonly database: Database;
  readonly files: ArtifactFiles;
  readonly workerId: string;
}

interface ArtifactRow {
  readonly name: string;
  readonly contentType: string;
  readonly contentEncoding?: string;
  readonly sizeBytes?: number;
  readonly sha256?: string;
  readonly expires: Date | undefined;
  readonly error?: { readonly reason: string; readonly message: string };
  readonly link?: LinkTarget;
}

export class PostgresArtifacts implements ArtifactDestination {
  readonly #claim: PostgresClaim;
  readonly #options: ArtifactOptions;

  constructor(claim: PostgresClaim, options: ArtifactOptions) {
    this.#claim = claim;
    this.#options = options;
  }

  async putFile(artifact: FileArtifact, signal: AbortSignal): Promise<void> {
    const { taskId, runId } = this.#claim.task;
    const { name, file, sizeBytes, sha256, contentType, contentEncoding, expires } = artifact;
    const { files, database } = this.#options;
    this.#claim.lost.throwIfAborted();
    try {
      await files.put({ taskId, runId, name }, file, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof WorkerError) || error.blame !== "task") throw toQueueError(error, database.description);
      // A name that no file of this host can have will not be one later either.
      const { message } = error;
      return await this.putError({ name, reason: "invalid-resource-on-worker", message, ...(expires && { expires }) });
    }
    const encoding = contentEncoding === undefined ? {} : { contentEncoding };
    const row = { name, contentType, ...encoding, sizeBytes, sha256, expires };
    if (await this.#trySave(row)) return;
    await this.#discard(name);
    await this.#refuse();
  }

  async putError({ name, reason, message, expires }: ErrorArtifact): Promise<void> {
    await this.#save({ name, contentType: "application/json", expires, error: { reason, message } });
  }

  async putLink({
    name,
    contentType,
    expires,
    ...link
  }: { name: string; contentType: string; expires?: Date } & LinkTarget): Promise<void> {
    await this.#save({ name, contentType, expires, link });
  }

  async #save(row: ArtifactRow): Promise<void> {
    this.#claim.lost.throwIfAborted();
    if (!(await this.#trySave(row))) await this.#refuse();
  }

  /** False if the run is not ours any more. @throws {QueueError} */
  async #trySave(row: ArtifactRow): Promise<boolean> {
    const { task, job } = this.#claim;
    const expires = row.expires !== undefined && row.expires < task.expires ? row.expires : task.expires;
    const saved = await this.#options.database.run({
      name: "boxcar-put-artifact",
      text: `INSERT INTO boxcar.artifact (task_id, run_id, name, store, worker_id, content_type, content_encoding,
          size_bytes, sha256, expires, error, link)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
          FROM boxcar.task WHERE task_id = $1 AND job = $13 AND state = 'running'
        ON CONFLICT (task_id, run_id, name) DO UPDATE SET store = excluded.store, worker_id = excluded.worker_id,
          content_type = excluded.content_type, content_encoding = excluded.content_encoding,
          size_bytes = excluded.size_bytes, sha256 = excluded.sha256, expires = excluded.expires,
          error = excluded.error, link = excluded.link
        RETURNING name`,
      values: [
        ...[task.taskId, task.runId, row.name, this.#options.files.id, this.#options.workerId, row.contentType],
        ...[row.contentEncoding ?? null, row.sizeBytes ?? null, row.sha256 ?? null, expires],
        ...[jsonOrNull(row.error), jsonOrNull(row.link), job],
      ],
    });
    return saved.length > 0;
  }

  /** Of what nobody knows, nobody would ever remove the bytes. */
  async #discard(name: string): Promise<void> {
    const { taskId, runId } = this.#claim.task;
    const { files, database } = this.#options;
    const known = await database.run({
      text: "SELECT 1 FROM boxcar.artifact WHERE task_id = $1 AND run_id = $2 AND name = $3",
      values: [taskId, runId, name],
    });
    if (known.length === 0) await files.remove({ taskId, runId, name });
  }

  async #refuse(): Promise<never> {
    const { task, lost } = this.#claim;
    await this.#claim.check();
    lost.throwIfAborted();
    const message = `run ${task.runId} of task ${task.taskId} is resolved and takes no more artifacts`;
    throw new QueueError("run-resolved", message, { blame: "worker" });
  }
}

function jsonOrNull(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
