/**
 * Answers of one upstream that several machines, and later tasks, are given.
 *
 *   asked ─▶ kept and fresh: given at once
 *     └────▶ asked of the upstream, once for all who ask meanwhile
 *              ├─ 304: the kept one is given
 *              ├─ may be kept: written to a file that all of them read as it grows, so that none waits for the slowest
 *              ├─ not to be kept: one of them gets it, the others ask for themselves
 *              └─ upstream gone: the kept one if the rules allow that
 *
 * A guest cannot put anything into it: what the upstream is sent is the key, whole (see {@link sharedHeaders}), and only
 * the upstream's answers to GET with status 200 are kept. *Owns* what is being fetched; *borrows* the folder.
 */
import { createHash, randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { orAborted } from "../../../base/abort.ts";
import { SingleFlight } from "../../../base/single-flight.ts";
import type { Fetch, UpstreamAnswer } from "../exchange.ts";
import { ProxyError } from "../proxy-error.ts";
import type { AnswerFolder, KeptAnswer } from "./answer-folder.ts";
import { Filling } from "./filling.ts";
import { isFresh, type KeptPolicy, keptHeaders, mayServeStale, policyOf, renewed, validators } from "./freshness.ts";

export interface SharedRequest {
  readonly url: URL;
  /** All that the upstream is sent, but what the proxy itself adds to every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** How old the answer may be; the upstream is not told. */
  readonly wishes: Readonly<{ "cache-control"?: string; pragma?: string }>;
  readonly signal: AbortSignal;
}

/** `hit`: without the upstream; `revalidated`: it said that nothing has changed; `stale`: it is gone; `shared`: with others. */
export type CacheUse = "hit" | "revalidated" | "stale" | "miss" | "shared";

export interface CachedAnswer extends UpstreamAnswer {
  readonly use: CacheUse;
}

type Outcome =
  | { readonly kind: "kept"; readonly kept: KeptAnswer; readonly use: CacheUse }
  | { readonly kind: "filling"; readonly filling: Filling }
  | { readonly kind: "passing"; readonly take: () => UpstreamAnswer | undefined };

export class AnswerCache implements AsyncDisposable {
  readonly #folder: AnswerFolder;
  readonly #fetch: Fetch;
  /** What makes the same request another one: the headers that the proxy adds. */
  readonly #salt: string;
  readonly #asking = new SingleFlight<Outcome>();
  readonly #filling = new Map<string, Filling>();

  constructor(folder: AnswerFolder, fetch: Fetch, salt: string) {
    this.#folder = folder;
    this.#fetch = fetch;
    this.#salt = salt;
  }

  /** @throws {ProxyError} The upstream does not answer. */
  async answer(request: SharedRequest): Promise<CachedAnswer> {
    const key = this.#keyOf(request);
    const filling = this.#filling.get(key);
    if (filling?.isOpen === true) return { ...filling.answer(), use: "shared" };
    if (filling !== undefined) await orAborted(filling.done, request.signal);
    const kept = await this.#folder.find(key);
    if (kept !== undefined && isFresh(kept.policy, request.url, { ...request.headers, ...request.wishes })) {
      const answer = await this.#open(kept);
      if (answer !== undefined) return { ...answer, use: "hit" };
    }
    return await this.#askWithOthers(key, request, kept);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#asking[Symbol.asyncDispose]();
    await Promise.all([...this.#filling.values()].map((filling) => filling[Symbol.asyncDispose]()));
  }

  async #askWithOthers(key: string, request: SharedRequest, kept: KeptAnswer | undefined): Promise<CachedAnswer> {
    let first = false;
    const work = async (signal: AbortSignal) => {
      first = true;
      return await this.#ask(key, request, kept, signal);
    };
    const outcome = await this.#asking.run(key, work, { signal: request.signal });
    const answer = await this.#answerOf(outcome);
    if (answer !== undefined) return { ...answer, use: first || answer.use !== "miss" ? answer.use : "shared" };
    const { url, headers, signal } = request;
    return { ...(await this.#fetch({ method: "GET", url, headers, signal })), use: "miss" };
  }

  async #answerOf(outcome: Outcome): Promise<CachedAnswer | undefined> {
    if (outcome.kind === "filling") return { ...outcome.filling.answer(), use: "miss" };
    const answer = outcome.kind === "kept" ? await this.#open(outcome.kept) : outcome.take();
    return answer && { ...answer, use: outcome.kind === "kept" ? outcome.use : "miss" };
  }

  /** @param waiting Fires when nobody waits for the headers any more. */
  async #ask(
    key: string,
    { url, headers }: SharedRequest,
    kept: KeptAnswer | undefined,
    waiting: AbortSignal,
  ): Promise<Outcome> {
    const life = new AbortController();
    const giveUp = () => life.abort(waiting.reason);
    waiting.addEventListener("abort", giveUp, { once: true });
    const ask = (more: Record<string, string>) =>
      this.#fetch({ method: "GET", url, headers: { ...headers, ...more }, signal: life.signal });
    try {
      let answer = await ask(kept === undefined ? {} : validators(kept.policy));
      if (answer.status === 304 && kept !== undefined) {
        const same = await this.#renew(kept, url, headers, answer);
        if (same !== undefined) return { kind: "kept", kept: same, use: "revalidated" };
        answer = await ask({});
      }
      if (answer.status >= 500 && kept !== undefined && mayServeStale(kept.policy, false)) {
        answer.body.destroy();
        return { kind: "kept", kept, use: "stale" };
      }
      return await this.#take(key, answer, policyOf(url, headers, answer), life);
    } catch (error) {
      const isGone = error instanceof ProxyError && error.code.startsWith("upstream-");
      if (kept === undefined || !isGone || !mayServeStale(kept.policy, true)) throw error;
      return { kind: "kept", kept, use: "stale" };
    } finally {
      waiting.removeEventListener("abort", giveUp);
    }
  }

  /** The kept answer with new headers; undefined if the upstream meant another, or its body is gone. */
  async #renew(
    kept: KeptAnswer,
    url: URL,
    headers: Readonly<Record<string, string>>,
    answer: UpstreamAnswer,
  ): Promise<KeptAnswer | undefined> {
    answer.body.resume();
    const policy = renewed(kept.policy, url, headers, answer);
    const body = policy && (await this.#folder.open(kept));
    if (policy === undefined || body === undefined) return undefined;
    body.destroy();
    const same = { ...kept, policy };
    await this.#folder.refresh(same);
    return same;
  }

  async #take(
    key: string,
    answer: UpstreamAnswer,
    policy: KeptPolicy | undefined,
    life: AbortController,
  ): Promise<Outcome> {
    const filling = policy && (await Filling.start(this.#folder, { key, id: randomUUID(), policy }, answer, life));
    if (filling === undefined) return passing(answer);
    this.#filling.set(key, filling);
    void filling.done.then(() => {
      if (this.#filling.get(key) === filling) this.#filling.delete(key);
    });
    return { kind: "filling", filling };
  }

  async #open(kept: KeptAnswer): Promise<UpstreamAnswer | undefined> {
    const body: Readable | undefined = await this.#folder.open(kept);
    if (body === undefined) return undefined;
    const headers = { ...keptHeaders(kept.policy), "content-length": String(kept.bytes) };
    return { status: 200, headers, body };
  }

  #keyOf({ url, headers }: SharedRequest): string {
    const sent = [this.#salt, url.href, ...Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1))];
    return createHash("sha256").update(JSON.stringify(sent)).digest("hex");
  }
}

/** All who wait are told at once; if none of them has taken it by then, none ever will. */
function passing(answer: UpstreamAnswer): Outcome {
  let untaken: UpstreamAnswer | undefined = answer;
  const take = () => {
    const taken = untaken;
    untaken = undefined;
    return taken;
  };
  setImmediate(() => take()?.body.destroy());
  return { kind: "passing", take };
}
