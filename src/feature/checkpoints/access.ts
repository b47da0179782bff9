/**
 * Which tasks may start from a checkpoint. Pure.
 *
 * `private`: where the queue says who submits tasks, those of the same submitter; where tasks have scopes, those that
 * could have a private artifact of this name. `host`: all tasks of this worker.
 */
import type { MachineSnapshot } from "../../generated/machine-snapshot.ts";

/** Who a task acts for, as its queue knows it. */
export interface Asker {
  /** undefined: nobody said so. */
  readonly submitter?: string | undefined;
  /** Where the queue has such: what the task may do; a `*` at the end stands for anything. */
  readonly scopes?: readonly string[] | undefined;
  /** It is somebody who may read the files of the store anyway. */
  readonly isOwner?: boolean | undefined;
}

export type CheckpointScope = "private" | "host";

/** As it is in the record of a snapshot. */
interface Ownership {
  readonly scope: CheckpointScope;
  /** What the queue of the task goes by. */
  readonly by: "submitter" | "scopes";
  readonly submitter?: string;
}

export function ownershipOf(
  scope: CheckpointScope,
  { submitter, scopes }: Asker,
): NonNullable<MachineSnapshot["config"]> {
  const by = scopes === undefined ? "submitter" : "scopes";
  const ownership: Ownership = { scope, by, ...(submitter === undefined ? {} : { submitter }) };
  return { ...ownership };
}

/** A clause that says who may; undefined: the asker may. */
export function whyForbidden({ config, source }: MachineSnapshot, asker: Asker): string | undefined {
  if (asker.isOwner === true || config?.["scope"] === "host") return undefined;
  if (config?.["by"] === "scopes") {
    const needed = `queue:get-artifact:private/checkpoints/${source.task?.checkpoint}`;
    return satisfies(asker.scopes ?? [], needed) ? undefined : `the task needs the scope ${needed}`;
  }
  const isSame = asker.scopes === undefined && config?.["submitter"] === asker.submitter;
  return isSame ? undefined : "it is for tasks of who submitted its task";
}

function satisfies(scopes: readonly string[], needed: string): boolean {
  return scopes.some((scope) => scope === needed || (scope.endsWith("*") && needed.startsWith(scope.slice(0, -1))));
}
