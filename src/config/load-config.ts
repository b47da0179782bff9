/** Finds and reads the configuration file. */
import { readFile } from "node:fs/promises";
import { codeOf, messageOf, WorkerError } from "../base/errors.ts";
import { type Config, resolveConfig } from "./config.ts";
import { defaultConfigFile } from "./default-paths.ts";
import type { Surroundings } from "./host-facts.ts";

export interface LoadedConfig {
  readonly config: Config;
  /** The file it was read from; undefined if there is none and the defaults hold. */
  readonly file: string | undefined;
}

/**
 * Reads `file`, else the one named by BOXCAR_CONFIG, else the default one if it is there.
 *
 * @throws {@link WorkerError} `config-unreadable` or `invalid-input`, blame: host.
 */
export async function loadConfig(surroundings: Surroundings, file?: string): Promise<LoadedConfig> {
  const named = file ?? (surroundings.env["BOXCAR_CONFIG"] || undefined);
  const path = named ?? defaultConfigFile(surroundings);
  const text = await tryRead(path, named === undefined);
  if (text === undefined) return { config: resolveConfig(undefined, surroundings), file: undefined };
  // YAML's parser is large, and most hosts have no file.
  const { parseDocument } = await import("../schema/document.ts");
  // A file in which everything is commented out says nothing, and that is allowed.
  const document = parseDocument(text, path, "host") ?? undefined;
  return { config: resolveConfig(document, surroundings, path), file: path };
}

/** Undefined if the file is not there and need not be. */
async function tryRead(path: string, isOptional: boolean): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isOptional && codeOf(error) === "ENOENT") return undefined;
    throw new WorkerError(`cannot read the configuration file: ${messageOf(error)}`, {
      code: "config-unreadable",
      blame: "host",
      cause: error,
      details: { file: path },
    });
  }
}
