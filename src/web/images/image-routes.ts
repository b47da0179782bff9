/** Images in the store of a worker: look at them, fetch, warm, name and remove them. */
import type { Permission } from "../../access/role.ts";
import type { ApiJob, ApiPullRequest, ApiTagRequest, ApiWarmRequest } from "../../generated/api.ts";
import { imageDocument, snapshotDocument } from "../../image/document.ts";
import { progressDescriber } from "../../image/progress.ts";
import type { ImageSignatures } from "../../image/signatures/image-signatures.ts";
import { acquireImage, type ImageHooks } from "../../image/source/acquire.ts";
import type { ArtifactOrigin } from "../../image/source/artifact-origin.ts";
import { checkAllowed, type ImageSourcePolicy } from "../../image/source/policy.ts";
import { type ImageSpec, parseImageSpec } from "../../image/source/spec.ts";
import type { Image } from "../../image/store/image.ts";
import type { ImageStore } from "../../image/store/image-store.ts";
import { requireTagName } from "../../image/store/reference.ts";
import { ApiError } from "../api/api-error.ts";
import { text } from "../api/parameters.ts";
import { defineRoute, type Route } from "../api/route.ts";
import type { Jobs } from "./jobs.ts";

export interface ImageRoutesOptions {
  images: ImageStore;
  signatures: ImageSignatures;
  jobs: Jobs;
  policy: ImageSourcePolicy;
  /** Artifacts of the queue, as operators may have them. */
  origin?: ArtifactOrigin | undefined;
  hooks?: ImageHooks | undefined;
  /** Makes a snapshot of the machine that most tasks have. @throws {WorkerError} `no-snapshot` */
  warm: (digest: string, options: { signal: AbortSignal; note: (text: string) => void }) => Promise<unknown>;
}

const BASE = "/api/v1/images";

const OF_WORKER = {
  tag: "images",
  answeredBy: "worker",
  query: { worker: text("Name of the worker whose images are meant; default: the one that answers.") },
} as const;

export function imageRoutes({ images, signatures, jobs, policy, origin, hooks, warm }: ImageRoutesOptions): Route[] {
  const documentOf = async (image: Image) =>
    imageDocument(image, { signature: await signatures.tryRead(image.digest) });
  return [
    defineRoute()({
      ...OF_WORKER,
      method: "GET",
      path: BASE,
      operation: "listImages",
      summary: "Images, the one that was used last first",
      permission: "read",
      answers: { 200: { description: "All there are.", schema: "images" } },
      handle: async () => await Promise.all((await images.list()).map(documentOf)),
    }),
    ...jobRoutes(jobs),
    defineRoute()({
      ...OF_WORKER,
      method: "GET",
      path: `${BASE}/{image}`,
      operation: "getImage",
      summary: "An image, and its snapshots",
      permission: "read",
      answers: { 200: { description: "The image.", schema: "image" } },
      async handle({ params }) {
        const image = await images.inspect(params.image);
        return { ...(await documentOf(image)), snapshots: (await images.listSnapshots(image)).map(snapshotDocument) };
      },
    }),
    defineRoute<ApiPullRequest>()({
      ...beginning("pull", "Fetches an image", "operate"),
      body: { api: "pullRequest" },
      handle({ body: { source, tag } }) {
        requireSource(source, policy);
        if (tag !== undefined) requireTagName(tag);
        return jobs.start("pull", JSON.stringify([source, tag]), async (signal, report) => {
          const describe = progressDescriber();
          await using lease = await acquireImage(images, source, {
            ...{ ...hooks, policy, origin, signal, keepArchive: true },
            onProgress: (progress) => report(describe(progress)),
          });
          const { digest } = lease.image;
          if (tag !== undefined) await images.tag(digest, tag);
          return digest;
        });
      },
    }),
    defineRoute<ApiWarmRequest>()({
      ...beginning("warm", "Boots an image once, so that tasks resume the machine", "operate"),
      body: { api: "warmRequest" },
      async handle({ body: { image } }) {
        const { digest } = await images.inspect(image);
        return jobs.start("warm", digest, async (signal, report) => {
          await warm(digest, { signal, note: (line) => report(() => line) });
          return digest;
        });
      },
    }),
    defineRoute<ApiTagRequest>()({
      ...OF_WORKER,
      method: "POST",
      path: `${BASE}/tag`,
      operation: "tagImage",
      summary: "Gives an image a name, which another one may lose by that",
      permission: "operate",
      body: { api: "tagRequest" },
      answers: { 200: { description: "The image.", schema: "image" } },
      async handle({ body: { image, tag } }) {
        await images.tag(image, tag);
        return await documentOf(await images.inspect(tag));
      },
    }),
    defineRoute()({
      ...OF_WORKER,
      method: "DELETE",
      path: `${BASE}/{image}`,
      operation: "removeImage",
      summary: "Removes an image, or one name of an image that has several",
      permission: "administer",
      answers: { 200: { description: "What is gone.", schema: "removedImage" } },
      handle: ({ params }) => images.remove(params.image),
    }),
  ];
}

function jobRoutes(jobs: Jobs): Route[] {
  return [
    defineRoute()({
      ...OF_WORKER,
      method: "GET",
      path: `${BASE}/jobs`,
      operation: "listImageJobs",
      summary: "Images that are fetched or warmed, or were a while ago",
      permission: "read",
      answers: { 200: { description: "The newest first.", schema: "jobs" } },
      handle: () => jobs.list(),
    }),
    defineRoute()({
      ...OF_WORKER,
      method: "GET",
      path: `${BASE}/jobs/{job}`,
      operation: "getImageJob",
      summary: "How far a job has come",
      permission: "read",
      answers: { 200: { description: "The job.", schema: "job" } },
      handle: ({ params }) => jobs.find(params.job) ?? jobNotFound(),
    }),
  ];
}

/** A route that begins a job. */
function beginning<const K extends ApiJob["kind"]>(kind: K, summary: string, permission: Permission) {
  return {
    ...OF_WORKER,
    method: "POST",
    path: `${BASE}/${kind}`,
    operation: `${kind}Image`,
    summary,
    permission,
    answers: { 202: { description: "The job that does it.", schema: "job" } },
  } as const;
}

/** @throws {ApiError}, {ImageError}, {InvalidInputError} What could not be fetched later either. */
function requireSource(source: ImageSpec, policy: ImageSourcePolicy): void {
  const spec = parseImageSpec(source);
  checkAllowed(spec, policy);
  if (spec.kind !== "name") return;
  throw new ApiError(
    400,
    "bad-request",
    "the source of an image is a path, a URL or an artifact; what has a name is here already",
  );
}

function jobNotFound(): never {
  throw new ApiError(404, "job-not-found", "there is no such job on this worker, or it was long ago");
}
