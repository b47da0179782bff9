/**
 * What a failed request to Taskcluster means. Pure.
 *
 * Errors of the client library hold the request, with its credentials: they are never passed on, also not as `cause`.
 */
import { type Blame, codeOf, messageOf } from "../../base/errors.ts";
import { QueueError } from "../errors.ts";
import { AnswerError } from "./answers.ts";

const MAX_SENTENCE = 1_000;

export interface RequestFacts {
  /** Name of the method of the API. */
  readonly call: string;
  /** Who has to act if the queue does not accept what it was asked. */
  readonly refusalBlame: Blame;
  readonly rootUrl: string;
  readonly timeoutMs: number;
}

/** @param error What the client library, or the parsing of the answer, threw. */
export function requestError(error: unknown, facts: RequestFacts): QueueError {
  const status = statusOf(error);
  if (status !== undefined) return refusal(status, sentenceOf(error), facts);
  const { call, rootUrl, timeoutMs } = facts;
  const details = { call };
  if (error instanceof AnswerError) {
    const message = `the answer of ${rootUrl} to ${call} is not Taskcluster's: ${error.message}; check queue.taskcluster.rootUrl`;
    return new QueueError("queue-answer-invalid", message, { blame: "upstream", details });
  }
  if (codeOf(error) === "ECONNABORTED") {
    const message = `the queue at ${rootUrl} did not answer ${call} within ${timeoutMs} ms; it is tried again later`;
    return new QueueError("queue-timeout", message, { blame: "upstream", details });
  }
  const message = `the queue at ${rootUrl} could not be asked (${call}): ${messageOf(error)}; check the network and queue.taskcluster.rootUrl`;
  return new QueueError("queue-unreachable", message, { blame: "upstream", details });
}

function refusal(status: number, sentence: string, { call, refusalBlame, rootUrl }: RequestFacts): QueueError {
  const details = { call, status };
  const said = `the queue answered ${status} to ${call}: ${sentence}`;
  if (status >= 500 || status === 429 || status === 408) {
    return new QueueError("queue-unavailable", said, { blame: "upstream", details });
  }
  if (status === 401 || status === 403) {
    const hint = status === 401 ? "check queue.taskcluster.credentials and the clock" : "the scopes are missing";
    return new QueueError("queue-credentials-refused", `${said} (${hint})`, { blame: "host", details });
  }
  if (status === 409) return new QueueError("queue-conflict", said, { blame: refusalBlame, details });
  if (status === 404) {
    const message = `${said} (from ${rootUrl})`;
    return new QueueError("queue-not-found", message, { blame: refusalBlame, details });
  }
  return new QueueError("queue-request-refused", said, { blame: refusalBlame, details });
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("statusCode" in error)) return undefined;
  return typeof error.statusCode === "number" ? error.statusCode : undefined;
}

/** What the queue says is wrong; the request, which it repeats below a line, may hold secrets. */
function sentenceOf(error: unknown): string {
  const [sentence = ""] = messageOf(error).split(/\n+-{3,}/);
  return sentence.trim().slice(0, MAX_SENTENCE);
}
