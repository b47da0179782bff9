/** What is said of an image that was checked. Pure. */
import { formatBytes } from "../../base/units.ts";
import type { VerifiedImage } from "../../image/verify/verify-archive.ts";
import { table } from "../table.ts";

export interface Signers {
  /** Ids of keys that were given, and have signed it. */
  signedBy: readonly string[];
  /** Ids that its signatures name. */
  claimed: readonly string[];
  hasKeys: boolean;
}

export function describeVerified(image: VerifiedImage, signers: Signers): string {
  const { digest, archiveBytes, files, virtualBytes, parent, findings } = image;
  const rows = [
    ["digest", digest],
    ["archive", formatBytes(archiveBytes)],
    ["disk", formatBytes(virtualBytes)],
    ...(parent === undefined ? [] : [["lies on", parent]]),
    ...files.map(({ name, bytes, dataBytes }) => [name, `${formatBytes(dataBytes)} of ${formatBytes(bytes)}`]),
    ["signed", describeSigners(signers)],
    ...findings.map(({ message }) => ["note", message]),
  ];
  return table(rows);
}

function describeSigners({ signedBy, claimed, hasKeys }: Signers): string {
  if (signedBy.length > 0) return `by ${signedBy.join(", ")}`;
  if (claimed.length === 0) return "by nobody";
  const unknown = `${claimed.length === 1 ? "one key" : `${claimed.length} keys`}`;
  return hasKeys ? `by ${unknown}, of which none was given` : `by ${unknown}, which --key would check`;
}
