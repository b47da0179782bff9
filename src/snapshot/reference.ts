/** How people name a saved machine: its id, its name, or the start of its id. Pure. */
import { SnapshotError } from "./errors.ts";
import type { SnapshotEntry } from "./saved-machine.ts";

const MIN_PREFIX = 3;
const REFERENCE = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/;

/**
 * An id comes before a name, and a name before the start of an id.
 *
 * @throws {SnapshotError} `snapshot-not-found`, `snapshot-ambiguous`, `snapshot-reference-invalid`.
 */
export function findByReference<T extends SnapshotEntry>(reference: string, entries: readonly T[]): T {
  if (!REFERENCE.test(reference)) {
    const message = `${JSON.stringify(reference.slice(0, 100))} is no name or id of a snapshot`;
    throw new SnapshotError("snapshot-reference-invalid", message, { blame: "task" });
  }
  const isNamed = (entry: T) => entry.kind === "machine" && entry.record.name === reference;
  const isBegun = ({ id }: T) => reference.length >= MIN_PREFIX && id.startsWith(reference);
  for (const fits of [({ id }: T) => id === reference, isNamed, isBegun]) {
    const found = entries.filter(fits);
    if (found.length === 1) return found[0] as T;
    if (found.length === 0) continue;
    const message = `${reference} is ambiguous: it is ${found.map(({ id }) => id).join(", ")}; write more of the id`;
    throw new SnapshotError("snapshot-ambiguous", message, { blame: "task" });
  }
  throw notFound(reference);
}

export function notFound(reference: string): SnapshotError {
  return new SnapshotError("snapshot-not-found", `there is no snapshot ${JSON.stringify(reference)} here`, {
    blame: "task",
  });
}
