/** All files, or folders, of a guest that a pattern means: listed by the guest, chosen here. */
import { posix } from "node:path";
import { codeOf, WorkerError } from "../../base/errors.ts";
import { FolderNames } from "../../guest/folder-reader.ts";
import { type ArtifactSource, type CollectOptions, collectFile, collectFolder } from "./collect-one.ts";
import { type Fetch, findFiles, findFolders, planFetches } from "./find-matches.ts";
import type { Glob } from "./glob.ts";
import type { StoredArtifact } from "./record.ts";
import type { ArtifactRequest } from "./request.ts";
import type { ArtifactSink } from "./store-artifact.ts";

/**
 * @throws {WorkerError} `nothing-matches`, `too-many-matches`, `folder-refused`; what the guest and the sink throw.
 */
export async function* collectMatches(
  request: ArtifactRequest,
  glob: Glob,
  source: ArtifactSource,
  sink: ArtifactSink,
  { maxBytes, maxFiles, signal }: CollectOptions,
): AsyncGenerator<StoredArtifact> {
  const listed = await source.listFolder(glob.folder, { signal });
  const fetches = await planOf(request, glob, listed, { maxFiles, signal });
  let leftBytes = maxBytes;
  let kept = 0;
  for (const fetch of fetches) {
    const options = { maxBytes: leftBytes, maxFiles, signal };
    try {
      for await (const record of collectFetch(request, glob, fetch, source, sink, options)) {
        leftBytes -= (record.content ?? record).sizeBytes;
        if (++kept > maxFiles) throw tooMany(request, maxFiles);
        yield record;
      }
    } catch (error) {
      // What goes on in the guest may have removed it since.
      if (codeOf(error) !== "file-not-found") throw error;
    }
  }
  if (kept === 0) throw fault("nothing-matches", request, "matches nothing in the guest");
}

async function planOf(
  request: ArtifactRequest,
  glob: Glob,
  listed: readonly string[],
  { maxFiles, signal }: Pick<CollectOptions, "maxFiles" | "signal">,
): Promise<Fetch[]> {
  const isFiles = request.type === "file";
  const found = await (isFiles ? findFiles : findFolders)(glob, listed, signal);
  if (found.length > maxFiles) throw tooMany(request, maxFiles);
  const names = new FolderNames(Number.POSITIVE_INFINITY);
  for (const path of found) names.add(path);
  return isFiles ? await planFetches(found, listed, signal) : found.map((folder) => ({ folder }));
}

function collectFetch(
  request: ArtifactRequest,
  { folder: base }: Glob,
  fetch: Fetch,
  source: ArtifactSource,
  sink: ArtifactSink,
  options: CollectOptions,
): AsyncGenerator<StoredArtifact> {
  const path = "file" in fetch ? fetch.file : fetch.folder;
  const one = { ...request, name: posix.join(request.name, path), path: posix.join(base, path) };
  if ("file" in fetch) return collectFile(one, source, sink, options);
  return collectFolder(one, source, sink, options, fetch.only);
}

function tooMany(request: ArtifactRequest, maxFiles: number): WorkerError {
  return fault("too-many-matches", request, `has more than ${maxFiles} matches`);
}

function fault(code: string, { path }: ArtifactRequest, what: string): WorkerError {
  return new WorkerError(`the pattern ${path} ${what}`, { code, blame: "task" });
}
