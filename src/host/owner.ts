/**
 * Who owns a file that outlives the process that made it.
 *
 * A pid alone is used again; with the start time of the process and the boot of
 * the host it never is. So a lock, a lease or a temporary folder that carries an
 * owner can be told from one that a dead process left behind. Processes in
 * different pid namespaces cannot judge each other: they must not share files.
 */
import { readFile } from "node:fs/promises";
import { pid } from "node:process";

export interface Owner {
  readonly pid: number;
  /** Clock ticks between the boot of the host and the start of the process; proc(5), field 22 of stat. */
  readonly startTime: number;
  /** /proc/sys/kernel/random/boot_id. */
  readonly bootId: string;
}

let own: Promise<Owner> | undefined;

/** This process. */
export function currentOwner(): Promise<Owner> {
  own ??= describeSelf();
  return own;
}

async function describeSelf(): Promise<Owner> {
  const [bootId, startTime] = await Promise.all([readBootId(), readStartTime(pid)]);
  if (startTime === undefined) throw new Error("/proc does not show this process; is it mounted?");
  return { pid, startTime, bootId };
}

/** Another process, as it is now; undefined if there is none of that number. */
export async function ownerOf(processId: number): Promise<Owner | undefined> {
  const [{ bootId }, startTime] = await Promise.all([currentOwner(), readStartTime(processId)]);
  return startTime === undefined ? undefined : { pid: processId, startTime, bootId };
}

/** Whether the process still runs. */
export async function isAlive(owner: Owner): Promise<boolean> {
  const { bootId } = await currentOwner();
  return owner.bootId === bootId && (await readStartTime(owner.pid)) === owner.startTime;
}

/** `pid-starttime-bootid`, fit for a file name. */
export function formatOwner(owner: Owner): string {
  return `${owner.pid}-${owner.startTime}-${owner.bootId}`;
}

const OWNER = /^(\d{1,10})-(\d{1,20})-([0-9a-f-]{36})$/;

/** Reads what {@link formatOwner} wrote; undefined if it is something else. */
export function tryParseOwner(text: string): Owner | undefined {
  const match = OWNER.exec(text);
  if (match === null) return undefined;
  return { pid: Number(match[1]), startTime: Number(match[2]), bootId: match[3] as string };
}

async function readBootId(): Promise<string> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
}

/** Undefined where there is no such process, or only its zombie. */
async function readStartTime(processId: number): Promise<number | undefined> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${processId}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The name in field 2 may hold spaces and parentheses; fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  return state === "Z" || state === "X" ? undefined : Number(fields[19]);
}
