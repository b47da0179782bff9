/** Which machines a pool keeps ready. Pure. */

export interface PoolLimits {
  /** Most machines at once. */
  machines: number;
  /** Most memory of all of them, as if each used all it may, in MiB. */
  memory: number;
}

export interface PoolDemand {
  /** What a machine is ready for; two with the same key are the same. */
  key: string;
  /** Of one machine, in MiB. */
  memory: number;
}

/**
 * How many machines of each key to keep ready: shared out in proportion to the uses, largest share first, as far as
 * they fit.
 *
 * @param uses The latest tasks, in any order.
 */
export function planPool(uses: readonly PoolDemand[], limits: PoolLimits): Map<string, number> {
  const counts = new Map<string, { memory: number; uses: number }>();
  for (const { key, memory } of uses) counts.set(key, { memory, uses: (counts.get(key)?.uses ?? 0) + 1 });
  const plan = new Map<string, number>();
  let room = limits.memory;
  for (let machines = 0; machines < limits.machines; machines++) {
    // The highest averages method (D'Hondt): fair, and no key loses a machine when the limit grows.
    const [next] = [...counts]
      .filter(([, { memory }]) => memory <= room)
      .map(([key, demand]) => ({ key, memory: demand.memory, claim: demand.uses / ((plan.get(key) ?? 0) + 1) }))
      .sort((a, b) => b.claim - a.claim);
    if (next === undefined) break;
    plan.set(next.key, (plan.get(next.key) ?? 0) + 1);
    room -= next.memory;
  }
  return plan;
}
