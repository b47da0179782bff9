/** How deep JSON from outside may be. Pure. */
import { ApiError } from "./api-error.ts";

/** What looks through documents calls itself for each level; no document needs so many. */
const MAX_DEPTH = 64;

/** @throws {ApiError} `too-deep` */
export function requireFlat(document: unknown): void {
  let level: unknown[] = [document];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) {
      throw new ApiError(400, "too-deep", `lists and objects of the body may be ${MAX_DEPTH} deep in one another`);
    }
    level = level.flatMap((node) => (typeof node === "object" && node !== null ? Object.values(node) : []));
  }
}
