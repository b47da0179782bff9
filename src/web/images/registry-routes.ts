/**
 * The store of a worker as a registry: archives that were kept, names, signatures. What is sent goes through the same
 * checks as any other import, before anybody can ask for it.
 */
import type { RegistryTag } from "../../generated/registry-tag.ts";
import { checkTag, sha256OfDigest } from "../../image/registry/documents.ts";
import type { ImageSignatures } from "../../image/signatures/image-signatures.ts";
import type { Image } from "../../image/store/image.ts";
import type { ImageStore } from "../../image/store/image-store.ts";
import { requireTagName } from "../../image/store/reference.ts";
import { isContained, mergeSignatures, parseImageSignature } from "../../signing/image-signature.ts";
import { ApiError } from "../api/api-error.ts";
import { defineRoute, type Route } from "../api/route.ts";
import { sendStoredFile } from "../runs/stored-file.ts";
import { ARCHIVE_TYPE, BlobUploads } from "./blob-uploads.ts";

export interface RegistryRoutesOptions {
  images: ImageStore;
  signatures: ImageSignatures;
  /** Longest archive that is taken. */
  maxArchiveBytes: number;
}

const BASE = "/api/v1/registry";

export function registryRoutes({ images, signatures, maxArchiveBytes }: RegistryRoutesOptions): Route[] {
  return [
    ...tagRoutes(images),
    ...blobRoutes(images, signatures, maxArchiveBytes),
    ...signatureRoutes(images, signatures),
  ];
}

function tagRoutes(images: ImageStore): Route[] {
  return [
    defineRoute()({
      method: "GET",
      path: `${BASE}/tags.json`,
      operation: "listRegistryTags",
      summary: "Names in the registry of a worker",
      tag: "images",
      permission: "read",
      answers: { 200: { description: "Of all images whose archive is kept.", schema: "registryTags" } },
      handle: async () =>
        (await images.list())
          .flatMap((image) => image.tags.map((name) => tagOf(name, image)))
          .filter(isKept)
          .map(plain),
    }),
    defineRoute()({
      method: "GET",
      path: `${BASE}/tags/{tag}.json`,
      operation: "getRegistryTag",
      summary: "What a name in the registry of a worker stands for",
      tag: "images",
      permission: "read",
      answers: { 200: { description: "The name.", schema: "registryTag" } },
      handle: async ({ params }) => plain(requireKept(tagOf(params.tag, await imageNamed(images, params.tag)))),
    }),
    defineRoute<unknown>()({
      method: "PUT",
      path: `${BASE}/tags/{tag}.json`,
      operation: "putRegistryTag",
      summary: "Gives an archive of the registry a name, which another one may lose by that",
      tag: "images",
      permission: "operate",
      body: { api: "registryTagRequest" },
      answers: { 200: { description: "The name.", schema: "registryTag" } },
      async handle({ params, body }) {
        const { name, digest } = checkTag(body, requireTagName(params.tag), "this registry");
        requireKept(tagOf(name, await images.inspect(digest)));
        await images.tag(digest, name);
        return plain(tagOf(name, await images.inspect(name)));
      },
    }),
  ];
}

function blobRoutes(images: ImageStore, signatures: ImageSignatures, maxArchiveBytes: number): Route[] {
  const uploads = new BlobUploads(images, signatures, { maxArchiveBytes });
  return [
    defineRoute()({
      method: "GET",
      path: `${BASE}/blobs/{sha256}.tar.zst`,
      operation: "getRegistryBlob",
      summary: "The archive of an image",
      tag: "images",
      permission: "read",
      answers: {
        200: { description: "The archive.", contentType: ARCHIVE_TYPE },
        206: { description: "The part that was asked for.", contentType: ARCHIVE_TYPE },
        304: { description: "The client has it." },
      },
      async handle({ params: { sha256 }, request, response }) {
        const digest = digestOf(sha256);
        const file = await images.archiveFile(digest);
        if (file === undefined) throw notKept(digest);
        const content = { file, name: `${sha256}.tar.zst`, contentType: ARCHIVE_TYPE, sha256, isFinal: true };
        await sendStoredFile(request, response, content);
      },
    }),
    defineRoute()({
      method: "PUT",
      path: `${BASE}/blobs/{sha256}.tar.zst`,
      operation: "putRegistryBlob",
      summary: "Sends an archive, which is checked and brought into the store",
      tag: "images",
      permission: "operate",
      stream: ARCHIVE_TYPE,
      answers: {
        201: { description: "It is in the store.", schema: "image" },
        412: { description: "It was there already, and was to be sent only if not.", schema: "error" },
      },
      handle: ({ params, request, signal }) => uploads.take(digestOf(params.sha256), request, signal),
    }),
  ];
}

function signatureRoutes(images: ImageStore, signatures: ImageSignatures): Route[] {
  const path = `${BASE}/signatures/{sha256}.json` as const;
  return [
    defineRoute()({
      method: "GET",
      path,
      operation: "getRegistrySignature",
      summary: "Who has signed an image",
      tag: "images",
      permission: "read",
      answers: { 200: { description: "A DSSE envelope.", schema: "signatureEnvelope" } },
      async handle({ params }) {
        const { digest } = await images.inspect(digestOf(params.sha256));
        const found = await signatures.read(digest);
        if (found !== undefined) return found.envelope;
        throw new ApiError(404, "signature-not-found", `nobody has signed ${digest}`);
      },
    }),
    defineRoute<unknown>()({
      method: "PUT",
      path,
      operation: "putRegistrySignature",
      summary: "Adds signatures to an image",
      tag: "images",
      permission: "operate",
      body: { api: "signatureEnvelopeRequest" },
      answers: { 200: { description: "All its signatures.", schema: "signatureEnvelope" } },
      async handle({ params, body }) {
        const digest = digestOf(params.sha256);
        const added = parseImageSignature(Buffer.from(JSON.stringify(body)), digest);
        const before = await signatures.read((await images.inspect(digest)).digest);
        const both = mergeSignatures(before ?? added, added);
        if (both === undefined || !isContained(added, both)) {
          const message =
            "the signature that is here says something else about this image, or there are as many as there can be; " +
            "remove one of both";
          throw new ApiError(409, "signature-conflict", message);
        }
        return (await signatures.add(added)).envelope;
      },
    }),
  ];
}

type Found = RegistryTag & { readonly isKept: boolean };

function tagOf(name: string, { digest, sizes, ancestors, created }: Image): Found {
  return {
    ...{ name, digest, bytes: sizes.archiveBytes, parents: [...ancestors], created: created.toISOString() },
    isKept: sizes.keptArchiveBytes > 0,
  };
}

function isKept(found: Found): boolean {
  return found.isKept;
}

/** @throws {ApiError} `archive-not-kept` */
function requireKept(found: Found): Found {
  if (!found.isKept) throw notKept(found.digest);
  return found;
}

function plain({ isKept: _isKept, ...tag }: Found): RegistryTag {
  return tag;
}

/** By this name and by nothing else. @throws {ImageError} `image-not-found` */
async function imageNamed(images: ImageStore, name: string): Promise<Image> {
  const image = await images.inspect(requireTagName(name));
  if (image.tags.includes(name)) return image;
  throw new ApiError(404, "image-not-found", `there is no image ${JSON.stringify(name)} here`);
}

function digestOf(sha256: string): `sha256:${string}` {
  return `sha256:${sha256OfDigest(`sha256:${sha256}`)}`;
}

function notKept(digest: string): ApiError {
  const message = `the archive of ${digest} is not kept on this worker; push it, or import it there with its archive`;
  return new ApiError(404, "archive-not-kept", message);
}
