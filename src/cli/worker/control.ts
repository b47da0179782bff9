/** Speaks to the worker of this host. */
import type { Config } from "../../config/config.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { requestJson } from "../server/request.ts";
import { controlSocket } from "./control-socket.ts";
import { describeStatus, type PlainStatus } from "./describe.ts";

export interface ControlOptions {
  verb: "status" | "pause" | "resume" | "drain" | "stop";
  flags: { json?: boolean; reason?: string };
  config: Config;
  context: CliContext;
}

export async function controlWorker({ verb, flags, config, context }: ControlOptions): Promise<void> {
  const server = { socketPath: controlSocket(config) };
  const { signal } = context;
  const request =
    verb === "status"
      ? requestJson({ server, path: "/api/v1/worker", signal })
      : requestJson({ server, path: `/api/v1/worker/${verb}`, body: { reason: flags.reason }, signal });
  const status = (await request) as PlainStatus;
  if (flags.json) printJson(context, status);
  else print(context, describeStatus(status));
}
