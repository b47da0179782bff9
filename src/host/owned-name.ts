/** File names that tell who owns the file: `<owner>_<uuid>`. */
import { currentOwner, formatOwner, isAlive, type Owner, tryParseOwner } from "./owner.ts";

export async function makeOwnedName(): Promise<string> {
  return `${formatOwner(await currentOwner())}_${crypto.randomUUID()}`;
}

/** Whether the owner is provably dead. Of a name of another kind nothing is known: false. */
export async function isAbandoned(name: string): Promise<boolean> {
  const owner = ownerOfName(name);
  return owner !== undefined && !(await isAlive(owner));
}

/** Undefined for a name of another kind. */
export function ownerOfName(name: string): Owner | undefined {
  return tryParseOwner(name.slice(0, name.lastIndexOf("_")));
}
