/** What is wrong with an image, or with the way it was named. */
import { type Blame, WorkerError } from "../base/errors.ts";

/** What can be wrong with the file of a disk. */
export type DiskFault =
  | "backing-file"
  | "bitmaps"
  | "corrupt"
  | "data-file"
  | "dirty"
  | "encrypted"
  | "features"
  | "limits"
  | "snapshots"
  | "too-large";

export type ImageErrorCode =
  | `disk-${DiskFault}`
  | `layer-${DiskFault}`
  | "archive-corrupt"
  | "archive-device"
  | "archive-directory"
  | "archive-duplicate"
  | "archive-file-too-large"
  | "archive-link"
  | "archive-missing-file"
  | "archive-not-kept"
  | "archive-sparse-map"
  | "archive-too-large"
  | "archive-truncated"
  | "archive-unexpected-file"
  | "archive-unsafe-name"
  | "archive-unsupported-entry"
  | "disk-not-raw"
  | "disk-other-format"
  | "disk-space-low"
  | "image-ambiguous"
  | "image-artifact-not-allowed"
  | "image-artifact-not-found"
  | "image-artifact-refused"
  | "image-build-failed"
  | "image-chain-too-deep"
  | "image-damaged"
  | "image-digest-mismatch"
  | "image-in-use"
  | "image-not-found"
  | "image-parent-missing"
  | "image-path-not-allowed"
  | "image-reference-invalid"
  | "image-unsigned"
  | "image-url-not-allowed"
  | "layer-backing-format"
  | "layer-not-qcow2"
  | "layer-smaller-than-parent"
  | "machine-boot-file"
  | "registry-refused"
  | "registry-unlisted"
  | "registry-unusable"
  | "signature-conflict";

export class ImageError extends WorkerError {
  constructor(
    code: ImageErrorCode,
    message: string,
    options: { blame?: Blame; cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, { code, blame: "image", ...options });
  }
}
