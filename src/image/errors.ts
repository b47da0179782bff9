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
  | "disk-corrupt"
  | "disk-encrypted"
  | "disk-limits"
  | "disk-not-alone"
  | "disk-not-raw"
  | "disk-space-low"
  | "disk-too-large"
  | "disk-unsupported"
  | "image-ambiguous"
  | "image-build-failed"
  | "image-chain-too-deep"
  | "image-digest-mismatch"
  | "image-in-use"
  | "image-not-found"
  | "image-parent-missing"
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
  | "layer-limits"
  | "layer-not-qcow2"
  | "layer-smaller-than-parent"
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
