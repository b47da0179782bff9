/** Digests that an archive must have. */
import { createHash } from "node:crypto";
import { ImageError } from "../errors.ts";

/** The strongest first. */
export const DIGEST_ALGORITHMS = ["sha512", "sha256", "sha1", "md5"] as const;

/** In lower-case hexadecimal. */
export type Digests = Readonly<Partial<Record<(typeof DIGEST_ALGORITHMS)[number], string>>>;

/** The digests of `from`, without whatever else it has. */
export function digestsOf(from: Readonly<Record<string, unknown>>): Digests {
  return Object.fromEntries(
    DIGEST_ALGORITHMS.flatMap((algorithm) => {
      const digest = from[algorithm];
      return typeof digest === "string" ? [[algorithm, digest]] : [];
    }),
  );
}

export function hasDigest(digests: Digests): boolean {
  return DIGEST_ALGORITHMS.some((algorithm) => digests[algorithm] !== undefined);
}

/** The same for the same digests. */
export function describeDigests(digests: Digests): string {
  return DIGEST_ALGORITHMS.flatMap((algorithm) =>
    digests[algorithm] === undefined ? [] : [`${algorithm}:${digests[algorithm]}`],
  ).join(" ");
}

/** What is asked for by one side and by another. @throws {@link ImageError} `image-digest-mismatch` if they differ. */
export function joinDigests(asked: Digests, known: Digests): Digests {
  for (const algorithm of DIGEST_ALGORITHMS) {
    const [expected, actual] = [asked[algorithm], known[algorithm]];
    if (expected !== undefined && actual !== undefined && expected !== actual)
      throw mismatch(algorithm, expected, actual);
  }
  return { ...known, ...asked };
}

/**
 * The same bytes; after the last of them it is known whether they are the right ones.
 *
 * @throws {@link ImageError} `image-digest-mismatch`, unless every digest is right.
 */
export async function* checkDigests(bytes: AsyncIterable<Uint8Array>, digests: Digests): AsyncGenerator<Uint8Array> {
  const hashes = DIGEST_ALGORITHMS.flatMap((algorithm) => {
    const expected = digests[algorithm];
    return expected === undefined ? [] : [{ algorithm, expected, hash: createHash(algorithm) }];
  });
  for await (const chunk of bytes) {
    for (const { hash } of hashes) hash.update(chunk);
    yield chunk;
  }
  for (const { algorithm, expected, hash } of hashes) {
    const actual = hash.digest("hex");
    if (actual !== expected) throw mismatch(algorithm, expected, actual);
  }
}

function mismatch(algorithm: string, expected: string, actual: string): ImageError {
  const message = `the archive has the digest ${algorithm}:${actual}, not ${algorithm}:${expected} as was asked for`;
  return new ImageError("image-digest-mismatch", message, { blame: "task", details: { algorithm, expected, actual } });
}
