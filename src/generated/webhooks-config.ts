// Generated from schemas/webhooks-config.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesSecret } from "./config-values.ts";

/**
 * Addresses that are told what becomes of tasks, signed as Standard Webhooks says. All workers of a queue should have the same.
 *
 * @maxItems 20
 *
 * Items: One address.
 */
export type WebhooksConfig = {
  /**
   * What is called, by POST. Redirects are not followed.
   */
  url: string;
  /**
   * What requests are signed with: `whsec_` and 24 to 64 random bytes in base64; or where it is.
   */
  secret: ConfigValuesSecret;
  /**
   * States of tasks that it is told of, when they begin.
   *
   * @minItems 1
   */
  events?: ("task.pending" | "task.running" | "task.completed" | "task.failed" | "task.exception")[];
  /**
   * Only tasks of this task queue. Those of all, if it is left out.
   */
  queue?: string;
}[];

