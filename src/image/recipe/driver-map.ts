/**
 * Which drivers the initramfs needs and when they are loaded, out of what depmod wrote. Pure.
 *
 * The format is read by src/guest/init/drivers.c.
 */

export interface DriverMap {
  /** Paths below the folder of the kernel's modules, each once. */
  readonly files: readonly string[];
  /** The lines that drivers.c reads; files lie in `/modules/`. */
  readonly text: string;
}

interface Module {
  path: string;
  /** Paths, in the order in which they must be loaded. */
  needs: readonly string[];
}

/**
 * @param modulesDep Contents of modules.dep: `path: path path …`, the last one to be loaded first.
 * @param modulesAlias Contents of modules.alias: `alias <pattern> <name>`.
 * @param wanted Names of drivers; one that this kernel does not have as a module is left out.
 */
export function buildDriverMap(modulesDep: string, modulesAlias: string, wanted: readonly string[]): DriverMap {
  const modules = parseDependencies(modulesDep);
  const names = new Set(wanted.map(normalise).filter((name) => modules.has(name)));
  for (const name of [...names]) for (const path of modules.get(name)?.needs ?? []) names.add(nameOf(path));
  const lines: string[] = [];
  const files: string[] = [];
  for (const name of [...names].sort()) {
    const module = modules.get(name);
    if (module === undefined) continue;
    files.push(module.path);
    lines.push(["m", name, fileInInitramfs(module.path), ...module.needs.map(nameOf)].join(" "));
  }
  for (const [pattern, name] of parseAliases(modulesAlias)) if (names.has(name)) lines.push(`a ${pattern} ${name}`);
  return { files, text: `${lines.join("\n")}\n` };
}

export function fileInInitramfs(path: string): string {
  return `/modules/${path.slice(path.lastIndexOf("/") + 1)}`;
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
  return normalise(path.slice(path.lastIndexOf("/") + 1).replace(/\.ko$/, ""));
}

/** Dashes and underscores are the same in names of modules. */
function normalise(name: string): string {
  return name.replaceAll("-", "_");
}
