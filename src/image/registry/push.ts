/** An image goes into a registry, with all that it lies on: first the archives, the lowest first, at last the name. */
import type { ImageSignature } from "../../signing/image-signature.ts";
import { ImageError } from "../errors.ts";
import type { ImageSignatures } from "../signatures/image-signatures.ts";
import type { ImageStore } from "../store/image-store.ts";
import type { ArchiveFile, PutBlobOptions, Registry } from "./registry.ts";

export interface AbsentArchive {
  readonly digest: string;
  readonly file: undefined;
}

export interface PushedImage {
  readonly archive: ArchiveFile;
  /** Its parent first; a registry may have those of which there is no archive here. */
  readonly parents: readonly (ArchiveFile | AbsentArchive)[];
  readonly signatures: readonly ImageSignature[];
}

export interface PushOptions extends PutBlobOptions {
  /** What it is called there; left out: it has no name there. */
  tag?: string | undefined;
}

export interface PushResult {
  readonly digest: string;
  /** Those that the registry did not have. */
  readonly sent: readonly string[];
}

/** @throws {@link ImageError} `archive-not-kept`, `registry-refused`, `signature-conflict`; {@link DownloadError} */
export async function pushImage(registry: Registry, pushed: PushedImage, options: PushOptions): Promise<PushResult> {
  const { tag, signal, onProgress } = options;
  const { archive, parents, signatures } = pushed;
  const sent: string[] = [];
  for (const each of [archive, ...parents].toReversed()) {
    if (each.file !== undefined) {
      if (await registry.putBlob(each, { signal, onProgress })) sent.push(each.digest);
    } else if (!(await registry.has(each.digest, { signal }))) throw notKept(each.digest, registry.description);
  }
  for (const signature of signatures) await registry.putSignature(signature, { signal });
  if (tag !== undefined) {
    const { digest, bytes } = archive;
    const created = new Date().toISOString();
    await registry.putTag(
      { name: tag, digest, bytes, parents: parents.map((each) => each.digest), created },
      { signal },
    );
  }
  return { digest: archive.digest, sent };
}

/** @throws {@link ImageError} `archive-not-kept` */
export async function pushedFromStore(
  store: ImageStore,
  signatures: ImageSignatures,
  reference: string,
): Promise<PushedImage> {
  const image = await store.inspect(reference);
  const chain = [image, ...(await store.ancestors(image))];
  const archives = await Promise.all(
    chain.map(async ({ digest, sizes }): Promise<ArchiveFile | AbsentArchive> => {
      const file = await store.archiveFile(digest);
      return file === undefined ? { digest, file } : { digest, file, bytes: sizes.archiveBytes };
    }),
  );
  const [archive, ...parents] = archives;
  if (archive?.file === undefined) throw notKept(image.digest);
  const signed = await Promise.all(chain.map(({ digest }) => signatures.read(digest)));
  return { archive, parents, signatures: signed.filter((each) => each !== undefined) };
}

function notKept(digest: string, registry?: string): ImageError {
  const lacking = registry === undefined ? "" : `, and ${registry} does not have it`;
  const message =
    `the archive of ${digest} is not kept here${lacking}; import the archive it came from again, which keeps it, ` +
    "or export the image, which packs another one, and push that file";
  return new ImageError("archive-not-kept", message, { blame: "task", details: { digest } });
}
