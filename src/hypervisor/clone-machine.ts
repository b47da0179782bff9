/** Copies of a machine that runs, or of one that was saved. */
import type { VmRecord } from "../generated/vm-record.ts";
import type { SavedMachine } from "../snapshot/saved-machine.ts";
import type { SnapshotStore } from "../snapshot/snapshot-store.ts";
import type { CloneOptions, Direct } from "./direct.ts";
import { VmError } from "./errors.ts";
import type { Hypervisor, SaveVmOptions } from "./hypervisor.ts";
import { requireVmName } from "./refs.ts";

export interface ClonesOptions extends Omit<CloneOptions, "name"> {
  /** One for each; undefined: the copy has none. */
  readonly names: readonly (string | undefined)[];
  /** Called as each runs. */
  readonly onMade?: ((record: VmRecord) => void) | undefined;
}

/** A machine that resumes has both processors of most hosts busy for a moment. */
const AT_ONCE = 4;
/** Of a snapshot that nobody is to keep, if we are killed before it is removed. */
const FORGOTTEN_AFTER_MS = 3_600_000;

/** Names for copies: the name itself, or with numbers from 1 on. Pure. */
export function namesOfClones(name: string | undefined, count: number): (string | undefined)[] {
  const numbered = (index: number) => (count === 1 ? name : `${name}-${index + 1}`);
  return Array.from({ length: count }, (_, index) => (name === undefined ? undefined : numbered(index)));
}

/**
 * All of them, or as many as could be made: those stay.
 *
 * @param saved The caller has a right to it.
 * @throws what {@link Direct.cloneFrom} throws for the first that could not be made; no further one is begun then.
 */
export async function makeClones(
  hypervisor: Hypervisor & Direct,
  saved: SavedMachine,
  options: ClonesOptions,
): Promise<VmRecord[]> {
  const { names, onMade, ...rest } = options;
  await requireFree(hypervisor, names);
  const made: VmRecord[] = [];
  const queue = [...names];
  const failures: unknown[] = [];
  const work = async () => {
    while (queue.length > 0 && failures.length === 0) {
      const name = queue.shift();
      try {
        const record = await hypervisor.cloneFrom(saved, { ...rest, name });
        made.push(record);
        onMade?.(record);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, names.length) }, work));
  if (failures.length > 0) throw failures[0];
  return made;
}

/**
 * The same with a machine that runs, or is paused: it is saved first, and goes on.
 *
 * @param keep What the snapshot is called that stays; undefined: it goes away when the copies are made.
 */
export async function cloneMachine(
  { hypervisor, snapshots }: { hypervisor: Hypervisor & Direct; snapshots: SnapshotStore },
  ref: string,
  { keep, ...options }: ClonesOptions & { keep?: Pick<SaveVmOptions, "name"> | undefined },
): Promise<VmRecord[]> {
  await requireFree(hypervisor, options.names);
  const { signal } = options;
  const facts = keep ?? {
    description: "for copies that are being made",
    expires: new Date(Date.now() + FORGOTTEN_AFTER_MS),
  };
  const { id } = await hypervisor.save(ref, { ...facts, signal });
  try {
    await using lease = await snapshots.acquire(id);
    return await makeClones(hypervisor, lease.saved, options);
  } finally {
    if (keep === undefined) await snapshots.remove(id);
  }
}

/** Before anything is done for one of them. @throws {VmError} `vm-name-taken`, `vm-name-invalid` */
async function requireFree(hypervisor: Hypervisor, names: readonly (string | undefined)[]): Promise<void> {
  const taken = new Map((await hypervisor.list()).map(({ record }) => [record.name, record.id]));
  for (const name of names) {
    if (name === undefined) continue;
    requireVmName(name);
    const id = taken.get(name);
    if (id !== undefined) throw new VmError("vm-name-taken", `the name ${name} is taken: the machine ${id} has it`);
  }
}
