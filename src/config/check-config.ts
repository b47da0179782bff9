/** Everything that is wrong with a configuration, and where. */
import { InvalidInputError, type Issue } from "../base/errors.ts";
import { completeConfig } from "./config.ts";
import type { Surroundings } from "./host-facts.ts";
import { type ConfigFile, readConfigFile } from "./load-config.ts";
import { readSecrets } from "./read-secrets.ts";
import type { Secrets } from "./secret.ts";
import type { PlacedReference } from "./secret-references.ts";
import { combineSources } from "./source.ts";

export interface CheckedConfig {
  /** Undefined where there is no file and the defaults hold. */
  readonly file: string | undefined;
  readonly issues: readonly LocatedIssue[];
  readonly warnings: readonly string[];
}

/** With its place in the file, both from 1; absent where it is about a variable. */
export interface LocatedIssue extends Issue {
  readonly line?: number;
  readonly column?: number;
}

/** @throws {@link WorkerError} `config-unreadable` */
export async function checkConfig(surroundings: Surroundings, name?: string): Promise<CheckedConfig> {
  const file = await readConfigFile(surroundings, name);
  const { issues, warnings } = await check(surroundings, file);
  return { file: file?.path, issues: file === undefined ? issues : await located(issues, file), warnings };
}

async function check(
  surroundings: Surroundings,
  file: ConfigFile | undefined,
): Promise<{ issues: readonly Issue[]; warnings: readonly string[] }> {
  try {
    const source = combineSources(await file?.parse(), surroundings.env);
    const secrets = await readSecrets(source.secrets, surroundings.env, file?.path ?? "");
    const troubles = secretTroubles(source.secrets, secrets, surroundings.env);
    const issues = issuesOf(() => completeConfig(source, surroundings, { secrets }));
    return { issues: [...issues, ...troubles.issues], warnings: [...source.warnings, ...troubles.warnings] };
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return { issues: error.issues, warnings: [] };
  }
}

function issuesOf(complete: () => unknown): readonly Issue[] {
  try {
    complete();
    return [];
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return error.issues;
  }
}

/** That a credential is not there outside of its service is no mistake. */
function secretTroubles(
  references: readonly PlacedReference[],
  secrets: Secrets,
  env: Surroundings["env"],
): { issues: Issue[]; warnings: string[] } {
  const isService = env["CREDENTIALS_DIRECTORY"] !== undefined;
  const [absent, others] = [true, false].map((isAbsent) =>
    references.filter(({ reference }) => (reference.credential !== undefined && !isService) === isAbsent),
  );
  return {
    issues: (others ?? []).flatMap(({ path }) => secrets.get(path)?.trouble?.issues ?? []),
    warnings: (absent ?? []).map(({ path }) => `${path} is a credential, which only a service of systemd is given`),
  };
}

async function located(issues: readonly Issue[], { text }: ConfigFile): Promise<LocatedIssue[]> {
  if (issues.length === 0) return [];
  const { placesIn } = await import("../schema/document-lines.ts");
  const place = placesIn(text);
  return issues
    .map((issue): LocatedIssue => ({ ...issue, ...place(issue.path) }))
    .sort(({ line: a = Number.POSITIVE_INFINITY }, { line: b = Number.POSITIVE_INFINITY }) => (a === b ? 0 : a - b));
}
