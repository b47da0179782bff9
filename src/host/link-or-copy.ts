/** A second name for a file that nobody writes to any more. */
import { link } from "node:fs/promises";
import { codeOf } from "../base/errors.ts";
import { type CopyKind, copySparse } from "./copy-sparse.ts";

/** As `link`, and where the two places are on different file systems, or one has no such names, a copy. */
export async function linkOrCopy(source: string, target: string, signal?: AbortSignal): Promise<CopyKind | "link"> {
  try {
    await link(source, target);
    return "link";
  } catch (error) {
    if (!["EXDEV", "EPERM", "EMLINK", "ENOTSUP", "EOPNOTSUPP"].includes(codeOf(error) ?? "")) throw error;
    return await copySparse(source, target, signal);
  }
}
