/** Users of a Debian system, as /etc/passwd and its sisters have them. Pure. @see passwd(5), shadow(5), group(5) */
import { InvalidInputError, type Issue } from "../../base/errors.ts";
import type { RecipeUser } from "../recipe.ts";

/** The texts of the files. */
export interface Accounts {
  readonly passwd: string;
  readonly group: string;
  readonly shadow: string;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** In every image with an agent. */
export const DEFAULT_USER: RecipeUser = {
  name: "boxcar",
  uid: 1_000,
  groups: [],
  shell: "/bin/bash",
  authorizedKeys: [],
};

const FIRST_UID = 1_001;
const SECONDS_PER_DAY = 86_400;

/**
 * @param builtIn How many of the first `users` are not the recipe's.
 * @throws {InvalidInputError} for numbers, names and groups that cannot be.
 */
export function addUsers(accounts: Accounts, users: readonly RecipeUser[], builtIn = 0): Accounts {
  const issues: Issue[] = [];
  const added = users.reduce((state, user, index) => {
    const issue = (path: string, message: string) =>
      void issues.push({ path: `users[${index - builtIn}].${path}`, message });
    const uid = user.uid ?? nextFree(state);
    if (fieldsOf(state.passwd, 2).has(String(uid))) issue("uid", `is that of another user already: ${uid}`);
    if (fieldsOf(state.passwd, 0).has(user.name)) issue("name", `is a user already: ${user.name}`);
    for (const [at, name] of user.groups.entries()) {
      const message = `is no group of the image: ${name}; a package that makes it may be missing`;
      if (!fieldsOf(state.group, 0).has(name)) issue(`groups[${at}]`, message);
    }
    return {
      passwd: `${state.passwd}${user.name}:x:${uid}:${uid}::${homeOf(user)}:${user.shell}\n`,
      group: `${joinGroups(state.group, user)}${user.name}:x:${uid}:\n`,
      shadow: `${state.shadow}${user.name}:!::::::\n`,
    };
  }, accounts);
  if (issues.length > 0) throw new InvalidInputError("The recipe", issues, "task");
  return added;
}

export function homeOf({ name }: RecipeUser): string {
  return `/home/${name}`;
}

/**
 * @param path Of the owner in the recipe.
 * @throws {InvalidInputError} where the image has no such user or group.
 */
export function ownerOf(
  { passwd, group }: Accounts,
  owner: { readonly user: string; readonly group: string },
  path = "",
): Owner {
  const issues: Issue[] = [];
  const find = (text: string, name: string, kind: string): number => {
    const number = lines(text).find((fields) => fields[0] === name)?.[2];
    if (number === undefined) {
      issues.push({ path, message: `names a ${kind} that the image does not have: ${name}` });
    }
    return Number(number);
  };
  const found = { uid: find(passwd, owner.user, "user"), gid: find(group, owner.group, "group") };
  if (issues.length > 0) throw new InvalidInputError("The recipe", issues, "task");
  return found;
}

/** No password was changed later than that: programs of packages wrote the day of the build. */
export function datedShadow(shadow: string, newestSeconds: number): string {
  const newest = Math.floor(newestSeconds / SECONDS_PER_DAY);
  return lines(shadow)
    .map(([name = "", secret = "", day = "", ...rest]) => [name, secret, Number(day) > newest ? newest : day, ...rest])
    .map((fields) => `${fields.join(":")}\n`)
    .join("");
}

function nextFree({ passwd, group }: Accounts): number {
  const taken = new Set([...fieldsOf(passwd, 2), ...fieldsOf(group, 2)]);
  let uid = FIRST_UID;
  while (taken.has(String(uid))) uid++;
  return uid;
}

function joinGroups(group: string, { name, groups }: RecipeUser): string {
  return lines(group)
    .map((fields) => {
      if (!groups.includes(fields[0] ?? "")) return fields;
      const members = [...(fields[3] ?? "").split(",").filter((member) => member !== ""), name];
      return [...fields.slice(0, 3), members.join(",")];
    })
    .map((fields) => `${fields.join(":")}\n`)
    .join("");
}

function lines(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(":"));
}

function fieldsOf(text: string, at: number): Set<string | undefined> {
  return new Set(lines(text).map((fields) => fields[at]));
}
