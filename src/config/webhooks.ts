/** Section `webhooks` of the configuration: addresses that are told what becomes of tasks. */
import type { Issue } from "../base/errors.ts";
import type { WebhooksConfig } from "../generated/webhooks-config.ts";
import { type Secret, type Secrets, secretAt } from "./secret.ts";

export interface WebhookSettings {
  readonly url: string;
  readonly secret: Secret;
  readonly events: readonly WebhookEvent[];
  /** Undefined: every task queue. */
  readonly queue: string | undefined;
}

export type WebhookEvent = NonNullable<WebhooksConfig[number]["events"]>[number];

/** The section, with the schema's defaults in it. */
export type FilledWebhooks = (WebhooksConfig[number] & Required<Pick<WebhooksConfig[number], "events">>)[];

export function completeWebhooks(webhooks: FilledWebhooks, secrets: Secrets): readonly WebhookSettings[] {
  return webhooks.map(({ url, secret, events, queue }, index) => ({
    ...{ url, events, queue },
    secret: secretAt(`webhooks[${index}].secret`, secret, secrets),
  }));
}

export function webhooksIssues(webhooks: FilledWebhooks, driver: string): Issue[] {
  if (webhooks.length > 0 && driver === "taskcluster") {
    const message = "are for queues of Boxcar; Taskcluster tells of its tasks by Pulse and its service notify";
    return [{ path: "webhooks", message }];
  }
  const firsts = new Map<string, number>();
  return webhooks.flatMap(({ url, queue = "" }, index) => {
    const path = `webhooks[${index}]`;
    if (!URL.canParse(url)) return [{ path: `${path}.url`, message: `${JSON.stringify(url)} is no URL` }];
    const { username, password } = new URL(url);
    if (username !== "" || password !== "")
      return [{ path: `${path}.url`, message: "must not hold a name or password" }];
    const key = `${queue} ${url}`;
    const first = firsts.get(key);
    if (first !== undefined) return [{ path, message: `is webhooks[${first}] once more` }];
    firsts.set(key, index);
    return [];
  });
}
