/** What of the definition of a task somebody is shown: values that may be secrets are for who may use its machine. Pure. */
import { isDeepStrictEqual } from "node:util";
import type { Principal } from "../../access/principal.ts";
import { mayDo } from "../../access/role.ts";
import type { TaskDefinition } from "../../generated/task-definition.ts";
import type { TaskDetails } from "../../queue/task-queue.ts";
import { redactAs } from "../../schema/redact.ts";
import { ApiError } from "../api/api-error.ts";

type Submitted = Pick<TaskDetails, "definition" | "submitter">;

/** Whole for who submitted the task, or may have a shell in any; for others `[secret]` stands for values of variables. */
export function visibleDefinition({ definition, submitter }: Submitted, principal: Principal): TaskDefinition {
  if (submitter === principal.name || mayDo(principal.role, "control")) return definition;
  return { ...definition, payload: redactAs("task-payload", definition.payload) as TaskDefinition["payload"] };
}

/** A copy could tell its submitter what the original has. @throws {ApiError} `forbidden` */
export function requireVisible(task: Submitted, principal: Principal): void {
  if (isDeepStrictEqual(visibleDefinition(task, principal), task.definition)) return;
  const message = `the task has values of variables that are for ${task.submitter ?? "its submitter"} alone; submit one with values of your own`;
  throw new ApiError(403, "forbidden", message);
}
