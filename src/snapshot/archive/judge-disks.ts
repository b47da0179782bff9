/** The disks of an unpacked archive: each lies on nothing but what it must lie on. */
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import type { MachineSnapshot } from "../../generated/machine-snapshot.ts";
import { foreignDisk } from "../../image/disk-role.ts";
import { parseQcow2Header, QCOW2_HEADER_BYTES, type Qcow2Header } from "../../image/qcow2-header.ts";
import { judgeQcow2 } from "../../image/qcow2-policy.ts";
import { check } from "../../image/qemu-img.ts";
import { dataDiskFile, layerFile } from "../saved-machine.ts";
import { refused, type SnapshotLimits } from "./format.ts";

interface Base {
  name: string;
  format: "raw" | "qcow2";
  virtualBytes: number;
}

/**
 * @param base What the first layer must lie on.
 * @throws {ImageError}, {@link SnapshotError}
 */
export async function judgeDisks(
  directory: string,
  { layers, dataDisks = [] }: MachineSnapshot,
  base: Base,
  limits: SnapshotLimits,
  signal?: AbortSignal,
): Promise<void> {
  let below = base;
  for (let number = 0; number < layers; number++) {
    const name = layerFile(number);
    const header = await judgeHeader(directory, name, limits);
    requireBacking(name, header, below);
    if (header.virtualBytes < below.virtualBytes) throw refused(`has ${name}, which is smaller than what it lies on`);
    below = { name, format: "qcow2", virtualBytes: header.virtualBytes };
  }
  for (const disk of dataDisks) {
    const name = dataDiskFile(disk);
    if (disk.format === "raw") {
      const { size } = await stat(join(directory, name));
      if (size !== disk.sizeBytes) throw refused(`has ${name} with ${size} bytes instead of ${disk.sizeBytes}`);
      continue;
    }
    const header = await judgeHeader(directory, name, limits);
    requireBacking(name, header, undefined);
    if (header.virtualBytes !== disk.sizeBytes) throw refused(`has ${name} of another size than it says`);
  }
  for (let number = 0; number < layers; number++) await check(join(directory, layerFile(number)), { signal });
}

async function judgeHeader(directory: string, name: string, limits: SnapshotLimits): Promise<Qcow2Header> {
  const role = foreignDisk(name);
  await using file = await open(join(directory, name), "r");
  const { size: fileBytes } = await file.stat();
  const { buffer, bytesRead } = await file.read(Buffer.alloc(QCOW2_HEADER_BYTES), 0, QCOW2_HEADER_BYTES, 0);
  const header = parseQcow2Header(buffer.subarray(0, bytesRead), role);
  const [first] = judgeQcow2(header, { maxVirtualBytes: limits.maxFileBytes, fileBytes }, role);
  if (first !== undefined) throw first;
  return header;
}

function requireBacking(name: string, { backingFile, backingFormat }: Qcow2Header, below: Base | undefined): void {
  if (backingFile === below?.name && backingFormat === below?.format) return;
  const found = backingFile === undefined ? "nothing" : JSON.stringify(backingFile.slice(0, 100));
  throw refused(
    `has ${name}, which lies on ${found} (${backingFormat ?? "no format"}) and not on ${below?.name ?? "nothing"}`,
  );
}
