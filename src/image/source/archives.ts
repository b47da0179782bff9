/** Archives that the store does not have yet, wherever they are. */
import { Download, type DownloadOptions } from "../../http/download.ts";
import { type ArchiveSource, fileSource } from "../store/archive-source.ts";
import { decode } from "./decoding.ts";
import { checkDigests, type Digests, describeDigests } from "./digests.ts";

export interface RemoteArchiveOptions {
  url: string;
  /** The same for the same place. */
  id: string;
  digests: Digests;
  /** Whether the bytes are packed as the server says they are; otherwise they are taken as they come. */
  decodes: boolean;
  download: DownloadOptions;
}

/** Such as can be found again without asking where they are. */
export function keyOf(id: string, digests: Digests): string {
  return `${id} ${describeDigests(digests)}`.trimEnd();
}

/** Left to the store, if it is the only one: what has it is in the store already, or is not what was asked for. */
export function soleSha256(digests: Digests): string | undefined {
  return Object.keys(digests).length === 1 ? digests.sha256 : undefined;
}

/** An archive of which it is known what is in it: asked for by whoever imports it, once for all who want it. */
export function remoteArchive(options: RemoteArchiveOptions): ArchiveSource {
  const { url, id, digests, decodes } = options;
  let download: Download | undefined;
  const start = async (signal: AbortSignal) => {
    const started = await Download.start(url, { ...options.download, signal });
    signal.addEventListener("abort", () => void started[Symbol.asyncDispose](), { once: true });
    return started;
  };
  return {
    key: keyOf(id, digests),
    sha256: soleSha256(digests),
    get bytes() {
      return download === undefined ? undefined : archiveBytes(download, decodes);
    },
    async prepare(signal) {
      download = await start(signal);
    },
    async *open(signal) {
      download ??= await start(signal);
      yield* content(download, options, signal);
    },
  };
}

/** An archive of which only the server knows whether it is another than before: it is asked. */
export async function changingArchive(
  options: RemoteArchiveOptions,
  signal: AbortSignal | undefined,
): Promise<ArchiveSource & AsyncDisposable> {
  const { url, id, decodes } = options;
  const download = await Download.start(url, { ...options.download, signal });
  const { version } = download;
  return {
    key: version === undefined ? undefined : `${id} ${version}`,
    bytes: archiveBytes(download, decodes),
    sha256: undefined,
    open: (running) => content(download, options, running),
    [Symbol.asyncDispose]: () => download[Symbol.asyncDispose](),
  };
}

/** @throws {@link ImageError} `image-not-found` */
export async function localArchive(
  file: string,
  { id, digests, encoding }: { id: string; digests: Digests; encoding: string | undefined },
): Promise<ArchiveSource> {
  const source = await fileSource(file);
  const sha256 = soleSha256(digests);
  return {
    key: keyOf(id, digests),
    bytes: encoding === undefined ? source.bytes : undefined,
    sha256,
    open: (signal) => check(decode(source.open(signal), encoding), digests),
  };
}

function archiveBytes({ bytes, contentEncoding }: Download, decodes: boolean): number | undefined {
  return decodes && contentEncoding !== undefined ? undefined : bytes;
}

function content(
  download: Download,
  { digests, decodes }: Pick<RemoteArchiveOptions, "digests" | "decodes">,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const bytes = download.open(signal);
  return check(decodes ? decode(bytes, download.contentEncoding) : bytes, digests);
}

/** The store itself looks after the only one it knows. */
function check(bytes: AsyncIterable<Uint8Array>, digests: Digests): AsyncIterable<Uint8Array> {
  return soleSha256(digests) === undefined ? checkDigests(bytes, digests) : bytes;
}
