/** Copies of a machine that runs, or of one that was saved. */
import { codeOf } from "../base/errors.ts";
import type { VmRecord } from "../generated/vm-record.ts";
import { copiedBytes } from "../snapshot/restore-machine.ts";
import type { SavedMachine } from "../snapshot/saved-machine.ts";
import type { SnapshotStore } from "../snapshot/snapshot-store.ts";
import type { CloneOptions, Direct } from "./direct.ts";
import { VmError } from "./errors.ts";
import type { Hypervisor, SaveVmOptions } from "./hypervisor.ts";
import { requireVmName } from "./refs.ts";

/** What makes them, as it is used here. */
export type CopyMaker = Pick<Hypervisor, "list" | "inspect" | "open" | "save"> &
  Pick<Direct, "requireRoom" | "cloneFrom">;

export interface ClonesOptions extends Omit<CloneOptions, "name"> {
  /** One for each; undefined: the copy has none. */
  readonly names: readonly (string | undefined)[];
  /** Called as each runs; its guest need not be in contact. */
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
 * All of them, or as many as could be made: those stay, and `onMade` knows them.
 *
 * @param saved The caller has a right to it.
 * @throws {VmError} `vm-limits`: there is no room for all, and none is made; what {@link Direct.cloneFrom} throws for the
 *   first that could not be made, or whose guest does not come: no further one is begun then.
 */
export async function makeClones(
  hypervisor: Omit<CopyMaker, "inspect" | "save">,
  saved: SavedMachine,
  options: ClonesOptions,
): Promise<VmRecord[]> {
  const { names, onMade, wait, ...rest } = options;
  await requireFree(hypervisor, names);
  const { memory: memoryMiB = 0 } = saved.record.machine;
  await hypervisor.requireRoom({ count: names.length, memoryMiB, copiedBytes: await copiedBytes(saved) });
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
        if (wait === true) await (await hypervisor.open(record.id)).waitForGuest(options.signal);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, names.length) }, work));
  if (failures.length === 0) return made;
  if (made.length > 0 && names.length > 1)
    options.note?.(`${made.length} of ${names.length} copies were made, and stay`);
  throw failures[0];
}

/**
 * The same with a machine that runs, or is paused: it is saved first, and goes on.
 *
 * @param keep What the snapshot is called that stays; undefined: it goes away when the copies are made.
 */
export async function cloneMachine(
  { hypervisor, snapshots }: { hypervisor: CopyMaker; snapshots: SnapshotStore },
  ref: string,
  { keep, ...options }: ClonesOptions & { keep?: Pick<SaveVmOptions, "name"> | undefined },
): Promise<VmRecord[]> {
  const { names, signal } = options;
  await requireFree(hypervisor, names);
  const { machine } = (await hypervisor.inspect(ref)).record;
  await hypervisor.requireRoom({ count: names.length, memoryMiB: machine.memory ?? 0, copiedBytes: 0 });
  const facts = keep ?? {
    description: "for copies that are being made",
    expires: new Date(Date.now() + FORGOTTEN_AFTER_MS),
  };
  const { id } = await hypervisor.save(ref, { ...facts, signal });
  try {
    await using lease = await snapshots.acquire(id);
    return await makeClones(hypervisor, lease.saved, options);
  } finally {
    if (keep === undefined) await dropUnused(snapshots, id);
  }
}

/** What somebody else uses goes when it has expired. */
async function dropUnused(snapshots: SnapshotStore, id: string): Promise<void> {
  try {
    await snapshots.remove(id);
  } catch (error) {
    if (codeOf(error) !== "snapshot-in-use" && codeOf(error) !== "snapshot-not-found") throw error;
  }
}

/** Before anything is done for one of them. @throws {VmError} `vm-name-taken`, `vm-name-invalid` */
async function requireFree(
  hypervisor: Pick<Hypervisor, "list">,
  names: readonly (string | undefined)[],
): Promise<void> {
  const taken = new Map((await hypervisor.list()).map(({ record }) => [record.name, record.id]));
  for (const name of names) {
    if (name === undefined) continue;
    requireVmName(name);
    const id = taken.get(name);
    if (id !== undefined) throw new VmError("vm-name-taken", `the name ${name} is taken: the machine ${id} has it`);
  }
}
