/** What is installed in a Debian root. Pure. */
import type { InstalledPackage } from "../mutable-image.ts";

/** @param status As /var/lib/dpkg/status has it. Packages of which only settings are left are none. */
export function installedPackages(status: string): InstalledPackage[] {
  return status
    .split("\n\n")
    .flatMap((paragraph) => {
      const field = (name: string) => new RegExp(`^${name}: (.+)$`, "m").exec(paragraph)?.[1];
      const [name, version] = [field("Package"), field("Version")];
      const isInstalled = field("Status")?.endsWith(" installed") ?? false;
      return name === undefined || version === undefined || !isInstalled ? [] : [{ name, version }];
    })
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
