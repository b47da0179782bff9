/** One request to an upstream, and its answer. */
import type { Readable } from "node:stream";

export interface UpstreamRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body?: Readable;
  /** Ends the exchange, the body of the answer included. */
  readonly signal: AbortSignal;
}

export interface UpstreamAnswer {
  readonly status: number;
  /** End to end; names in lower case. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** To be read to its end or destroyed. */
  readonly body: Readable;
}

/** @throws {ProxyError} `upstream-unreachable`, `upstream-timeout` */
export type Fetch = (request: UpstreamRequest) => Promise<UpstreamAnswer>;
