import type { ApiAuditEntry } from "../../../generated/api.ts";

/** Whether an entry has all words in it, anywhere. Pure. */
export function matches(entry: ApiAuditEntry, words: string): boolean {
  const { principal, via, action, target = "", address = "", outcome } = entry;
  const text = [principal, via, action, target, address, outcome].join("\n").toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
