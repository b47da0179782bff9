/** Names of files as people read them. Pure. */

const DECODER = new TextDecoder("utf-8", { fatal: true });

/**
 * @param bytes One character for each byte.
 * @returns UTF-8 where it is that; else each byte that is no ASCII as `\xe9`.
 */
export function shownPath(bytes: string): string {
  try {
    return DECODER.decode(Buffer.from(bytes, "latin1"));
  } catch {
    return bytes.replaceAll(/[\u0080-\u00ff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
  }
}
