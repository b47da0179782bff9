/** A driver as the configuration has it. */
import type { Logger } from "../../base/log.ts";
import type { TaskclusterSettings } from "../../config/taskcluster.ts";
import { QueueError } from "../errors.ts";
import type { Credentials } from "./options.ts";
import { TaskclusterQueue } from "./taskcluster-queue.ts";

export interface WorkerIdentity {
  /** Two names with a slash between them. */
  readonly taskQueueId: string;
  /** 1 to 38 letters, digits, - or _. */
  readonly workerId: string;
  readonly logger: Logger;
}

/**
 * @throws {@link InvalidInputError} (blame: host) a secret cannot be read.
 * @throws {QueueError} `queue-credentials-invalid` (blame: host)
 */
export async function openTaskclusterQueue(
  settings: TaskclusterSettings,
  identity: WorkerIdentity,
): Promise<TaskclusterQueue> {
  return await TaskclusterQueue.open({ ...settings, ...identity, credentials: reveal(settings.credentials) });
}

function reveal({ clientId, accessToken, certificate }: TaskclusterSettings["credentials"]): Credentials {
  const permanent = { clientId, accessToken: accessToken.reveal() };
  if (certificate === undefined) return permanent;
  const text = certificate.reveal();
  if (!isJsonObject(text)) {
    const message = "queue.taskcluster.credentials.certificate is no JSON object; copy it as the deployment shows it";
    throw new QueueError("queue-credentials-invalid", message, { blame: "host" });
  }
  return { ...permanent, certificate: text };
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}
