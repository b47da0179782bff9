/** Finds and reads the configuration file. */
import { readFile } from "node:fs/promises";
import { codeOf, messageOf, WorkerError } from "../base/errors.ts";
import { type Config, completeConfig } from "./config.ts";
import { defaultConfigFile } from "./default-paths.ts";
import type { Surroundings } from "./host-facts.ts";
import { readSecrets } from "./read-secrets.ts";
import { combineSources } from "./source.ts";

export interface LoadedConfig {
  readonly config: Config;
  /** The file it was read from; undefined if there is none and the defaults hold. */
  readonly file: string | undefined;
  /** What is no mistake for certain, for people. */
  readonly warnings: readonly string[];
}

/**
 * Reads `file`, else the one named by BOXCAR_CONFIG, else the default one if it is there. A secret that cannot be read
 * is an error only of who needs it.
 *
 * @throws {@link WorkerError} `config-unreadable` or `invalid-input`, blame: host.
 */
export async function loadConfig(surroundings: Surroundings, file?: string): Promise<LoadedConfig> {
  const found = await readConfigFile(surroundings, file);
  const subject = found?.path ?? "The configuration";
  const source = combineSources(await found?.parse(), surroundings.env);
  const secrets = await readSecrets(source.secrets, surroundings.env, subject);
  const config = completeConfig(source, surroundings, { subject, secrets });
  return { config, file: found?.path, warnings: source.warnings };
}

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
  /** @throws {@link InvalidInputError} It is neither YAML nor JSON. */
  parse(): Promise<unknown>;
}

/** @throws {@link WorkerError} `config-unreadable` */
export async function readConfigFile(surroundings: Surroundings, file?: string): Promise<ConfigFile | undefined> {
  const named = file ?? (surroundings.env["BOXCAR_CONFIG"] || undefined);
  const path = named ?? defaultConfigFile(surroundings);
  const text = await tryRead(path, named === undefined);
  if (text === undefined) return undefined;
  const parse = async () => {
    // YAML's parser is large, and most hosts have no file.
    const { parseDocument } = await import("../schema/document.ts");
    // A file in which everything is commented out says nothing, and that is allowed.
    return parseDocument(text, path, "host") ?? undefined;
  };
  return { path, text, parse };
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
