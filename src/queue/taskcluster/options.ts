/** What a {@link TaskclusterQueue} must know; see the `taskcluster` part of schemas/queue-config.schema.json. */
import type { Logger } from "../../base/log.ts";

export interface Credentials {
  readonly clientId: string;
  readonly accessToken: string;
  /** JSON; only temporary credentials have one. */
  readonly certificate?: string;
}

export interface TaskclusterOptions {
  readonly rootUrl: string;
  readonly credentials: Credentials;
  readonly taskQueueId: string;
  readonly workerGroup: string;
  readonly workerId: string;
  readonly artifactStorage: "s3" | "object";
  /** Between two looks at a task that runs, which tell that it was canceled. */
  readonly statusPollMs: number;
  readonly logger: Logger;
  readonly timeouts?: Partial<Timeouts>;
}

export interface Timeouts {
  /** Of `claimWork`, which waits for tasks for 20 s. */
  readonly claimMs: number;
  /** Of all other requests to the queue. */
  readonly requestMs: number;
  /** Without a byte in either direction while a file is sent to the store. */
  readonly storeSilenceMs: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = { claimMs: 60_000, requestMs: 30_000, storeSilenceMs: 60_000 };
