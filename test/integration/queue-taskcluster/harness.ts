/** A driver on a fake deployment, and what tests do with both again and again. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogLevel } from "../../../src/base/log.ts";
import { Scope } from "../../../src/base/scope.ts";
import type { Claim, FileArtifact } from "../../../src/queue/driver.ts";
import type { TaskclusterOptions } from "../../../src/queue/taskcluster/options.ts";
import { TaskclusterQueue } from "../../../src/queue/taskcluster/taskcluster-queue.ts";
import { FakeTaskcluster, type FakeTaskclusterOptions } from "../../fakes/fake-taskcluster.ts";
import { sha256 } from "../../fakes/fake-taskcluster-store.ts";
import type { FakeTask, FakeTaskDefinition } from "../../fakes/fake-taskcluster-tasks.ts";

export interface Line {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: unknown;
}

export class Deployment implements AsyncDisposable {
  readonly fake: FakeTaskcluster;
  readonly queue: TaskclusterQueue;
  readonly log: Line[];
  readonly folder: string;
  readonly #scope: Scope;

  private constructor(fake: FakeTaskcluster, queue: TaskclusterQueue, log: Line[], folder: string, scope: Scope) {
    this.fake = fake;
    this.queue = queue;
    this.log = log;
    this.folder = folder;
    this.#scope = scope;
  }

  /** The status of tasks is not looked at, unless `options` say so. */
  static async start(
    fakeOptions: FakeTaskclusterOptions = {},
    options: Partial<TaskclusterOptions> = {},
  ): Promise<Deployment> {
    await using scope = new Scope();
    const fake = scope.use(await FakeTaskcluster.start(fakeOptions));
    const folder = await mkdtemp(join(tmpdir(), "boxcar-taskcluster-"));
    scope.defer(() => rm(folder, { recursive: true }));
    const log: Line[] = [];
    const queue = scope.use(
      await TaskclusterQueue.open({
        rootUrl: fake.rootUrl,
        credentials: fake.workerCredentials,
        taskQueueId: "proj/machines",
        workerGroup: "here",
        workerId: "worker-1",
        artifactStorage: "s3",
        statusPollMs: 3_600_000,
        logger: { log: (level, message, fields) => void log.push({ level, message, fields }) },
        ...options,
      }),
    );
    return new Deployment(fake, queue, log, folder, scope.move());
  }

  /** A task that is claimed. */
  async claimed(definition: FakeTaskDefinition = {}): Promise<{ task: FakeTask; claim: Claim }> {
    const task = this.fake.add(definition);
    const [claim] = await this.queue.claim(1, new AbortController().signal);
    if (claim?.task.taskId !== task.taskId) throw new Error("it was not claimed");
    return { task, claim };
  }

  async file(name: string, bytes: Uint8Array, rest: Partial<FileArtifact> = {}): Promise<FileArtifact> {
    const file = join(this.folder, name.replaceAll("/", "-"));
    await writeFile(file, bytes);
    const facts = { sizeBytes: bytes.length, sha256: sha256(bytes), contentType: "text/plain" };
    return { name, file, ...facts, ...rest };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

export const never = new AbortController().signal;

export function lossOf({ lost }: Claim): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  if (lost.aborted) resolve(lost.reason);
  else lost.addEventListener("abort", () => resolve(lost.reason), { once: true });
  return promise;
}

/** What a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string; blame?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it did not fail");
}
