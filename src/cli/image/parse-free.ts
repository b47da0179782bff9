/** How much of a disk is to be free, as people write it. Pure. */

const UNITS = ["", "K", "M", "G", "T"] as const;

/** "20 GiB free", "500 MiB" → bytes; undefined if it is something else. */
export function tryParseFree(text: string): number | undefined {
  const match = /^\s*(\d{1,6}(?:\.\d{1,6})?)\s*(?:([KMGT])i?)?B?(?:\s+free)?\s*$/i.exec(text);
  if (match === null) return undefined;
  const power = UNITS.indexOf((match[2] ?? "").toUpperCase() as (typeof UNITS)[number]);
  return Math.round(Number(match[1]) * 1_024 ** power);
}
