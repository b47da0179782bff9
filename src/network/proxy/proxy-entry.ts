/** One request to a proxy, for the egress log of the machine: by the proxy's name, since where it leads is the operator's business. */
import { messageOf } from "../../base/errors.ts";
import type { EgressSink } from "../egress/egress-entry.ts";
import type { CacheUse } from "./cache/answer-cache.ts";
import { ProxyError } from "./proxy-error.ts";

export class ProxyEntry {
  /** To the guest. */
  bytesIn = 0;
  readonly #name: string;
  readonly #log: EgressSink | undefined;
  readonly #began = new Date();
  readonly #startedMs = performance.now();

  constructor(name: string, log: EgressSink | undefined) {
    this.#name = name;
    this.#log = log;
  }

  end(use: CacheUse | undefined): void {
    this.#note("allowed", use);
  }

  fail(error: unknown): void {
    const isRefused = error instanceof ProxyError && error.status < 500;
    this.#note(isRefused ? "refused" : "failed", messageOf(error));
  }

  #note(decision: "allowed" | "refused" | "failed", reason: string | undefined): void {
    const durationMs = Math.round(performance.now() - this.#startedMs);
    const { bytesIn } = this;
    this.#log?.note({ kind: "proxy", decision, name: `/${this.#name}/`, reason, bytesIn, durationMs }, this.#began);
  }
}
