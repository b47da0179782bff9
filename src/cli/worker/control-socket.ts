/** Where a worker of this host is spoken to; only its own user may. */
import { join } from "node:path";
import type { Config } from "../../config/config.ts";

export function controlSocket({ runDir }: Pick<Config, "runDir">): string {
  return join(runDir, "worker.sock");
}
