/** What QEMU needs on the disk for a machine, in the machine's own folder. */
import { open, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFileSystem } from "../../cache/file-system.ts";
import type { VmRecord } from "../../generated/vm-record.ts";
import { copySparse } from "../../host/copy-sparse.ts";
import { ignoreMissing } from "../../host/durable-file.ts";
import type { ImageLease } from "../../image/store/image-lease.ts";
import type { Snapshot } from "../../image/store/snapshots.ts";
import { OwnDisk } from "../../snapshot/own-disk.ts";
import { cdromFile, MEMORY_FILE, STATE_FILE } from "../../snapshot/saved-machine.ts";
import type { DataDisk } from "../../vm/data-disks.ts";
import type { VmDisk } from "../spec.ts";

const USER_DATA = "user-data";
/** Of the disk, and what it lies on. */
const LAYER = /^(?:disk\.\d+\.qcow2|base)$/;

export class MachineFiles {
  readonly folder: string;

  /** @param folder Absolute path. */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** Sparse, as large as the memory; of a machine that runs. */
  get memory(): string {
    return join(this.folder, MEMORY_FILE);
  }

  /** Of the devices; of a machine that is to go on, beside its memory. */
  get state(): string {
    return join(this.folder, STATE_FILE);
  }

  cdrom(index: number): string {
    return join(this.folder, cdromFile(index));
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

  dataDisk({ name, sizeBytes, format = "raw" }: VmDisk): DataDisk {
    return { diskFile: join(this.folder, `data-${name}.${format}`), format, sizeBytes };
  }

  /** By the number of their place. */
  dataDisks({ disks }: Pick<VmRecord, "disks">): Map<number, DataDisk> {
    return new Map(disks.map((disk, index) => [disk.slot ?? index, this.dataDisk(disk)]));
  }

  /** Everything a new machine has. @throws {CommandError}; `signal.reason` */
  async make(
    { disks }: Pick<VmRecord, "disks">,
    { lease, userData, signal }: { lease: ImageLease; userData: string | undefined; signal: AbortSignal },
  ): Promise<void> {
    await OwnDisk.create(this.folder, lease.image);
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

  /** As a machine left it that was captured when it had booted, memory included; or as the image is. */
  async beginAnew({ image }: ImageLease, snapshot: Snapshot | undefined, signal: AbortSignal): Promise<void> {
    const mine = (await readdir(this.folder)).filter((name) => LAYER.test(name));
    for (const name of [...mine, MEMORY_FILE]) await rm(join(this.folder, name), { force: true });
    await OwnDisk.create(this.folder, image, { booted: snapshot?.files["disk.qcow2"], signal });
    if (snapshot !== undefined) await copySparse(snapshot.files.memory, this.memory, signal);
  }
}

async function makeEmpty(file: string, sizeBytes: number): Promise<void> {
  await using handle = await open(file, "wx", 0o600);
  await handle.close();
  await truncate(file, sizeBytes);
}
