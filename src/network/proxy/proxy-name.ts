/** What a proxy may be called: the first part of its path at the metadata address. */

/** Paths of Boxcar's own service, and of those that programs in images look for at this address. */
const RESERVED: ReadonlySet<string> = new Set([
  "engine",
  "latest",
  "openstack",
  "computemetadata",
  "meta-data",
  "user-data",
  "vendor-data",
]);

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Why `name` is none, as the rest of a sentence that begins with it; undefined: it is one. */
export function proxyNameFault(name: string): string | undefined {
  if (!NAME.test(name)) return "must be small letters, digits and dashes, at most 63, with no dash at an end";
  return RESERVED.has(name) ? "is a path of the metadata service; take another name" : undefined;
}
