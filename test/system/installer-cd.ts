/** Two small CDs that install a system without any person's licence: see test/fixtures/installer. */
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

const FIXTURES = fileURLToPath(new URL("../fixtures/installer/", import.meta.url));
const SECTOR = 2_048;

/** What the installer writes where, in units of 2,048 bytes. */
export interface Run {
  /** On the disk, in bytes; a multiple of 512. */
  offset: number;
  data: Buffer;
}

/** The CD that is booted from. */
export async function makeInstallerCd(file: string): Promise<void> {
  const folder = `${file}.files`;
  await mkdir(folder);
  await writeFile(join(folder, "boot.bin"), await assemble("installer.s", folder));
  const boot = ["-no-emul-boot", "-boot-load-size", "4", "-b", "boot.bin", "-c", "boot.cat"];
  await execa("genisoimage", ["-quiet", ...boot, "-output", file, folder]);
  await rm(folder, { recursive: true });
}

/** A boot sector that says that it was started, and ends its machine. */
export async function makeInstalledSector(folder: string): Promise<Buffer> {
  return await assemble("installed.s", folder);
}

/** What is to be on the second CD. */
export async function writePayload(file: string, runs: readonly Run[], end: "restart" | "power-off"): Promise<void> {
  await using payload = await open(file, "w");
  await payload.write(sector("PAYL"));
  for (const { offset, data } of runs) {
    const units = Math.ceil(data.length / SECTOR);
    await payload.write(sector("RUN_", offset / 512, units));
    await payload.write(Buffer.concat([data, Buffer.alloc(units * SECTOR - data.length)]));
  }
  await payload.write(sector(end === "restart" ? "BOOT" : "HALT"));
}

function sector(word: string, ...numbers: readonly number[]): Buffer {
  const buffer = Buffer.alloc(SECTOR);
  buffer.write(word, "latin1");
  numbers.forEach((number, index) => {
    buffer.writeUInt32LE(number, 4 + 4 * index);
  });
  return buffer;
}

async function assemble(source: string, folder: string): Promise<Buffer> {
  const [object, binary] = [join(folder, "boot.o"), join(folder, "boot.raw")];
  await execa("as", ["--32", join(FIXTURES, source), "-o", object]);
  await execa("ld", ["-m", "elf_i386", "-Ttext=0x7c00", "--oformat", "binary", object, "-o", binary]);
  const code = await readFile(binary);
  await Promise.all([rm(object), rm(binary)]);
  return code;
}
