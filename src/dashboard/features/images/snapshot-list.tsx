import { formatBytes } from "../../core/format.ts";
import type { SnapshotFacts } from "./image-facts.ts";

/** Machines that tasks resume from. */
export function SnapshotList({ snapshots }: { snapshots: readonly SnapshotFacts[] }) {
  if (snapshots.length === 0) return <p class="quiet-text small">None: the first task makes one, or Warm does.</p>;
  return (
    <ul class="image-rows">
      {snapshots.map(({ title, state, diskBytes }) => (
        <li key={title} class="image-row">
          <span class="row-main">{title}</span>
          <span class="quiet-text small">
            {state}
            {diskBytes === undefined ? "" : `, ${formatBytes(diskBytes)}`}
          </span>
        </li>
      ))}
    </ul>
  );
}
