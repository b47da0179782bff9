/** Quantities of a configuration that has been checked. */
import { tryParseDuration } from "../base/units.ts";

export const MIB = 1_048_576;
export const GIB = 1_073_741_824;

/** Of what is no duration, 0: that is an issue of its section, and there is no configuration then. */
export function durationMs(value: number | string): number {
  return tryParseDuration(value) ?? 0;
}
