import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeBootDisk } from "../../../src/builder/debian/boot-disk.ts";
import { layoutOf } from "../../../src/builder/debian/boot-disk-layout.ts";

const SIZE_MIB = 256;
const { root, efi } = layoutOf(SIZE_MIB * 1_048_576);
const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };

let directory: string;
let disk: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "bx-disk-"));
  await mkdir(join(directory, "root/etc"), { recursive: true });
  await mkdir(join(directory, "root/boot"));
  await writeFile(join(directory, "root/boot/vmlinuz-1"), "a kernel");
  await symlink("boot/vmlinuz-1", join(directory, "root/vmlinuz"));
  disk = await make("one.img");
});
afterAll(() => rm(directory, { recursive: true }));

async function make(name: string): Promise<string> {
  const [file, workDirectory] = [join(directory, name), join(directory, `${name}.work`)];
  await mkdir(workDirectory);
  const uuid = "b0cca500-0000-4000-8000-000000000002";
  await makeBootDisk({ root: join(directory, "root"), file, sizeMiB: SIZE_MIB, workDirectory, uuid });
  return file;
}

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

describe("a disk that boots by itself", () => {
  it("has partitions that are whole, and a boot sector", async () => {
    const { stdout } = await execa("sfdisk", ["--json", disk], { env });
    const table = JSON.parse(stdout).partitiontable;
    expect(table.label).toBe("gpt");
    expect(table.partitions.map(({ start }: { start: number }) => start)).toEqual([73_728, 2_048, 8_192]);
    await execa("sfdisk", ["--verify", disk], { env });
    const first = (await readFile(disk)).subarray(0, 512);
    expect(first.readUInt16LE(510)).toBe(0xaa55);
    expect(first.readBigUInt64LE(0x5c)).toBe(2_048n);
  });

  it("has a root whose file system is clean, with the files and what finds them", async () => {
    const fileSystem = `${disk}?offset=${root.offsetBytes}`;
    await execa("e2fsck", ["-fn", fileSystem], { env });
    const read = async (path: string) => (await execa("debugfs", ["-R", `cat ${path}`, fileSystem], { env })).stdout;
    expect(await read("/boot/vmlinuz-1")).toBe("a kernel");
    expect(await read("/boot/grub/grub.cfg")).toContain("linux /vmlinuz root=LABEL=cloudroot");
    expect(await read("/etc/fstab")).toMatch(/^LABEL=cloudroot \/ ext4 /);
  });

  it("has GRUB where UEFI looks for it", async () => {
    const { stdout } = await execa("mdir", ["-b", "-i", `${disk}@@${efi.offsetBytes}`, "::/EFI/BOOT"], {
      env: { ...env, MTOOLS_SKIP_CHECK: "1" },
    });
    expect(stdout.trim()).toBe("::/EFI/BOOT/BOOTX64.EFI");
  });

  it("is the same for the same files", async () => {
    expect(await sha256(await make("two.img"))).toBe(await sha256(disk));
  });

  it("is not made where it has no room for what it needs", async () => {
    const options = { root: join(directory, "root"), workDirectory: directory, uuid: crypto.randomUUID() };
    const small = makeBootDisk({ ...options, file: join(directory, "small.img"), sizeMiB: 64 });
    await expect(small).rejects.toThrow("at least 256 MiB");
  });
});
