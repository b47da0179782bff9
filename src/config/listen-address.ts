/** Where a service of the worker listens: `127.0.0.1:7070`, `[::1]:7070`, `localhost:0`. */
import { BlockList, isIP } from "node:net";
import type { Issue } from "../base/errors.ts";

export interface ListenAddress {
  /** Without brackets. */
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
}

export const MAX_PORT = 65_535;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** @param text Of the form the schema asks for. */
export function parseListenAddress(text: string): ListenAddress {
  const colon = text.lastIndexOf(":");
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(text.slice(colon + 1)) };
}

/** @param accessEnabled Whether clients have to log in; only then others may reach it. */
export function listenIssues(path: string, text: string, accessEnabled: boolean): Issue[] {
  const { host, port } = parseListenAddress(text);
  const issues: Issue[] = [];
  if (port > MAX_PORT) issues.push({ path, message: `${port} is no port; the largest is ${MAX_PORT}` });
  if (!accessEnabled && !isLoopback(host)) {
    const message = `${host} can be reached by others, and nobody is asked for a password; use 127.0.0.1, [::1] or localhost, or set access.enabled to true`;
    issues.push({ path, message });
  }
  return issues;
}

/** @param host An address without brackets, or a name. */
export function isLoopback(host: string): boolean {
  const version = isIP(host);
  return version === 0 ? host === "localhost" : LOOPBACK.check(host, version === 4 ? "ipv4" : "ipv6");
}
