/**
 * Which drivers the initramfs needs and when they are loaded, out of what depmod wrote. Pure.
 *
 * The format is read by src/guest/init/drivers.c.
 */

import { unpackedName } from "./compression.ts";

/** Names of modules, by the moment at which the guest's init loads them. */
export interface DriverPlan {
  /** At once, in this order. */
  always: readonly string[];
  /** When there is a device for them. */
  forDevices: readonly string[];
  /** When there is a device for them and no disk so far holds the root: slow ones, and every board has their devices. */
  lastResort: readonly string[];
}

export interface DriverMap {
  /** Paths below the folder of the kernel's modules, each once. */
  readonly files: readonly string[];
  /** The lines that drivers.c reads; files lie in `/modules/`. */
  readonly text: string;
  /** Drivers that this kernel has neither as a module nor built in. */
  readonly missing: readonly string[];
}

/** What depmod and the kernel's package say; the texts of the files named. */
export interface ModuleFacts {
  /** modules.dep: `path: path path …`, the last one to be loaded first. */
  dependencies: string;
  /** modules.alias: `alias <pattern> <name>`. */
  aliases: string;
  /** modules.builtin: a path per line. */
  builtin: string;
}

interface Module {
  path: string;
  /** Paths, in the order in which they must be loaded. */
  needs: readonly string[];
}

export function buildDriverMap(facts: ModuleFacts, plan: DriverPlan): DriverMap {
  const modules = parseDependencies(facts.dependencies);
  const builtin = new Set(facts.builtin.split("\n").map(nameOf));
  const isModule = (name: string) => modules.has(name);
  const [always, forDevices, lastResort] = [plan.always, plan.forDevices, plan.lastResort].map((names) =>
    names.map(normalise),
  ) as [string[], string[], string[]];
  const wanted = [...always, ...forDevices, ...lastResort];
  const names = new Set(wanted.filter(isModule));
  for (const name of [...names]) for (const path of modules.get(name)?.needs ?? []) names.add(nameOf(path));
  const found = [...names].sort().flatMap((name) => {
    const module = modules.get(name);
    return module === undefined ? [] : [{ name, ...module }];
  });
  const lines = [
    ...found.map(({ name, path, needs }) => ["m", name, fileInInitramfs(path), ...needs.map(nameOf)].join(" ")),
    ...parseAliases(facts.aliases).flatMap(([pattern, name]) => (names.has(name) ? [`a ${pattern} ${name}`] : [])),
    ...always.filter(isModule).map((name) => `l ${name}`),
    ...lastResort.filter(isModule).map((name) => `r ${name}`),
  ];
  return {
    files: found.map(({ path }) => path),
    text: `${lines.join("\n")}\n`,
    missing: wanted.filter((name) => !isModule(name) && !builtin.has(name)),
  };
}

export function fileInInitramfs(path: string): string {
  return `/modules/${unpackedName(path.slice(path.lastIndexOf("/") + 1))}`;
}

function parseDependencies(text: string): Map<string, Module> {
  const modules = new Map<string, Module>();
  for (const line of text.split("\n")) {
    const [path, rest] = line.split(":");
    if (path === undefined || rest === undefined) continue;
    const needs = rest.split(" ").filter((need) => need !== "");
    modules.set(nameOf(path), { path, needs: needs.reverse() });
  }
  return modules;
}

function parseAliases(text: string): [pattern: string, name: string][] {
  return text
    .split("\n")
    .map((line) => line.split(" "))
    .filter((words) => words[0] === "alias" && words.length === 3)
    .map(([, pattern, name]) => [pattern as string, normalise(name as string)]);
}

function nameOf(path: string): string {
  return normalise(unpackedName(path.slice(path.lastIndexOf("/") + 1)).replace(/\.ko$/, ""));
}

/** Dashes and underscores are the same in names of modules. */
function normalise(name: string): string {
  return name.replaceAll("-", "_");
}
