/** Folders of small documents, as metadata services have them. Pure. */

/** Contents by path: no "/" at either end. */
export type Tree = ReadonlyMap<string, string>;

/** A document, which may say itself what is in its folder; or the names in a folder, one a line; those of folders end with "/". Undefined: there is none. */
export function lookUp(tree: Tree, path: string): string | undefined {
  const name = path.replace(/\/$/, "");
  const content = tree.get(name);
  if (content !== undefined) return content;
  const prefix = name === "" ? "" : `${name}/`;
  const names = new Set<string>();
  for (const key of tree.keys()) {
    if (!key.startsWith(prefix)) continue;
    const [first = "", ...rest] = key.slice(prefix.length).split("/");
    names.add(rest.length === 0 ? first : `${first}/`);
  }
  return names.size === 0 ? undefined : [...names].sort().join("\n");
}

/** Everything below a folder. */
export function below(folder: string, entries: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(entries).map(([name, content]) => [`${folder}/${name}`, content]);
}
