/** Joins Boxcar's part of the user-data with somebody's own, as cloud-init takes several: a MIME message. Pure. */
import { createHash } from "node:crypto";

const LINE = 76;
/** Where cloud-init looks whether user-data is a message already. */
const HEAD_CHARACTERS = 4_096;

/**
 * @param hook A script for `text/cloud-boothook`.
 * @param userData Of any kind that cloud-init tells by its first line, or a MIME message.
 */
export function joinUserData(hook: string, userData: string | undefined): string {
  const parts = [part("text/cloud-boothook", "boxcar.sh", hook)];
  if (userData !== undefined) {
    parts.push(isMessage(userData) ? userData : part("text/plain", "user-data", userData));
  }
  const boundary = boundaryFor(parts);
  const body = parts.map((text) => `--${boundary}\n${text}${text.endsWith("\n") ? "" : "\n"}`).join("");
  return `Content-Type: multipart/mixed; boundary="${boundary}"\nMIME-Version: 1.0\n\n${body}--${boundary}--\n`;
}

/** A message with parts of its own becomes one part, as it is. */
function isMessage(userData: string): boolean {
  return userData.slice(0, HEAD_CHARACTERS).toLowerCase().includes("mime-version:");
}

/** What `text/plain` really is cloud-init finds out by the first line. */
function part(type: string, name: string, text: string): string {
  const lines =
    Buffer.from(text)
      .toString("base64")
      .match(new RegExp(`.{1,${LINE}}`, "g")) ?? [];
  return [
    `Content-Type: ${type}; charset="utf-8"`,
    "MIME-Version: 1.0",
    "Content-Transfer-Encoding: base64",
    `Content-Disposition: attachment; filename="${name}"`,
    "",
    ...lines,
    "",
  ].join("\n");
}

/** Depends on every part, so that none can contain it. */
function boundaryFor(parts: readonly string[]): string {
  return `boxcar-${createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 32)}`;
}
