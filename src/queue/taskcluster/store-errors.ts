/** What it means when a store does not take a file. Pure. Its address is signed, and never part of a message. */
import type { Blame } from "../../base/errors.ts";
import { QueueError } from "../errors.ts";

const MAX_SENTENCE = 300;

/** Codes of S3 for what may pass by itself, whatever their status; a new attempt gets a new address, too. */
const PASSING_CODES = /\b(?:RequestTimeout|SlowDown|InternalError|IncompleteBody|BadDigest|ExpiredToken)\b|expired/i;

/** Statuses that say that the artifact itself is what the store does not take. */
const FAULTS_OF_ARTIFACT: ReadonlySet<number> = new Set([400, 413, 415, 422]);

export interface StoreFacts {
  /** Name of the artifact. */
  readonly artifact: string;
  /** Host of the store. */
  readonly host: string;
}

/** @param body The beginning of what the store answered. */
export function storeRefusal(status: number, body: string, { artifact, host }: StoreFacts): QueueError {
  const blame = blameFor(status, body);
  const code = blame === "upstream" ? "artifact-store-unavailable" : "artifact-store-refused";
  const message = `the store ${host} answered ${status} to the upload of ${artifact}: ${sentenceOf(body)}`;
  return new QueueError(code, message, { blame, details: { artifact, host, status } });
}

/** The connection broke, or nothing came any more. */
export function storeBroken(why: string, { artifact, host }: StoreFacts): QueueError {
  const message = `the upload of ${artifact} to ${host} broke off: ${why}; it can be tried again`;
  return new QueueError("artifact-store-unreachable", message, { blame: "upstream", details: { artifact, host } });
}

function blameFor(status: number, body: string): Blame {
  if (status >= 500 || status === 408 || status === 429 || PASSING_CODES.test(body)) return "upstream";
  return FAULTS_OF_ARTIFACT.has(status) ? "task" : "host";
}

/** Stores answer with XML; only these elements are sure not to repeat the signature. */
function sentenceOf(body: string): string {
  const [code, message] = ["Code", "Message"].map((name) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(body)?.[1]);
  const said = [code, message].filter((part) => part !== undefined && part !== "").join(": ");
  if (said !== "") return said.slice(0, MAX_SENTENCE);
  const isPlain = !/[<{]|https?:|signature|credential|token/i.test(body) && body.trim() !== "";
  return isPlain ? body.trim().slice(0, MAX_SENTENCE) : "(no reason given)";
}
