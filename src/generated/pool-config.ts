// Generated from schemas/pool-config.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesDuration } from "./config-values.ts";

/**
 * Machines that a worker keeps resumed and paused, of the kinds its latest tasks asked for, so that the next task has one in milliseconds.
 */
export interface PoolConfig {
  /**
   * Most machines at once; 0 keeps none.
   */
  machines?: number;
  /**
   * Most memory of all of them together, as if each used all it may, in MiB. A quarter of the host's if it is left out.
   */
  memory?: number;
  /**
   * A machine that has waited longer is thrown away: seconds, or a text.
   */
  maxIdle?: ConfigValuesDuration;
}
