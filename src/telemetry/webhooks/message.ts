/** What a webhook says. Pure. */
import { createHash } from "node:crypto";
import type { WebhookSettings } from "../../config/webhooks.ts";
import type { Hook, HookMessage } from "../../queue/webhook-outbox.ts";

/** As the queue knows it: the same on every worker that has it in its configuration. */
export function hookOf({ url, events, queue }: WebhookSettings): Hook {
  return { id: digestOf([url, queue ?? ""]), url, events, queue };
}

/** The same for each attempt, whoever makes it. */
export function messageIdOf({ hook, taskId, runId, state }: HookMessage): string {
  return `msg_${digestOf([hook, taskId, String(runId), state])}`;
}

/** The same for each attempt. @param urlOf A page for people about the task; undefined: there is none. */
export function bodyOf(message: HookMessage, urlOf: (taskId: string) => string | undefined): string {
  const { taskId, runId, state, queue, name, run, time } = message;
  const { reason, message: why, exitCode, workerId } = run ?? {};
  const data = {
    taskId,
    runId,
    state,
    reason,
    message: why,
    exitCode,
    name,
    queue,
    worker: workerId,
    url: urlOf(taskId),
  };
  return JSON.stringify({ type: `task.${state}`, timestamp: time.toISOString(), data });
}

function digestOf(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url").slice(0, 27);
}
