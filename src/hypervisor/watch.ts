/** What changes among machines, by looking again and again: also what nobody tells, such as the death of a supervisor. */
import { setTimeout as after } from "node:timers/promises";
import type { VmEvent, VmView } from "./hypervisor.ts";

const EVERY_MS = 250;

/** What has become of the machines between two looks. Pure. */
export function changesBetween(
  before: ReadonlyMap<string, VmView> | undefined,
  now: readonly VmView[],
  time: Date,
): VmEvent[] {
  const events: VmEvent[] = [];
  const describe = ({ record: { id, name, state, reason } }: VmView) => ({
    ...{ time: time.toISOString(), id, state },
    ...(name === undefined ? {} : { name }),
    ...(reason === undefined ? {} : { reason }),
  });
  for (const view of now) {
    const old = before?.get(view.record.id);
    if (old === undefined) events.push({ ...describe(view), event: before === undefined ? "seen" : "made" });
    else if (old.record.state !== view.record.state || old.record.starts !== view.record.starts) {
      events.push({ ...describe(view), event: "changed", before: old.record.state });
    }
  }
  const ids = new Set(now.map(({ record }) => record.id));
  for (const [id, old] of before ?? []) if (!ids.has(id)) events.push({ ...describe(old), event: "removed" });
  return events;
}

/** Until the signal fires. */
export async function* watchMachines(
  list: () => Promise<readonly VmView[]>,
  signal: AbortSignal,
): AsyncGenerator<VmEvent, void> {
  let before: ReadonlyMap<string, VmView> | undefined;
  while (!signal.aborted) {
    const now = await list();
    yield* changesBetween(before, now, new Date());
    before = new Map(now.map((view) => [view.record.id, view]));
    await after(EVERY_MS, undefined, { signal }).catch(() => {});
  }
}
