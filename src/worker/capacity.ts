/** How many tasks a worker may claim, given what the host has left. Pure. */

export interface Room {
  /** Memory that programs can still get without swapping, in MiB; proc(5), MemAvailable. */
  readonly memoryMiB: number;
  /** On the disk of the machines. */
  readonly diskBytes: number;
}

export interface CapacityOptions {
  /** Most machines at once. */
  readonly capacity: number;
  /** What a machine may take. */
  readonly maxMemoryMiB: number;
  /** Stays free whatever is claimed. */
  readonly reserve: { readonly memoryMiB: number; readonly diskBytes: number };
}

export interface Running {
  readonly tasks: number;
  /** Memory of their machines that they have not taken yet, or may not have: machines take it as they touch it. */
  readonly untouchedMemoryMiB: number;
}

export interface Capacity {
  readonly count: number;
  /** Why it is no more, as a sentence; undefined while it is the configured capacity that says so. */
  readonly short: string | undefined;
}

export function freeCapacity(options: CapacityOptions, room: Room, running: Running): Capacity {
  const slots = Math.max(0, options.capacity - running.tasks);
  if (slots === 0) return { count: 0, short: undefined };
  const { reserve, maxMemoryMiB } = options;
  if (room.diskBytes < reserve.diskBytes) {
    return {
      count: 0,
      short: `${gibibytes(room.diskBytes)} are free on the disk of the machines, and ${gibibytes(reserve.diskBytes)} are to stay free`,
    };
  }
  const memoryMiB = room.memoryMiB - reserve.memoryMiB - running.untouchedMemoryMiB;
  const byMemory = Math.max(0, Math.floor(memoryMiB / maxMemoryMiB));
  if (byMemory >= slots) return { count: slots, short: undefined };
  const short = `${room.memoryMiB} MiB of memory are free, ${reserve.memoryMiB} are to stay free, the machines that run may take ${running.untouchedMemoryMiB} more, and one that starts ${maxMemoryMiB}`;
  return { count: byMemory, short };
}

function gibibytes(bytes: number): string {
  return `${(bytes / 1_073_741_824).toFixed(1)} GiB`;
}
