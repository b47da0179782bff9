/**
 * The log of one claimed run: written while it runs, followed by who wants, and kept as an artifact.
 *
 * *Owns* its file while it is open; it stays when the log is closed.
 */
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Transform } from "node:stream";
import type { Config } from "../config/config.ts";
import type { StoredArtifact } from "../feature/artifacts/record.ts";
import type { ParsedPayload } from "../feature/payload.ts";
import { secretsOf } from "../feature/secrets/request.ts";
import { compressLog, type LogEncoding } from "../log/compress-log.ts";
import { LiveLog } from "../log/live-log.ts";
import { SecretMask } from "../log/mask/secret-mask.ts";
import { TaskLog } from "../log/task-log.ts";
import type { Resolution } from "../queue/driver.ts";

/** In the folder of the run. */
export const LOG_FILE = "task.log";
/** Among its artifacts. */
export const LOG_ARTIFACT = "public/logs/task.log";
export const LOG_CONTENT_TYPE = "text/plain; charset=utf-8";

/** For the worker's own lines, above what the guest may print. */
const WORKER_BYTES = 1_048_576;

export class RunLog {
  readonly live: LiveLog;
  #task: TaskLog;
  #mask: SecretMask | undefined;

  private constructor(live: LiveLog) {
    this.live = live;
    this.#task = new TaskLog([live]);
  }

  /** @param directory Absolute; there. What an earlier worker has written there for this run is replaced. */
  static async create(directory: string, { limits }: Pick<Config, "limits">): Promise<RunLog> {
    const path = join(directory, LOG_FILE);
    await rm(path, { force: true });
    return new RunLog(await LiveLog.create({ path, maxBytes: limits.maxLogBytes + WORKER_BYTES }));
  }

  get task(): TaskLog {
    return this.#task;
  }

  /**
   * From now on nothing of the secrets of this task gets into the log.
   *
   * @throws {WorkerError} One cannot be had, or not be masked.
   */
  mask(payload: ParsedPayload, config: Config): void {
    this.#mask = maskOf(payload, config);
    this.#task = new TaskLog([this.live], { mask: this.#mask });
  }

  /** For what else comes from the guest as text; undefined where there are no secrets. */
  maskStream(): Transform | undefined {
    return this.#mask?.transform();
  }

  /** What the queue is told must not have them either. */
  redacted(resolution: Resolution): Resolution {
    if (resolution.kind === "completed" || resolution.message === undefined || this.#mask === undefined)
      return resolution;
    return { ...resolution, message: this.#mask.apply(resolution.message) };
  }

  /** Packs the log, which has ended, into a folder of artifacts. */
  async store(folder: string, { features }: Pick<Config, "features">, signal: AbortSignal): Promise<StoredArtifact> {
    const artifact = { name: LOG_ARTIFACT, contentType: LOG_CONTENT_TYPE };
    return await packFile(this.live.path, artifact, folder, features.log.encoding, signal);
  }
}

/** Packs a file in which there are no secrets into a folder of artifacts. */
export async function packFile(
  file: string,
  artifact: { readonly name: string; readonly contentType: string },
  folder: string,
  encoding: LogEncoding,
  signal: AbortSignal,
): Promise<StoredArtifact> {
  const target = join(folder, artifact.name);
  await mkdir(dirname(target), { recursive: true });
  const { sizeBytes, sha256, contentEncoding } = await compressLog(file, target, encoding, signal);
  return { ...artifact, sizeBytes, sha256, contentEncoding };
}

/** What keeps the secrets of a task out of its log; undefined where it has none. */
export function maskOf(payload: ParsedPayload, config: Config): SecretMask | undefined {
  const secrets = [...secretsOf(payload, config)].map(([name, value]) => ({ name, value }));
  return secrets.length === 0 ? undefined : SecretMask.build(secrets, "host");
}
