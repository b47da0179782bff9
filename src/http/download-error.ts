/** What goes wrong with a download. */
import { type Blame, WorkerError } from "../base/errors.ts";

export type DownloadErrorCode = "address-refused" | "download-failed" | "download-refused" | "url-invalid";

export class DownloadError extends WorkerError {
  declare readonly code: DownloadErrorCode;

  constructor(
    code: DownloadErrorCode,
    message: string,
    options: { blame: Blame; cause?: unknown; details?: Readonly<Record<string, unknown>> },
  ) {
    super(message, { code, ...options });
  }
}
