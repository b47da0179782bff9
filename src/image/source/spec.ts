/** What a task calls its image, taken apart. Pure. */
import { InvalidInputError, type Issue } from "../../base/errors.ts";
import type { ImageSource } from "../../generated/image-source.ts";
import { DIGEST_ALGORITHMS, type Digests, digestsOf, hasDigest } from "./digests.ts";

/** As in the `image` of a task payload. */
export type ImageSpec = ImageSource;

/** An artifact of a task: of a run, of its latest run, or of the task that an index has under a name. */
export type ArtifactReference =
  | { readonly taskId: string; readonly runId?: number; readonly artifact: string }
  | { readonly namespace: string; readonly artifact: string };

export type ParsedImageSpec =
  | { kind: "name"; name: string }
  | { kind: "path"; path: string }
  | { kind: "url"; url: string; digests: Digests }
  | { kind: "artifact"; reference: ArtifactReference; digests: Digests };

/**
 * A path starts with `/`, a URL with its scheme, and every other text is a name.
 *
 * @throws {@link InvalidInputError} (blame: task) with every issue of {@link imageShapeIssues}.
 */
export function parseImageSpec(spec: ImageSpec): ParsedImageSpec {
  if (typeof spec === "string") return parseText(spec);
  const issues = imageShapeIssues(spec);
  if (issues.length > 0) throw new InvalidInputError("The source of an image", issues, "task");
  const digests = digestsOf(spec);
  const { url, taskId, runId, namespace, artifact = "" } = spec;
  if (url !== undefined) return { kind: "url", url, digests };
  if (namespace !== undefined) return { kind: "artifact", reference: { namespace, artifact }, digests };
  const run = runId === undefined ? {} : { runId };
  return { kind: "artifact", reference: { taskId: taskId ?? "", ...run, artifact }, digests };
}

function parseText(text: string): ParsedImageSpec {
  if (text.startsWith("/")) return { kind: "path", path: text };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return { kind: "url", url: text, digests: {} };
  return { kind: "name", name: text };
}

const PLACES = ["url", "taskId", "namespace"] as const;

/** What the schema cannot say of an object: which keys go together. */
export function imageShapeIssues(spec: Exclude<ImageSpec, string>): Issue[] {
  const places = PLACES.filter((key) => spec[key] !== undefined);
  const [place] = places;
  if (place === undefined) {
    return [{ path: "image", message: "must have url and a digest, taskId and artifact, or namespace and artifact" }];
  }
  if (places.length > 1)
    return [{ path: "image", message: `has ${places.join(" and ")}, and can have only one of them` }];
  return [...digestIssues(place, spec), ...artifactIssues(place, spec)];
}

function digestIssues(place: (typeof PLACES)[number], spec: Exclude<ImageSpec, string>): Issue[] {
  if (place !== "url" || hasDigest(digestsOf(spec))) return [];
  const others = DIGEST_ALGORITHMS.filter((algorithm) => algorithm !== "sha256").join(", ");
  return [{ path: "image.sha256", message: `is missing; a url needs it, or another digest: ${others}` }];
}

function artifactIssues(place: (typeof PLACES)[number], { artifact, runId }: Exclude<ImageSpec, string>): Issue[] {
  const isArtifact = place !== "url";
  return [
    ...(isArtifact && artifact === undefined ? [{ path: "image.artifact", message: "is missing" }] : []),
    ...(!isArtifact && artifact !== undefined ? [{ path: "image.artifact", message: "is not for a url" }] : []),
    ...(place !== "taskId" && runId !== undefined ? [{ path: "image.runId", message: "is for a taskId" }] : []),
  ];
}

/** For people. */
export function describeReference(reference: ArtifactReference): string {
  const name = `the artifact ${JSON.stringify(reference.artifact.slice(0, 200))}`;
  if ("namespace" in reference) return `${name} of what the index has as ${reference.namespace}`;
  const run = reference.runId === undefined ? "" : `, run ${reference.runId}`;
  return `${name} of task ${reference.taskId}${run}`;
}
