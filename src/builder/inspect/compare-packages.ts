/** Which packages differ. Pure. */

export interface Package {
  readonly name: string;
  readonly version: string;
}

export interface PackagesDiff {
  /** Only in B. */
  readonly added: readonly Package[];
  /** Only in A. */
  readonly removed: readonly Package[];
  readonly changed: readonly { readonly name: string; readonly a: string; readonly b: string }[];
  readonly same: number;
}

/** Several versions of one name, as of kernels, are compared as one. */
export function comparePackages(a: readonly Package[], b: readonly Package[]): PackagesDiff {
  const [one, other] = [byName(a), byName(b)];
  const changed = [...one].flatMap(([name, version]) => {
    const now = other.get(name);
    return now === undefined || now === version ? [] : [{ name, a: version, b: now }];
  });
  const added = onlyIn(other, one);
  const removed = onlyIn(one, other);
  return { added, removed, changed, same: one.size - removed.length - changed.length };
}

function onlyIn(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): Package[] {
  return [...one].filter(([name]) => !other.has(name)).map(([name, version]) => ({ name, version }));
}

/** In the order of the names. */
function byName(packages: readonly Package[]): Map<string, string> {
  const versions = new Map<string, Set<string>>();
  for (const { name, version } of packages) versions.set(name, (versions.get(name) ?? new Set()).add(version));
  const names = [...versions.keys()].sort();
  return new Map(names.map((name) => [name, [...(versions.get(name) ?? [])].sort().join(", ")]));
}
