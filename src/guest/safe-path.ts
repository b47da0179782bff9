import { unsafePathReason } from "../base/relative-path.ts";
import { GuestError } from "./guest-errors.ts";

/**
 * `path` as it is, if it names something below the folder it is relative to. Nothing is ever cut or mended: what a
 * guest sends is either right or refused.
 *
 * @throws {GuestError} `unsafe-path`
 */
export function safeRelativePath(path: string): string {
  const reason = unsafePathReason(path);
  if (reason === undefined) return path;
  const shown = JSON.stringify(path.length > 100 ? `${path.slice(0, 100)}…` : path);
  throw new GuestError("unsafe-path", `the guest sent the path ${shown}, which is refused: ${reason}`);
}
