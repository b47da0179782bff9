/** The payload of a task run from the command line: a file, changed by what the flags say. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { InvalidInputError } from "../../base/errors.ts";
import { whyUnreadable } from "../../base/why-unreadable.ts";
import type { Config } from "../../config/config.ts";
import { type ParsedPayload, parsePayload, payloadRules } from "../../feature/payload.ts";
import { EVERY_SOURCE } from "../../image/source/policy.ts";
import { networkOfFlag } from "../network-flag.ts";

export interface PayloadSource {
  taskFile?: string | undefined;
  /** Empty: the command of the file. */
  command: readonly string[];
  image: string | undefined;
  /** As the flag has it. */
  network?: string | undefined;
  cwd: string;
  config: Config;
}

/** @throws {InvalidInputError} with every issue. */
export async function readPayload(source: PayloadSource): Promise<ParsedPayload> {
  const { taskFile, command, image, network, cwd, config } = source;
  const document = taskFile === undefined ? {} : await readTaskFile(taskFile, cwd);
  const changed =
    typeof document === "object" && document !== null && !Array.isArray(document)
      ? {
          ...document,
          ...(command.length === 0 ? {} : { command, steps: undefined }),
          ...(image === undefined ? {} : { image }),
          ...(network === undefined ? {} : { network: networkOfFlag(network) }),
        }
      : document;
  return parsePayload(changed, {
    subject: taskFile === undefined ? "The task" : `The task ${taskFile}`,
    blame: "task",
    ...payloadRules(config),
    // Who runs a task by hand may read what he names.
    images: EVERY_SOURCE,
  });
}

/** @throws {InvalidInputError} */
export async function readTaskFile(file: string, cwd: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(resolve(cwd, file), "utf8");
  } catch (error) {
    throw new InvalidInputError(`The task ${file}`, [{ path: "", message: whyUnreadable(error) }], "task");
  }
  const { parseDocument } = await import("../../schema/document.ts");
  return parseDocument(text, file, "task");
}
