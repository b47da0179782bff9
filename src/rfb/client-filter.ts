/** What of a client reaches the machine. Pure. */
import type { RfbClientKind } from "./client-messages.ts";

/** Whether a viewer may type. */
export type DisplayMode = "view" | "control";

/** What does something to the guest. */
const INPUT: ReadonlySet<RfbClientKind> = new Set(["key", "extended-key", "pointer", "cut-text", "desktop-size"]);

/**
 * QEMU 7.2 offers neither, and hangs up on who uses them all the same; updates that nobody asks for could not be paced.
 * Its machines have no sound that is sent.
 */
const NOT_OFFERED: ReadonlySet<RfbClientKind> = new Set(["continuous-updates", "fence", "audio"]);

export function isPassed(kind: RfbClientKind, mode: DisplayMode): boolean {
  return !NOT_OFFERED.has(kind) && (mode === "control" || !INPUT.has(kind));
}
