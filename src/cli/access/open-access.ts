/** Where a configuration keeps tokens, sessions and the audit log. */
import { join } from "node:path";
import { AccessFiles } from "../../access/access-files.ts";
import { AuditLog } from "../../access/audit-log.ts";
import type { AccessStore } from "../../access/session-store.ts";
import type { Config } from "../../config/config.ts";

/** In the queue's database, so that a token is good at all workers of it; in files, where others have the queue. */
export async function openAccessStore(config: Config): Promise<AccessStore> {
  if (config.queue.driver === "taskcluster") return await openAccessFiles(config);
  const { openTaskQueue } = await import("../queue/open-task-queue.ts");
  const queue = await openTaskQueue(config);
  return { ...queue.access, [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose]() };
}

export async function openAccessFiles({ stateDir }: Pick<Config, "stateDir">): Promise<AccessFiles> {
  return await AccessFiles.open(join(stateDir, "access"));
}

export function auditDirectory({ stateDir }: Pick<Config, "stateDir">): string {
  return join(stateDir, "audit");
}

/** For commands beside the worker, which may run at the same time. */
export async function openAuditLog(config: Config): Promise<AuditLog> {
  return await AuditLog.open({ directory: auditDirectory(config), rotates: false });
}
