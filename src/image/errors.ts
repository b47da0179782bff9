/** What is wrong with an image, or with the way it was named. */
import { type Blame, WorkerError } from "../base/errors.ts";

export type ImageErrorCode =
  | "archive-corrupt"
  | "archive-device"
  | "archive-directory"
  | "archive-duplicate"
  | "archive-file-too-large"
  | "archive-link"
  | "archive-missing-file"
  | "archive-sparse-map"
  | "archive-truncated"
  | "archive-unexpected-file"
  | "archive-unsafe-name"
  | "archive-unsupported-entry"
  | "disk-not-raw"
  | "disk-space-low"
  | "image-ambiguous"
  | "image-build-failed"
  | "image-digest-mismatch"
  | "image-in-use"
  | "image-not-found"
  | "image-path-not-allowed"
  | "image-reference-invalid"
  | "image-url-not-allowed"
  | "layer-backing-file"
  | "layer-backing-format"
  | "layer-corrupt"
  | "layer-data-file"
  | "layer-dirty"
  | "layer-encrypted"
  | "layer-features"
  | "layer-not-qcow2"
  | "layer-snapshots"
  | "layer-too-large"
  | "machine-boot-file";

export class ImageError extends WorkerError {
  constructor(
    code: ImageErrorCode,
    message: string,
    options: { blame?: Blame; cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, { code, blame: "image", ...options });
  }
}
