/** All files, or folders, of a guest that a pattern means: listed by the guest, chosen here, fetched one by one. */
import { posix } from "node:path";
import { codeOf, WorkerError } from "../../base/errors.ts";
import { FolderNames } from "../../guest/folder-reader.ts";
import { type ArtifactSource, type CollectOptions, collectFile, collectFolder } from "./collect-one.ts";
import { findFiles, findFolders } from "./find-matches.ts";
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
  const [find, collect] = request.type === "file" ? [findFiles, collectFile] : [findFolders, collectFolder];
  const listed = await source.listFolder(glob.folder, { signal });
  const found = await find(glob, listed, signal);
  if (found.length > maxFiles) throw fault("too-many-matches", request, `has more than ${maxFiles} matches`);
  const names = new FolderNames(Number.POSITIVE_INFINITY);
  for (const path of found) names.add(path);
  const left = { bytes: maxBytes, files: maxFiles };
  let kept = 0;
  for (const path of found) {
    const one = { ...request, name: `${request.name}/${path}`, path: posix.join(glob.folder, path) };
    try {
      for await (const record of collect(one, source, sink, { maxBytes: left.bytes, maxFiles: left.files, signal })) {
        left.bytes -= (record.content ?? record).sizeBytes;
        left.files--;
        kept++;
        yield record;
      }
    } catch (error) {
      // What goes on in the guest may have removed it since.
      if (codeOf(error) !== "file-not-found") throw error;
    }
  }
  if (kept === 0) throw fault("nothing-matches", request, "matches nothing in the guest");
}

function fault(code: string, { path }: ArtifactRequest, what: string): WorkerError {
  return new WorkerError(`the pattern ${path} ${what}`, { code, blame: "task" });
}
