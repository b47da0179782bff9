/** What package managers write down of what is installed, taken apart; others may have written it. Pure. */
import type { Package } from "./compare-packages.ts";

export interface PackageDatabase {
  /** On the volume with the system. */
  readonly path: string;
  readonly name: "dpkg" | "apk";
  readonly parse: (text: string) => Package[];
}

export const MAX_DATABASE_BYTES = 64 * 1_048_576;
const MAX_PACKAGES = 100_000;
const MAX_LENGTH = 256;

export const PACKAGE_DATABASES: readonly PackageDatabase[] = [
  { path: "var/lib/dpkg/status", name: "dpkg", parse: parseDpkgStatus },
  { path: "lib/apk/db/installed", name: "apk", parse: (text) => parse(text, "P", "V", () => true) },
];

/** @see deb822(5), dpkg(1) */
export function parseDpkgStatus(text: string): Package[] {
  // A package that was removed may have left its settings.
  return parse(text, "Package", "Version", (fields) => / installed$/.test(fields.get("Status") ?? ""));
}

function parse(
  text: string,
  nameField: string,
  versionField: string,
  isInstalled: (fields: ReadonlyMap<string, string>) => boolean,
): Package[] {
  const packages: Package[] = [];
  let fields = new Map<string, string>();
  const finish = () => {
    const [name, version] = [fields.get(nameField), fields.get(versionField)];
    if (name !== undefined && version !== undefined && isInstalled(fields) && packages.length < MAX_PACKAGES) {
      packages.push({ name: name.slice(0, MAX_LENGTH), version: version.slice(0, MAX_LENGTH) });
    }
    fields = new Map();
  };
  for (const line of text.split("\n")) {
    if (line.trim() === "") finish();
    const colon = line.indexOf(":");
    const field = line.slice(0, colon);
    if (field === nameField || field === versionField || field === "Status") {
      fields.set(field, line.slice(colon + 1).trim());
    }
  }
  finish();
  return packages;
}
