/** The definition of a task: a file, changed by what the flags say. Pure. */
import type { TaskDefinition } from "../../generated/task-definition.ts";
import { parseAs } from "../../schema/parse.ts";
import { networkOfFlag } from "../network-flag.ts";

export interface DefinitionChanges {
  /** Empty: the command of the document. */
  readonly command: readonly string[];
  readonly image: string | undefined;
  /** As the flag has it. */
  readonly network?: string | undefined;
  readonly priority: TaskDefinition["priority"];
  readonly name: string | undefined;
  readonly deadline: string | undefined;
  /** Where the document names none. */
  readonly defaultQueue: string;
  readonly queue: string | undefined;
  /** In addition to those of the document. */
  readonly dependencies: readonly string[];
}

/**
 * @param document Of a file: a definition, or a payload alone.
 * @throws {InvalidInputError} with every issue of the definition; those of its payload are for others to find.
 */
export function buildDefinition(document: unknown, changes: DefinitionChanges, subject: string): TaskDefinition {
  const given = isObject(document) && isObject(document["payload"]) ? document : { payload: document };
  const { command, image, network, priority, name, deadline, queue, defaultQueue, dependencies } = changes;
  const payload = isObject(given["payload"])
    ? {
        ...without(given["payload"], command.length === 0 ? [] : ["steps"]),
        ...(command.length === 0 ? {} : { command }),
        ...(image === undefined ? {} : { image }),
        ...(network === undefined ? {} : { network: networkOfFlag(network) }),
      }
    : given["payload"];
  const said = Array.isArray(given["dependencies"]) ? given["dependencies"] : [];
  const metadata = isObject(given["metadata"]) ? given["metadata"] : {};
  const changed = {
    ...given,
    queue: queue ?? given["queue"] ?? defaultQueue,
    payload,
    ...(priority === undefined ? {} : { priority }),
    ...(deadline === undefined ? {} : { deadline }),
    ...(name === undefined ? {} : { metadata: { ...metadata, name } }),
    ...(dependencies.length === 0 ? {} : { dependencies: [...new Set([...said, ...dependencies])] }),
  };
  return parseAs("task-definition", changed, { subject, blame: "task" });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function without(object: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}
