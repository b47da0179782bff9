/**
 * Signs messages as Standard Webhooks says, by HMAC-SHA256. Pure.
 *
 * @see https://www.standardwebhooks.com
 */
import { createHmac } from "node:crypto";

const PREFIX = "whsec_";
const MIN_BYTES = 24;
const MAX_BYTES = 64;

/** The key in a secret such as `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`; undefined where it is none. */
export function tryParseWebhookSecret(text: string): Buffer | undefined {
  const encoded = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : "";
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return undefined;
  const key = Buffer.from(encoded, "base64");
  return key.length < MIN_BYTES || key.length > MAX_BYTES ? undefined : key;
}

export interface SignedMessage {
  /** The same for each attempt to send it. */
  readonly id: string;
  readonly body: string;
  /** Of the attempt. */
  readonly time: Date;
}

/** Its headers. */
export function signWebhook(key: Buffer, { id, body, time }: SignedMessage): Record<string, string> {
  const timestamp = String(Math.floor(time.getTime() / 1_000));
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
}
