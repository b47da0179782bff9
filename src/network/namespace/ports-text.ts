/** Ports as nftables takes them. Pure. */

/** For example `{ 80, 8000-8010 }`. @param ports Not empty. */
export function formatPorts(ports: Iterable<number>): string {
  const parts: string[] = [];
  const sorted = [...new Set(ports)].sort((a, b) => a - b);
  for (let i = 0; i < sorted.length; ) {
    const first = sorted[i] as number;
    let last = first;
    while (sorted[++i] === last + 1) last += 1;
    parts.push(first === last ? `${first}` : `${first}-${last}`);
  }
  return `{ ${parts.join(", ")} }`;
}
