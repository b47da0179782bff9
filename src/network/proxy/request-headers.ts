/** Headers that a proxy sends to its upstream. Pure. */
import { endToEnd, type Headers } from "./hop-by-hop.ts";

/** They say where a request came from, which a guest may say as it likes, and an upstream may believe of its neighbour. */
const ABOUT_THE_WAY = /^(?:forwarded|via|x-forwarded-.*|x-real-ip|x-original-.*|x-rewrite-.*|true-client-ip|cf-.*)$/;
/** The proxy's own client writes the first, and has answered the second. */
const REWRITTEN = /^(?:host|expect)$/;

/** What a guest's request says, and what the operator adds, whose word counts. */
export function passedHeaders(guest: Headers, own: Headers): Record<string, string | string[]> {
  const passed = endToEnd(guest);
  for (const name of Object.keys(passed)) {
    if (ABOUT_THE_WAY.test(name) || REWRITTEN.test(name) || name in own) delete passed[name];
  }
  return passed;
}

/** Of a request whose answer may be kept for others: nothing of what this guest says but what it can read. */
export function sharedHeaders(guest: Headers): Record<string, string> {
  const accept = guest["accept"];
  return {
    ...(typeof accept === "string" ? { accept } : {}),
    "accept-encoding": acceptsGzip(guest["accept-encoding"]) ? "gzip" : "identity",
    "user-agent": "boxcar",
  };
}

function acceptsGzip(accepted: Headers[string]): boolean {
  if (typeof accepted !== "string") return false;
  return accepted.split(",").some((entry) => /^\s*(?:x-)?gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/i.test(entry));
}

/**
 * Whether the answer to a request could be the same for everybody: one that asks for a part, or says who it is, is
 * not asked for others.
 */
export function isShareable(method: string, passed: Headers): boolean {
  if (method !== "GET") return false;
  const personal = ["authorization", "cookie", "range"].some((name) => passed[name] !== undefined);
  return !personal && !/\bno-store\b/i.test(String(passed["cache-control"] ?? ""));
}

/** A header of all values, as one text. */
export function joined(headers: Headers): Record<string, string> {
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return Object.fromEntries(entries);
}
