/** Which files of a full folder of answers go. Pure. */

export interface Listed {
  readonly name: string;
  readonly bytes: number;
  /** Of an answer's head: when it was used last; of a body: when it was written. */
  readonly usedMs: number;
}

export interface Eviction {
  /** Heads before their bodies. */
  readonly remove: readonly string[];
  readonly keptBytes: number;
  readonly keptCount: number;
}

interface Group {
  head: Listed | undefined;
  bodies: Listed[];
}

/** A body is there before its head says so; the one before it is not needed any more. */
const ORPHAN_MS = 60_000;
/** Making a little more room than is needed saves looking again for the next answer. */
const SPARE = 0.05;

export function planEviction(
  listed: readonly Listed[],
  { maxBytes, maxCount }: { maxBytes: number; maxCount: number },
  nowMs: number,
): Eviction {
  const groups = [...groupByKey(listed).values()];
  const remove: string[] = [];
  let keptBytes = 0;
  let keptCount = 0;
  for (const group of groups) {
    const spoken = group.head === undefined ? undefined : newest(group.bodies);
    const orphans = group.bodies.filter((body) => body !== spoken && nowMs - body.usedMs > ORPHAN_MS);
    remove.push(...orphans.map(nameOf));
    group.bodies = group.bodies.filter((body) => !orphans.includes(body));
    if (group.head === undefined) continue;
    keptBytes += sizeOf(group);
    keptCount += 1;
  }
  if (keptBytes <= maxBytes && keptCount <= maxCount) return { remove, keptBytes, keptCount };

  const oldestFirst = groups.filter(({ head }) => head !== undefined).sort((a, b) => usedMs(a) - usedMs(b));
  for (const group of oldestFirst) {
    if (keptBytes <= maxBytes * (1 - SPARE) && keptCount <= maxCount * (1 - SPARE)) break;
    remove.push(...[group.head, ...group.bodies].flatMap((file) => file?.name ?? []));
    keptBytes -= sizeOf(group);
    keptCount -= 1;
  }
  return { remove, keptBytes, keptCount };
}

function groupByKey(listed: readonly Listed[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const file of listed) {
    const key = file.name.slice(0, file.name.indexOf("."));
    const group = groups.get(key) ?? { head: undefined, bodies: [] };
    groups.set(key, group);
    if (file.name.endsWith(".json")) group.head = file;
    else group.bodies.push(file);
  }
  return groups;
}

function newest(bodies: readonly Listed[]): Listed | undefined {
  return bodies.reduce<Listed | undefined>((a, b) => (a !== undefined && a.usedMs >= b.usedMs ? a : b), undefined);
}

function sizeOf({ head, bodies }: Group): number {
  return bodies.reduce((sum, { bytes }) => sum + bytes, head?.bytes ?? 0);
}

function usedMs({ head }: Group): number {
  return head?.usedMs ?? 0;
}

function nameOf({ name }: Listed): string {
  return name;
}
