/** Names of tasks: 128 random bits in 22 characters that fit into URLs, file names and command lines. */
import { randomBytes } from "node:crypto";

const TASK_ID = /^[A-Za-z0-9_-]{22}$/;

export function newTaskId(): string {
  const bytes = randomBytes(16);
  // A UUID of version 4, as Taskcluster has it; with the first bit clear it never begins with a dash, as an option does.
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString("base64url");
}

export function isTaskId(text: string): boolean {
  return TASK_ID.test(text);
}
