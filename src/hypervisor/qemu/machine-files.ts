/** What QEMU needs on the disk for a machine, in the machine's own folder. */
import { open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFileSystem } from "../../cache/file-system.ts";
import type { VmRecord } from "../../generated/vm-record.ts";
import { copySparse } from "../../host/copy-sparse.ts";
import { ignoreMissing } from "../../host/durable-file.ts";
import type { ImageLease } from "../../image/store/image-lease.ts";
import type { Snapshot } from "../../image/store/snapshots.ts";
import type { DataDisk } from "../../vm/data-disks.ts";
import type { VmDisk } from "../spec.ts";

const DISK = "disk.qcow2";
const USER_DATA = "user-data";
const MEMORY = "memory";

export class MachineFiles {
  readonly folder: string;

  /** @param folder Absolute path. */
  constructor(folder: string) {
    this.folder = folder;
  }

  get disk(): string {
    return join(this.folder, DISK);
  }

  /** Sparse, as large as the memory; of a machine that runs. */
  get memory(): string {
    return join(this.folder, MEMORY);
  }

  get console(): string {
    return join(this.folder, "console.log");
  }

  get log(): string {
    return join(this.folder, "supervisor.log");
  }

  get networkLog(): string {
    return join(this.folder, "network.jsonl");
  }

  dataDisk({ name, sizeBytes }: VmDisk): DataDisk {
    return { diskFile: join(this.folder, `data-${name}.raw`), format: "raw", sizeBytes };
  }

  /** Everything a new machine has. @throws {CommandError}; `signal.reason` */
  async make(
    { disks }: Pick<VmRecord, "disks">,
    { lease, userData, signal }: { lease: ImageLease; userData: string | undefined; signal: AbortSignal },
  ): Promise<void> {
    await lease.createOverlay(this.folder);
    if (userData !== undefined) await writeFile(join(this.folder, USER_DATA), userData, { mode: 0o600 });
    for (const disk of disks) {
      const { diskFile, sizeBytes } = this.dataDisk(disk);
      if (disk.fs === "none") await makeEmpty(diskFile, sizeBytes);
      else await makeFileSystem(diskFile, { sizeBytes, signal });
    }
  }

  /** What cloud-init is told at the first boot. */
  async tryReadUserData(): Promise<string | undefined> {
    return await readFile(join(this.folder, USER_DATA), "utf8").catch(ignoreMissing);
  }

  /** The guest has been told. */
  async forgetUserData(): Promise<void> {
    await rm(join(this.folder, USER_DATA), { force: true });
  }

  /** Puts memory and disk of a captured machine in the place of a disk that is as the image is. */
  async adopt({ files }: Snapshot, signal: AbortSignal): Promise<void> {
    for (const file of [this.disk, this.memory]) await rm(file, { force: true });
    await copySparse(files[DISK], this.disk, signal);
    await copySparse(files.memory, this.memory, signal);
  }
}

async function makeEmpty(file: string, sizeBytes: number): Promise<void> {
  await using handle = await open(file, "wx", 0o600);
  await handle.close();
  await truncate(file, sizeBytes);
}
