/** A link to a machine for a browser, good once. */
import { InvalidInputError } from "../../base/errors.ts";
import type { ApiLink, ApiSession } from "../../generated/api.ts";
import { type CliContext, print } from "../context.ts";
import { addressOf, type ServerAddress } from "../server/address.ts";
import { ask } from "../server/server.ts";

export interface WantedLink {
  server: ServerAddress;
  task: string;
  run: number | "latest";
  kind: "display" | "shell";
  mode: "view" | "control";
}

export async function printLink({ server, task, run, kind, mode }: WantedLink, context: CliContext): Promise<void> {
  const { signal } = context;
  const base = "url" in server ? server.url : await addressOfWorker(server, signal);
  const path = `/api/v1/tasks/${encodeURIComponent(task)}/runs/${run}/links`;
  const link = await ask<ApiLink>({ server, path, body: { kind, mode }, signal });
  print(context, addressOf(base, link.path).href);
}

/** Where a browser finds the worker whose socket this is. */
async function addressOfWorker(server: ServerAddress, signal: AbortSignal): Promise<URL> {
  const { url } = await ask<ApiSession>({ server, path: "/api/v1/session", signal });
  if (url !== undefined) return new URL(url);
  const issue = {
    path: "worker.http.listen",
    message: "is not set, nor worker.http.url, so it is not known where a browser reaches the worker",
  };
  throw new InvalidInputError("The configuration of the worker", [issue], "host");
}
