/** What the API says of an image, as far as it is shown; anything may be missing. Pure. */
import type { ApiImage } from "../../../generated/api.ts";

export interface ImageFacts {
  readonly digest: string;
  readonly tags: readonly string[];
  /** Its first name, or the beginning of its digest. */
  readonly title: string;
  readonly archiveBytes: number | undefined;
  readonly diskBytes: number | undefined;
  readonly created: string | undefined;
  readonly lastUsed: string | undefined;
  readonly machine: readonly (readonly [name: string, value: string])[];
  readonly packages: number | undefined;
  readonly source: string | undefined;
  readonly snapshots: readonly SnapshotFacts[];
}

export interface SnapshotFacts {
  readonly title: string;
  /** In words. */
  readonly state: string;
  readonly diskBytes: number | undefined;
}

export function imageFacts(image: ApiImage): ImageFacts {
  const { digest, tags } = image;
  const [sizes, provenance, machine] = [image["sizes"], image["provenance"], image["machine"]].map(record);
  const packages = provenance?.["packages"];
  const snapshots = image["snapshots"];
  return {
    ...{ digest, tags, title: tags[0] ?? shortDigest(digest) },
    archiveBytes: number(sizes?.["archiveBytes"]),
    diskBytes: number(sizes?.["diskBytes"]),
    created: text(image["created"]),
    lastUsed: text(image["lastUsed"]),
    machine: Object.entries(machine ?? {}).flatMap(([name, value]) =>
      name === "version" ? [] : [[name, name === "memory" ? `${shown(value)} MiB` : shown(value)] as const],
    ),
    packages: Array.isArray(packages) ? packages.length : undefined,
    source: text(provenance?.["source"]) ?? text(provenance?.["url"]),
    snapshots: Array.isArray(snapshots) ? snapshots.map(record).map(snapshotFacts) : [],
  };
}

export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, "").slice(0, 12);
}

function snapshotFacts(snapshot: Record<string, unknown>): SnapshotFacts {
  const [boots, damaged] = [text(snapshot["boots"]), text(snapshot["damaged"])];
  return {
    title: text(snapshot["title"]) ?? text(snapshot["key"]) ?? "a snapshot",
    state:
      damaged === undefined ? (boots === undefined ? "ready" : `boots each time: ${boots}`) : `damaged: ${damaged}`,
    diskBytes: number(snapshot["diskBytes"]),
  };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
