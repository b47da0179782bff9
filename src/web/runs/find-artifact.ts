/** The artifact that a name stands for. */
import { unsafePathReason } from "../../base/relative-path.ts";
import type { ArtifactEntry } from "../../queue/task-queue.ts";
import { ApiError } from "../api/api-error.ts";

export type FoundArtifact =
  | { readonly kind: "file"; readonly artifact: ArtifactEntry & { readonly file: string; readonly sha256: string } }
  | { readonly kind: "address"; readonly url: string };

/** A link to a link to …; two that lead to each other would never end. */
const MAX_LINKS = 5;

/**
 * Pure.
 *
 * @throws {ApiError} `bad-request`, `artifact-not-found`, `artifact-missing`, `artifact-elsewhere`
 */
export function findArtifact(artifacts: readonly ArtifactEntry[], name: string): FoundArtifact {
  const found = followLinks(artifacts, name);
  if (found.kind === "address") return found;
  const { file, sha256 } = found.artifact;
  if (file === undefined || sha256 === undefined) throw elsewhere(found.artifact);
  return { kind: "file", artifact: { ...found.artifact, file, sha256 } };
}

/**
 * The same, wherever it is: on another host there is an entry without a file. Pure.
 *
 * @throws {ApiError} `bad-request`, `artifact-not-found`, `artifact-missing`
 */
export function followLinks(
  artifacts: readonly ArtifactEntry[],
  name: string,
): { kind: "content"; artifact: ArtifactEntry } | { kind: "address"; url: string } {
  const fault = unsafePathReason(name);
  if (fault !== undefined)
    throw new ApiError(400, "bad-request", `the name of an artifact is a relative path; ${fault}`);
  let next = name;
  for (let links = 0; links <= MAX_LINKS; links++) {
    const found = requireContent(artifacts, next);
    const { link } = found;
    if (link === undefined) return { kind: "content", artifact: found };
    if ("url" in link) return { kind: "address", url: requireAddress(link.url) };
    next = link.artifact;
  }
  throw new ApiError(404, "artifact-not-found", "the artifact is a link that leads in a circle");
}

function requireContent(artifacts: readonly ArtifactEntry[], name: string): ArtifactEntry {
  const found = artifacts.find((each) => each.name === name);
  if (found === undefined) {
    const message = `there is no artifact ${JSON.stringify(name.slice(0, 200))} of this run, or it has expired`;
    throw new ApiError(404, "artifact-not-found", message);
  }
  const { error } = found;
  if (error === undefined) return found;
  // Nobody has ever seen the one; the other was there, and was not taken.
  const status = error.reason === "file-missing-on-worker" ? 404 : 410;
  throw new ApiError(status, "artifact-missing", error.message, { reason: error.reason });
}

function elsewhere({ workerId }: ArtifactEntry): ApiError {
  const message = `the artifact is on another host${workerId === undefined ? "" : `, that of the worker ${workerId}`}; ask there`;
  return new ApiError(404, "artifact-elsewhere", message, workerId === undefined ? undefined : { workerId });
}

/** Anything else would run where it is shown. */
function requireAddress(url: string): string {
  const { protocol, href } = URL.canParse(url) ? new URL(url) : { protocol: "", href: "" };
  if (protocol === "http:" || protocol === "https:") return href;
  throw new ApiError(410, "artifact-missing", "the artifact leads to what is no address of the web");
}
