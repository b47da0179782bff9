/** One attempt to send a message. */
import { type Agent, request } from "undici";
import { messageOf } from "../../base/errors.ts";

export type SendResult =
  | { readonly kind: "delivered" }
  /** The receiver wants nothing more. */
  | { readonly kind: "gone" }
  /** @param askedMs What it says about when to come again. */
  | { readonly kind: "failed"; readonly why: string; readonly askedMs?: number | undefined };

export interface SendOptions {
  readonly agent: Agent;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  /** Fires when the worker ends. */
  readonly signal: AbortSignal;
}

/** So much of an answer is read, so that the connection can be used again. */
const MAX_ANSWER_BYTES = 16_384;

/** Never rejects. Redirects are not followed: who signs says to whom. */
export async function sendWebhook({ agent, url, headers, body, timeoutMs, signal }: SendOptions): Promise<SendResult> {
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await request(url, {
      ...{ dispatcher: agent, method: "POST", body, signal: AbortSignal.any([signal, late]) },
      headers: { "content-type": "application/json", ...headers },
    });
    const { statusCode } = answer;
    // What it says is for nobody, and may have no end.
    answer.body.dump({ limit: MAX_ANSWER_BYTES }).catch(() => {});
    if (statusCode >= 200 && statusCode < 300) return { kind: "delivered" };
    if (statusCode === 410) return { kind: "gone" };
    return { kind: "failed", why: `it answered ${statusCode}`, askedMs: askedOf(answer.headers["retry-after"]) };
  } catch (error) {
    return { kind: "failed", why: late.aborted ? `no answer within ${timeoutMs} ms` : messageOf(error) };
  }
}

/** Dates are not understood. */
function askedOf(header: string | string[] | undefined): number | undefined {
  return typeof header === "string" && /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : undefined;
}
