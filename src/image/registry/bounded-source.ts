/** An archive of which no more is read than it may be long. */
import { ImageError } from "../errors.ts";
import type { ArchiveSource } from "../store/archive-source.ts";

/** @throws {@link ImageError} `registry-refused` where its length is known already. */
export function boundedSource(source: ArchiveSource, maxBytes: number, registry: string): ArchiveSource {
  const { key, bytes, sha256 } = source;
  if (bytes !== undefined && bytes > maxBytes) throw tooLong(maxBytes, registry);
  return {
    ...{ key, bytes, sha256 },
    async *open(signal) {
      let done = 0;
      for await (const chunk of source.open(signal)) {
        done += chunk.length;
        if (done > maxBytes) throw tooLong(maxBytes, registry);
        yield chunk;
      }
    },
  };
}

function tooLong(maxBytes: number, registry: string): ImageError {
  return new ImageError(
    "registry-refused",
    `an archive of ${registry} is longer than the ${maxBytes} bytes it may have; nothing of it is kept`,
    { blame: "task" },
  );
}
