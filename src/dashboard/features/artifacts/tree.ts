/** Artifacts by folder. Pure. */
import type { ApiArtifact } from "../../../generated/api.ts";

export interface ArtifactFolder {
  /** Empty: those in no folder. */
  readonly path: string;
  readonly artifacts: readonly ApiArtifact[];
  readonly sizeBytes: number;
}

/** Those in no folder first, then folders by name; in each by name too. */
export function groupByFolder(artifacts: readonly ApiArtifact[]): ArtifactFolder[] {
  const sorted = artifacts.toSorted((a, b) => compare(a.name, b.name));
  return [...Map.groupBy(sorted, ({ name }) => folderOf(name))]
    .map(([path, own]) => ({ path, artifacts: own, sizeBytes: sum(own) }))
    .toSorted((a, b) => compare(a.path, b.path));
}

export function folderOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf("/")));
}

export function baseName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

function sum(artifacts: readonly ApiArtifact[]): number {
  return artifacts.reduce((total, { sizeBytes = 0 }) => total + sizeBytes, 0);
}

const { compare } = new Intl.Collator("en", { numeric: true });
