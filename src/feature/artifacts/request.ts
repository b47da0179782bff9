/** What a task wants kept, and what is wrong with that beside what the schema can say. Pure. */
import type { Issue } from "../../base/errors.ts";
import { tryParseDuration } from "../../base/units.ts";
import type { FeatureArtifacts } from "../../generated/feature-artifacts.ts";
import { joinPath } from "../../schema/document-path.ts";
import { durationIssues } from "../../schema/duration.ts";
import { patternProblem } from "./glob.ts";
import type { Compression } from "./pack.ts";
import { reservedNameProblem } from "./reserved-names.ts";

/** One file or folder the task wants kept, or all that a pattern means. */
export interface ArtifactRequest {
  readonly name: string;
  /** May have wildcards. */
  readonly path: string;
  readonly type: "file" | "directory";
  readonly optional: boolean;
  readonly contentType?: string;
  readonly compression: Compression;
  /** From the end of the run on; absent: as long as the task. */
  readonly expiresAfterMs?: number;
}

/** No timer waits for it. */
const MAX_EXPIRY_MS = 100 * 365 * 86_400_000;

export function artifactRequests(artifacts: FeatureArtifacts = []): ArtifactRequest[] {
  return artifacts.map(({ expires, ...request }) => {
    const expiresAfterMs = expires === undefined ? undefined : tryParseDuration(expires);
    const whole = { type: "file", optional: false, compression: "none", ...request } as const;
    return expiresAfterMs === undefined ? whole : { ...whole, expiresAfterMs };
  });
}

/** Looks only at what has the right shape: the schema speaks of the rest. */
export function artifactIssues(artifacts: unknown): Issue[] {
  if (!Array.isArray(artifacts)) return [];
  const indexByName = new Map<string, number>();
  const issues: Issue[] = [];
  for (const [index, artifact] of artifacts.entries()) {
    if (typeof artifact !== "object" || artifact === null) continue;
    const at = joinPath("artifacts", index);
    const fields = artifact as Record<string, unknown>;
    issues.push(...issuesOfOne(fields, at));
    const { name } = fields;
    if (typeof name !== "string") continue;
    const taken = indexByName.get(name);
    if (taken === undefined) indexByName.set(name, index);
    else issues.push({ path: `${at}.name`, message: `is the name of artifacts[${taken}] already` });
  }
  return [...issues, ...nestingIssues(indexByName)];
}

function issuesOfOne({ name, path, type, contentType, expires }: Record<string, unknown>, at: string): Issue[] {
  const issues: Issue[] = [];
  if (type === "directory" && contentType !== undefined) {
    issues.push({ path: `${at}.contentType`, message: "is for files; those in a folder get theirs from their names" });
  }
  const reserved = typeof name === "string" ? reservedNameProblem(name) : undefined;
  if (reserved !== undefined) issues.push({ path: `${at}.name`, message: reserved });
  const problem = typeof path === "string" ? patternProblem(path) : undefined;
  if (problem !== undefined) issues.push({ path: `${at}.path`, message: problem });
  if (typeof expires === "string" || (typeof expires === "number" && expires > 0)) {
    issues.push(...durationIssues(`${at}.expires`, expires, MAX_EXPIRY_MS));
  }
  return issues;
}

/** One artifact inside another would end in one place on the disk. */
function nestingIssues(indexByName: ReadonlyMap<string, number>): Issue[] {
  const issues: Issue[] = [];
  for (const [name, index] of indexByName) {
    for (let slash = name.indexOf("/"); slash !== -1; slash = name.indexOf("/", slash + 1)) {
      const outer = indexByName.get(name.slice(0, slash));
      if (outer !== undefined) {
        issues.push({ path: `artifacts[${index}].name`, message: `lies inside artifacts[${outer}]` });
        break;
      }
    }
  }
  return issues;
}
