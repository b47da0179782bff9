/**
 * Requests to a Taskcluster deployment: one attempt each, with a time-out, and aborted by a signal.
 *
 * *Owns* the connections of what is under way; disposal closes them.
 */
import type { ClientOptions, IndexClient, ObjectClient, QueueClient } from "taskcluster-client";
import { orAborted, orTimeout } from "../../base/abort.ts";
import type { Blame } from "../../base/errors.ts";
import type { QueueError } from "../errors.ts";
import { AnswerError } from "./answers.ts";
import { requestError } from "./api-errors.ts";
import type { Credentials } from "./options.ts";

export interface CallOptions<T> {
  /** Name of the method, for messages. */
  readonly call: string;
  readonly credentials: Credentials;
  /** Fewer than the credentials allow. */
  readonly authorizedScopes?: readonly string[];
  readonly parse: (answer: unknown) => T;
  readonly refusalBlame: Blame;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

/** Got gives up by itself; this is for the rest, such as a library that waits for something else. */
const MARGIN_MS = 2_000;

export class TaskclusterApi implements AsyncDisposable {
  readonly rootUrl: string;
  readonly #library: typeof import("taskcluster-client");
  readonly #timeoutMs: number;
  readonly #disposal = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  private constructor(library: typeof import("taskcluster-client"), rootUrl: string, timeoutMs: number) {
    this.#library = library;
    this.rootUrl = rootUrl;
    this.#timeoutMs = timeoutMs;
  }

  static async open(options: { rootUrl: string; timeoutMs: number }): Promise<TaskclusterApi> {
    // It is large, and only who talks to Taskcluster needs it.
    const library = await import("taskcluster-client");
    return new TaskclusterApi(library, options.rootUrl.replace(/\/+$/, ""), options.timeoutMs);
  }

  /**
   * @throws {QueueError} See {@link requestError}.
   * @throws `options.signal.reason`; whether the queue has done what it was asked is unknown then.
   */
  queue<T>(options: CallOptions<T>, ask: (queue: QueueClient) => Promise<unknown>): Promise<T> {
    return this.#call(options, (clientOptions) => ask(new this.#library.clients.Queue(clientOptions)));
  }

  /** As {@link queue}, of the object service. */
  object<T>(options: CallOptions<T>, ask: (object: ObjectClient) => Promise<unknown>): Promise<T> {
    return this.#call(options, (clientOptions) => ask(new this.#library.clients.Object(clientOptions)));
  }

  /** As {@link queue}, of the index. */
  index<T>(options: CallOptions<T>, ask: (index: IndexClient) => Promise<unknown>): Promise<T> {
    return this.#call(options, (clientOptions) => ask(new this.#library.clients.Index(clientOptions)));
  }

  async #call<T>(options: CallOptions<T>, ask: (options: ClientOptions) => Promise<unknown>): Promise<T> {
    const { signal, credentials, authorizedScopes, timeoutMs = this.#timeoutMs } = options;
    signal?.throwIfAborted();
    const connection = new AbortController();
    const close = () => connection.abort();
    signal?.addEventListener("abort", close, { once: true });
    this.#disposal.signal.addEventListener("abort", close, { once: true });
    if (this.#disposal.signal.aborted) close();
    const agent = { keepAlive: false, signal: connection.signal };
    const restricted = authorizedScopes === undefined ? {} : { authorizedScopes };
    const clientOptions = { rootUrl: this.rootUrl, credentials, timeout: timeoutMs, retries: 0, agent, ...restricted };
    // The library may also throw at once.
    const asked = Promise.resolve(clientOptions).then(ask);
    this.#running.add(asked);
    try {
      const answer = await orAborted(orTimeout(asked, timeoutMs + MARGIN_MS, timedOut), signal);
      return options.parse(answer);
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#errorOf(error, options, timeoutMs);
    } finally {
      this.#running.delete(asked);
      signal?.removeEventListener("abort", close);
      this.#disposal.signal.removeEventListener("abort", close);
      close();
    }
  }

  #errorOf(error: unknown, { call, refusalBlame }: CallOptions<unknown>, timeoutMs: number): QueueError {
    return requestError(error, { call, refusalBlame, rootUrl: this.rootUrl, timeoutMs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposal.abort();
    await Promise.allSettled(this.#running);
  }
}

/** For answers that say nothing of interest. */
export function ignoreAnswer(): void {}

/** Throws unless the answer is an object, as every answer of the queue that has a body is. */
export function requireAnswer(answer: unknown): void {
  if (typeof answer !== "object" || answer === null) throw new AnswerError("it is no JSON object");
}

function timedOut(): Error {
  return Object.assign(new Error("no answer"), { code: "ECONNABORTED" });
}
