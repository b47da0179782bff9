import type { Snapshot, SnapshotDraft } from "../image/store/snapshots.ts";
import type { SavedMachine } from "../snapshot/saved-machine.ts";

/**
 * How a machine begins: it boots, boots to be captured, or goes on where a captured one was. A `savable` one can be
 * saved at any instant; it boots, or goes on where one of its image was that had `booted`. A `restore`d one goes on
 * where another one was saved, with the hardware that one had, and can be saved as well; the caller holds a lease on
 * what was saved, until it runs.
 */
export type Beginning =
  | { readonly kind: "boot" }
  | { readonly kind: "capture"; readonly draft: SnapshotDraft }
  | { readonly kind: "resume"; readonly snapshot: Snapshot }
  | { readonly kind: "savable"; readonly booted?: Snapshot | undefined }
  | { readonly kind: "restore"; readonly saved: SavedMachine };
