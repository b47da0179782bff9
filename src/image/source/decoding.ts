/** Undoes what a server or a worker has done to an archive to save room. */
import { pipeline, Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { codeOf, messageOf } from "../../base/errors.ts";
import { ImageError } from "../errors.ts";

const DECODERS: Readonly<Record<string, () => NodeJS.ReadWriteStream & Readable>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  zstd: createZstdDecompress,
};

/** @param encoding As in HTTP; undefined, `identity`: the bytes are as they are. @throws {@link ImageError} */
export function decode(bytes: AsyncIterable<Uint8Array>, encoding: string | undefined): AsyncIterable<Uint8Array> {
  if (encoding === undefined || encoding === "identity" || encoding === "") return bytes;
  const decoder = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  if (decoder === undefined) {
    const message = `the image is encoded as ${JSON.stringify(encoding.slice(0, 40))}, which is not known here; use gzip, zstd or none`;
    throw new ImageError("archive-corrupt", message);
  }
  return decoded(bytes, decoder());
}

async function* decoded(
  bytes: AsyncIterable<Uint8Array>,
  decoder: NodeJS.ReadWriteStream & Readable,
): AsyncGenerator<Uint8Array> {
  try {
    yield* pipeline(
      Readable.from(bytes, { objectMode: false }),
      decoder,
      () => {},
    ) as unknown as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (!/^(Z_|ZSTD_|ERR_ZLIB)/.test(codeOf(error) ?? "")) throw error;
    throw new ImageError("archive-corrupt", `the image cannot be unpacked: ${messageOf(error)}`, { cause: error });
  }
}
