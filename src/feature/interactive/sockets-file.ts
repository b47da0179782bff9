/**
 * What leads programs made for taskcluster-worker to the machine of a run: an artifact with addresses that hold a secret.
 * Pure.
 */
import type { LiveMachine } from "./live-machine.ts";

export const SOCKETS_CONTENT_TYPE = "application/json";

/** Below it are `shell` and `display`, as websockets, and `displays`. */
export const SHARED_PATH = "/api/v1/interactive";

/** @param origin Where this worker is reached, such as `https://ci.example.com`. */
export function socketsFile(
  origin: string,
  secret: string,
  { interactive, hasDisplay }: Pick<LiveMachine, "interactive" | "hasDisplay">,
): string {
  const http = `${origin}${SHARED_PATH}/${secret}`;
  const socket = http.replace(/^http/, "ws");
  const urls = {
    version: 2,
    ...(interactive?.shell ? { shellSocketUrl: `${socket}/shell` } : {}),
    ...(interactive?.display && hasDisplay
      ? { displaysUrl: `${http}/displays`, displaySocketUrl: `${socket}/display` }
      : {}),
  };
  return `${JSON.stringify(urls, undefined, 2)}\n`;
}
