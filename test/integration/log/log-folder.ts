/** Logs in a folder of their own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { Scope } from "../../../src/base/scope.ts";
import { LiveLog, type LiveLogOptions } from "../../../src/log/live-log.ts";

export const NOON = () => new Date("2024-01-01T12:00:00Z");

export class LogFolder implements AsyncDisposable {
  readonly path: string;
  readonly #scope: Scope;

  private constructor(path: string, scope: Scope) {
    this.path = path;
    this.#scope = scope;
  }

  static async open(parent = tmpdir()): Promise<LogFolder> {
    await using scope = new Scope();
    const path = await mkdtemp(join(parent, "boxcar-log-"));
    scope.defer(() => rm(path, { recursive: true }));
    return new LogFolder(path, scope.move());
  }

  async createLog(options: Partial<LiveLogOptions> = {}): Promise<LiveLog> {
    return this.#scope.use(await LiveLog.create({ path: join(this.path, "task.log"), now: NOON, ...options }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

export function say(log: LiveLog, text: string): boolean {
  return log.append(Buffer.from(text), "guest");
}

export async function textOf(stream: Readable): Promise<string> {
  return Buffer.concat(await stream.toArray()).toString();
}

/** Resolves as soon as the stream has brought that. */
export async function untilRead(stream: AsyncIterable<Buffer>, text: string): Promise<string> {
  let seen = "";
  for await (const chunk of stream) {
    seen += chunk.toString();
    if (seen.includes(text)) return seen;
  }
  throw new Error(`the stream ended without ${text}: ${seen}`);
}

/** Numbered lines; every byte depends on its place. */
export function lines(begin: number, count: number): string {
  return Array.from({ length: count }, (_, i) => `line ${begin + i} of a log that goes on and on\n`).join("");
}
