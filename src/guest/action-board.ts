/**
 * What the host wants of one guest, and the guest's answers.
 *
 *   queued ──poll──▶ delivered ──POST reply──▶ answering ──▶ done
 *      ◀──connection broke──┘ └──websocket──▶ done
 *
 * The guest asks by long poll; one poll waits at a time, and a newer one sends the older home, since that may belong to
 * a connection nobody holds any more. Every action ends: answered, refused, timed out, aborted, or with the board.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { GuestError } from "./guest-errors.ts";
import { ServiceError } from "./service-error.ts";

/** As the guest sees it; `id` is added by the board. */
export interface Action {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface ActionOptions {
  signal?: AbortSignal | undefined;
  /** How long the guest may take to begin its answer; default 60 s. */
  timeoutMs?: number | undefined;
}

/**
 * Reads an answer. What `resolve` gets is the outcome of the action, which may be a body still being sent; the guest is
 * answered when the returned promise settles. A GuestError fails the action and tells the guest that all is well, a
 * ServiceError fails it and tells the guest what it did wrong.
 */
export type ReplyReader<T> = (request: IncomingMessage, resolve: (value: T) => void) => Promise<void>;

/** A request for another protocol, as `upgrade` of an HTTP server has it. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Takes over the connection, and at once resolves the action with what becomes of it; or answers it with an error. */
export type UpgradeTaker<T> = (upgrade: Upgrade, resolve: (value: T) => void) => void;

interface Pending {
  readonly id: string;
  readonly action: Action;
  readonly read: (request: IncomingMessage) => Promise<void>;
  readonly content: (() => NodeJS.ReadableStream) | undefined;
  readonly upgrade: ((upgrade: Upgrade) => void) | undefined;
  readonly fail: (error: unknown) => void;
  readonly restartTimer: () => void;
  state: "queued" | "delivered" | "answering";
  /** Also true while it is queued again. */
  wasDelivered: boolean;
  request: IncomingMessage | undefined;
}

const NONE: Action = { type: "none" };
const DEFAULT_TIMEOUT_MS = 60_000;

export class ActionBoard {
  readonly #pending = new Map<string, Pending>();
  #queue: Pending[] = [];
  #waiting: ((action: Action) => void) | undefined;
  #closed: { reason: unknown } | undefined;

  /**
   * Asks the guest for something.
   *
   * @param content For put-file: what the guest gets for GET of its reply address. May be asked for twice.
   * @param upgrade For actions that a guest answers with a websocket.
   * @throws {GuestError} `guest-not-answering`, or what `read` throws.
   * @throws `signal.reason`, or the reason the board was closed for.
   */
  async start<T>(
    action: Action,
    read: ReplyReader<T>,
    options: ActionOptions & { content?: () => NodeJS.ReadableStream; upgrade?: UpgradeTaker<T> } = {},
  ): Promise<T> {
    options.signal?.throwIfAborted();
    if (this.#closed !== undefined) throw this.#closed.reason;
    const outcome = Promise.withResolvers<T>();
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const onTimeout = () => {
      const what = `the guest did not answer "${action.type}" within ${timeoutMs} ms`;
      pending.fail(new GuestError("guest-not-answering", what));
    };
    let timer = setTimeout(onTimeout, timeoutMs);
    const onAbort = () => pending.fail(options.signal?.reason);
    options.signal?.addEventListener("abort", onAbort, { once: true });
    const finish = () => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
      this.#forget(pending);
    };
    const pending: Pending = {
      id: randomUUID(),
      action,
      content: options.content,
      upgrade:
        options.upgrade &&
        ((upgrade) =>
          options.upgrade?.(upgrade, (value) => {
            finish();
            outcome.resolve(value);
          })),
      state: "queued",
      wasDelivered: false,
      request: undefined,
      restartTimer: () => {
        clearTimeout(timer);
        timer = setTimeout(onTimeout, timeoutMs);
      },
      read: async (request) => {
        clearTimeout(timer);
        try {
          await read(request, outcome.resolve);
        } catch (error) {
          const wrong = error instanceof ServiceError;
          outcome.reject(wrong ? new GuestError("guest-protocol-error", error.message, { cause: error }) : error);
          if (wrong) throw error;
        } finally {
          finish();
        }
      },
      fail: (error) => {
        finish();
        outcome.reject(error);
        pending.request?.destroy(error instanceof Error ? error : undefined);
      },
    };
    this.#pending.set(pending.id, pending);
    this.#queue.push(pending);
    this.#dispatch();
    return outcome.promise;
  }

