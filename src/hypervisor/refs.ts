/** What people may say for a machine: its id, its name, or the beginning of its id. Pure. */
import { VmError } from "./errors.ts";

export interface VmNames {
  readonly id: string;
  readonly name?: string | undefined;
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/;
const PREFIX = /^[0-9a-f]{3,12}$/;
const ID = /^[0-9a-f]{12}$/;

export function isVmId(text: string): boolean {
  return ID.test(text);
}

/** @throws {VmError} `vm-name-invalid` */
export function requireVmName(name: string): void {
  if (!NAME.test(name)) {
    const shown = JSON.stringify(name.slice(0, 80));
    const rule = 'letters, digits, ".", "_" and "-", starting with a letter or digit, at most 63 long';
    throw new VmError("vm-name-invalid", `${shown} is no name for a machine: ${rule}`);
  }
  // It would never be found, or hide the machine that has it.
  if (ID.test(name))
    throw new VmError("vm-name-invalid", `${name} looks like the id of a machine; choose another name`);
}

/** The exact id, then the name, then a unique beginning of the id. @throws {VmError} `vm-not-found`, `vm-ambiguous` */
export function resolveRef<T extends VmNames>(machines: readonly T[], ref: string): T {
  const exact = machines.find(({ id }) => id === ref) ?? machines.find(({ name }) => name === ref);
  if (exact !== undefined) return exact;
  const hits = PREFIX.test(ref) ? machines.filter(({ id }) => id.startsWith(ref)) : [];
  const [hit, ...others] = hits;
  if (hit !== undefined && others.length === 0) return hit;
  const shown = JSON.stringify(ref.slice(0, 80)).slice(1, -1);
  if (hit === undefined) {
    const hint = /^[0-9a-f]{1,2}$/.test(ref) ? "; the beginning of an id must have 3 digits or more" : "";
    throw new VmError("vm-not-found", `there is no machine ${shown}${hint}; "boxcar vm list" shows those there are`);
  }
  const names = hits.map(({ id, name }) => (name === undefined ? id : `${id} (${name})`));
  throw new VmError("vm-ambiguous", `${shown} is ambiguous: it begins the ids of ${names.join(", ")}`);
}

/** Each machine once, in the order they were named; one bad ref fails all. @throws as {@link resolveRef} */
export function resolveRefs<T extends VmNames>(machines: readonly T[], refs: readonly string[]): T[] {
  return [...new Set(refs.map((ref) => resolveRef(machines, ref)))];
}

/** What a machine is called in messages. */
export function called({ id, name }: VmNames): string {
  return name ?? id;
}
