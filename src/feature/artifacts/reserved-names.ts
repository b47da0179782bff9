/** Names of artifacts that the worker gives itself: a task must not be able to fake what they stand for. */
import { WorkerError } from "../../base/errors.ts";

export const MANIFEST_NAME = "public/chain-of-trust.json";
export const SIGNATURE_NAME = "public/chain-of-trust.json.sig";

/** What the log of a run, the console of its machine, the log of its network and its report are kept as. */
const LOG_NAMES = ["task.log", "console.log", "live.log", "network.jsonl", "run.json"].map(
  (name) => `public/logs/${name}`,
);

/** Where those who may use the machine of the run find it, as taskcluster-worker has it. */
export const SOCKETS_NAME = "private/interactive/sockets.json";

const RESERVED: ReadonlySet<string> = new Set([MANIFEST_NAME, SIGNATURE_NAME, SOCKETS_NAME, ...LOG_NAMES]);

/** Why a task may not have an artifact of that name; undefined if it may. */
export function reservedNameProblem(name: string): string | undefined {
  return RESERVED.has(name) ? "is a name that only the worker gives; choose another" : undefined;
}

/** @throws {WorkerError} `artifact-name-refused` */
export function throwIfReserved(name: string): void {
  const problem = reservedNameProblem(name);
  if (problem === undefined) return;
  throw new WorkerError(`the artifact name ${JSON.stringify(name)} ${problem}`, {
    code: "artifact-name-refused",
    blame: "task",
  });
}
