import { codeOf, messageOf } from "./errors.ts";

/** Why a file that somebody named cannot be read. */
export function whyUnreadable(error: unknown): string {
  switch (codeOf(error)) {
    case "ENOENT":
      return "there is no such file";
    case "EISDIR":
      return "this is a folder";
    default:
      return messageOf(error);
  }
}