  /** The next action for the guest; `none` after `waitMs`, when a newer poll comes, or when the guest goes away. */
  async poll(waitMs: number, gone: AbortSignal): Promise<Action> {
    this.#waiting?.(NONE);
    if (gone.aborted || this.#closed !== undefined) return NONE;
    const next = Promise.withResolvers<Action>();
    const timer = setTimeout(() => next.resolve(NONE), waitMs);
    const leave = () => next.resolve(NONE);
    gone.addEventListener("abort", leave, { once: true });
    const waiting = next.resolve;
    this.#waiting = waiting;
    this.#dispatch();
    try {
      return await next.promise;
    } finally {
      clearTimeout(timer);
      gone.removeEventListener("abort", leave);
      if (this.#waiting === waiting) this.#waiting = undefined;
    }
  }

  /** The answer that carried this action did not reach the guest: the next poll gets it. */
  undeliver(id: string): void {
    const pending = this.#pending.get(id);
    if (pending?.state !== "delivered") return;
    pending.state = "queued";
    this.#queue.unshift(pending);
    this.#dispatch();
  }

  /**
   * Takes the guest's answer to action `id`; resolves when the guest may be told that it was read.
   *
   * @throws {ServiceError} `UnknownActionId`, or what the guest did wrong.
   */
  async reply(id: string, request: IncomingMessage): Promise<void> {
    const pending = this.#find(id);
    this.#queue = this.#queue.filter((other) => other !== pending);
    pending.state = "answering";
    pending.request = request;
    await pending.read(request);
  }

  /**
   * The content that goes with action `id`.
   *
   * @throws {ServiceError} `UnknownActionId`
   */
  content(id: string): NodeJS.ReadableStream {
    const pending = this.#find(id);
    if (pending.content === undefined) throw new ServiceError("MethodNotAllowed", "there is nothing to fetch for it");
    pending.restartTimer();
    return pending.content();
  }

  /**
   * Takes a websocket as the answer to action `id`. One that cannot be opened is answered here, and another may come.
   *
   * @throws {ServiceError} `UnknownActionId`, `MethodNotAllowed`
   */
  upgrade(id: string, upgrade: Upgrade): void {
    const pending = this.#find(id);
    if (pending.upgrade === undefined) {
      throw new ServiceError("MethodNotAllowed", "the answer to this action is no websocket");
    }
    pending.upgrade(upgrade);
  }

  /** Fails all that is pending, and all that is asked for later. */
  close(reason: unknown): void {
    if (this.#closed !== undefined) return;
    this.#closed = { reason };
    this.#waiting?.(NONE);
    for (const pending of [...this.#pending.values()]) pending.fail(reason);
  }

  #find(id: string): Pending {
    const pending = this.#pending.get(id);
    if (pending === undefined || !pending.wasDelivered || pending.state === "answering") {
      throw new ServiceError("UnknownActionId", "there is no such action; perhaps it has timed out");
    }
    return pending;
  }

  #dispatch(): void {
    if (this.#waiting === undefined) return;
    const pending = this.#queue.shift();
    if (pending === undefined) return;
    pending.state = "delivered";
    pending.wasDelivered = true;
    const deliver = this.#waiting;
    this.#waiting = undefined;
    deliver({ id: pending.id, ...pending.action });
  }

  #forget(pending: Pending): void {
    this.#pending.delete(pending.id);
    this.#queue = this.#queue.filter((other) => other !== pending);
  }
}
