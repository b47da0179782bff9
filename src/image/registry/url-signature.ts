/** The signature that lies beside an archive on a web server: its address with `.sig` behind the path. */

import { Download, showUrl } from "../../http/download.ts";
import { DownloadError } from "../../http/download-error.ts";
import { MAX_ENVELOPE_BYTES } from "../../signing/dsse.ts";
import { type ImageSignature, parseImageSignature } from "../../signing/image-signature.ts";
import { boundedSource } from "./bounded-source.ts";

/** Undefined if there is none. @throws {InvalidInputError} It is none, or of something else. */
export async function tryFetchSignature(
  archiveUrl: string,
  digest: string,
  { signal }: { signal: AbortSignal },
): Promise<ImageSignature | undefined> {
  const url = new URL(archiveUrl);
  url.pathname = `${url.pathname}.sig`;
  try {
    await using download = await Download.start(url.href, { subject: "the signature", signal });
    const parts: Uint8Array[] = [];
    const source = boundedSource(download, MAX_ENVELOPE_BYTES, url.origin);
    for await (const part of source.open(signal)) parts.push(part);
    return parseImageSignature(Buffer.concat(parts), digest, `The signature ${showUrl(url)}`);
  } catch (error) {
    if (error instanceof DownloadError && error.code === "download-refused") return undefined;
    throw error;
  }
}
