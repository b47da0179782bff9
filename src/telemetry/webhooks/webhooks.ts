/**
 * Sends what becomes of tasks to the addresses of the configuration.
 *
 * Messages are in the queue's database, written with the change they tell of: every worker of the queue takes some, and
 * what a worker has not settled is taken by another. Each hook has a loop of its own: one that hangs keeps no other from
 * what is for it. *Owns* the loops and connections; *borrows* the outbox.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Agent } from "undici";
import { InvalidInputError, messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { WebhookSettings } from "../../config/webhooks.ts";
import type { Hook, HookMessage, WebhookOutbox } from "../../queue/webhook-outbox.ts";
import { bodyOf, hookOf, messageIdOf } from "./message.ts";
import { retryInMs } from "./retry.ts";
import { type SendResult, sendWebhook } from "./send.ts";
import { signWebhook, tryParseWebhookSecret } from "./signature.ts";

export type WebhookOutcome = "delivered" | "retried" | "given_up" | "disabled";

export interface WebhooksOptions {
  webhooks: readonly WebhookSettings[];
  outbox: WebhookOutbox;
  version: string;
  /** A page for people about a task; default: there is none. */
  urlOf?: (taskId: string) => string | undefined;
  /** Told of each attempt. */
  onAttempt?: (outcome: WebhookOutcome) => void;
  logger: Logger;
  /** Of one attempt; default 15 s. */
  timeoutMs?: number;
  /** How often it is looked whether there is something to send; default 1 s. */
  pollMs?: number;
}

interface Target {
  readonly hook: Hook;
  readonly key: Buffer;
  /** Its own: requests that hang take all connections to their server. */
  readonly agent: Agent;
}

const TIMEOUT_MS = 15_000;
const POLL_MS = 1_000;
const BATCH = 8;
/** Longer than an attempt; what a worker that was killed had taken is sent by another after that. */
const LEASE_OF_TIMEOUTS = 3;
const KEEP_EVERY_MS = 3_600_000;
const MAX_PAUSE_MS = 60_000;

export class Webhooks implements AsyncDisposable {
  readonly #options: WebhooksOptions;
  readonly #targets: readonly Target[];
  readonly #end = new AbortController();
  #loops: Promise<unknown> = Promise.resolve();

  private constructor(options: WebhooksOptions) {
    this.#options = options;
    this.#targets = options.webhooks.map((settings, index) => ({
      hook: hookOf(settings),
      key: keyOf(settings, index),
      agent: new Agent({ connections: BATCH, keepAliveTimeout: 10_000 }),
    }));
  }

  /** @throws {InvalidInputError} A secret is none, or cannot be read. {@link QueueError} */
  static async start(options: WebhooksOptions): Promise<Webhooks> {
    const webhooks = new Webhooks(options);
    await options.outbox.register(webhooks.#targets.map(({ hook }) => hook));
    webhooks.#loops = Promise.all([...webhooks.#targets.map((target) => webhooks.#run(target)), webhooks.#keep()]);
    return webhooks;
  }

  /** Sends what there is for one address, again and again. */
  async #run(target: Target): Promise<void> {
    const { pollMs = POLL_MS } = this.#options;
    for (let failures = 0; !this.#end.signal.aborted; ) {
      let count = 0;
      try {
        count = await this.#sendSome(target);
        failures = 0;
      } catch (error) {
        // What was taken comes again when its lease is over.
        if (failures++ === 0) this.#warn(target, `the queue cannot be asked for messages: ${messageOf(error)}`);
      }
      if (count === BATCH) continue;
      const pauseMs = Math.min(MAX_PAUSE_MS, pollMs * 2 ** Math.min(failures, 10));
      await delay(pauseMs * (0.75 + Math.random() / 2), undefined, { signal: this.#end.signal }).catch(() => {});
    }
  }

  async #sendSome(target: Target): Promise<number> {
    const { outbox, timeoutMs = TIMEOUT_MS } = this.#options;
    const messages = await outbox.take(target.hook.id, BATCH, timeoutMs * LEASE_OF_TIMEOUTS);
    await Promise.all(messages.map((message) => this.#send(target, message)));
    return messages.length;
  }

  async #send(target: Target, message: HookMessage): Promise<void> {
    const { version, urlOf = () => undefined, timeoutMs = TIMEOUT_MS } = this.#options;
    const { signal } = this.#end;
    const body = bodyOf(message, urlOf);
    const signed = signWebhook(target.key, { id: messageIdOf(message), body, time: new Date() });
    const headers = { "user-agent": `boxcar/${version}`, ...signed };
    const { agent, hook } = target;
    const result = await sendWebhook({ agent, url: hook.url, headers, body, timeoutMs, signal });
    // Whether it arrived is unknown; another worker sends it.
    if (signal.aborted && result.kind !== "delivered") await this.#options.outbox.settle(message, 0);
    else await this.#settle(target, message, result);
  }

  async #settle(target: Target, message: HookMessage, result: SendResult): Promise<void> {
    const { outbox, onAttempt } = this.#options;
    if (result.kind === "delivered") {
      await outbox.settle(message);
      onAttempt?.("delivered");
    } else if (result.kind === "gone") {
      await outbox.disable(target.hook.id);
      onAttempt?.("disabled");
      this.#warn(target, "it answered 410, and is told nothing more until a worker starts anew");
    } else {
      const { attempt, triedForMs, taskId, runId } = message;
      const againInMs = retryInMs({ count: attempt, triedForMs, askedMs: result.askedMs }, Math.random());
      await outbox.settle(message, againInMs);
      onAttempt?.(againInMs === undefined ? "given_up" : "retried");
      const next =
        againInMs === undefined ? "it is given up" : `it is tried again in ${Math.round(againInMs / 1_000)} s`;
      this.#warn(target, `a message was not taken, ${next}: ${result.why}`, { taskId, runId });
    }
  }

  async #keep(): Promise<void> {
    const ids = this.#targets.map(({ hook }) => hook.id);
    while (!this.#end.signal.aborted) {
      await this.#options.outbox.keep(ids).catch(() => {});
      await delay(KEEP_EVERY_MS, undefined, { signal: this.#end.signal }).catch(() => {});
    }
  }

  /** A path may hold a secret of the receiver's. */
  #warn({ hook }: Target, text: string, fields: object = {}): void {
    this.#options.logger.log("warn", `webhook: ${text}`, { receiver: new URL(hook.url).host, ...fields });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#loops;
    await Promise.all(this.#targets.map(({ agent }) => agent.destroy()));
  }
}

function keyOf({ secret }: WebhookSettings, index: number): Buffer {
  const key = tryParseWebhookSecret(secret.reveal());
  if (key !== undefined) return key;
  const message = 'must be "whsec_" and 24 to 64 random bytes in base64; "openssl rand -base64 32" makes some';
  throw new InvalidInputError("The configuration", [{ path: `webhooks[${index}].secret`, message }], "host");
}
