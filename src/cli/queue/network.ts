/** Prints what a run has asked of its network: by the worker of this host while it runs, else out of what was kept. */
import { codeOf, WorkerError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import type { NetworkReport } from "../../feature/network/report.ts";
import { TaskLogs } from "../../worker/lookup/task-logs.ts";
import { TaskNetworks } from "../../worker/lookup/task-networks.ts";
import { hostFolders } from "../../worker/task-host.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { requestJson } from "../server/request.ts";
import { controlSocket } from "../worker/control-socket.ts";
import { describeNetwork } from "./describe-network.ts";
import { openTaskQueue } from "./open-task-queue.ts";

export interface WantedNetwork {
  task: string;
  run: number | "latest";
}

/** @throws {WorkerError} `network-not-found`; {@link QueueError} */
export async function printNetwork(
  wanted: WantedNetwork,
  { refused = false, json = false }: { refused?: boolean; json?: boolean },
  config: Config,
  context: CliContext,
): Promise<void> {
  await using tasks = await openTaskQueue(config);
  const { taskId } = await tasks.show(wanted.task);
  const whole = { ...wanted, task: taskId };
  const kept = new TaskNetworks(new TaskLogs({ tasks, runsFolder: hostFolders(config).runs }));
  const found = (await askWorker(whole, config, context)) ?? (await kept.find(whole));
  if (found === undefined) throw notFound(whole);
  const entries = refused ? found.entries.filter(({ decision }) => decision === "refused") : found.entries;
  const report = { ...found, entries };
  if (json) printJson(context, report);
  else print(context, describeNetwork(report, refused));
}

/** Undefined where no worker runs here, or it knows nothing of it. */
async function askWorker(
  { task, run }: WantedNetwork,
  config: Config,
  { signal }: CliContext,
): Promise<NetworkReport | undefined> {
  const path = `/api/v1/tasks/${task}/runs/${run}/network`;
  try {
    return (await requestJson({ server: { socketPath: controlSocket(config) }, path, signal })) as NetworkReport;
  } catch (error) {
    if (codeOf(error) === "no-worker" || codeOf(error) === "network-not-found") return undefined;
    throw error;
  }
}

function notFound({ task, run }: WantedNetwork): WorkerError {
  const which = run === "latest" ? "the last run" : `run ${run}`;
  const message = `nothing is known here of the network of ${which} of task ${task}: it has not begun, or has asked for nothing`;
  return new WorkerError(message, { code: "network-not-found", blame: "task" });
}
