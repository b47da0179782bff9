/** Paths from outside that must stay below the folder they are relative to. Pure. */

const MAX_PATH_BYTES = 4_096;
const MAX_NAME_BYTES = 255;

/** Why `path` is not one that stays below the folder it is relative to; undefined if it is. */
export function unsafePathReason(path: string): string | undefined {
  if (path === "") return "it is empty";
  if (!path.isWellFormed()) return "it is not valid Unicode";
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `it is longer than ${MAX_PATH_BYTES} bytes`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  if (/[\u0000-\u001f\u007f]/.test(path)) return "it has control characters";
  if (path.startsWith("/")) return "it is absolute";
  for (const name of path.split("/")) {
    if (name === "" || name === "." || name === "..") return `it has the part "${name}"`;
    if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `it has a part longer than ${MAX_NAME_BYTES} bytes`;
  }
  return undefined;
}
