/** The system of the default image as a disk that boots by itself, such as others give away. */
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { execa } from "execa";
import { makeBootDisk } from "../../src/builder/debian/boot-disk.ts";
import { currentSurroundings } from "../../src/config/host-facts.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { Boxcar } from "./boxcar.ts";

const CMDLINE = "console=tty0 console=ttyS0 loglevel=4 random.trust_cpu=on no_timer_check panic=0 rdinit=/init";

/**
 * @param file Absolute path of the new disk: raw and sparse, 512 MiB.
 * @param boxcar Has the default image.
 */
export async function makeOwnDisk(file: string, { images, directory }: Boxcar): Promise<void> {
  const digest = (await readFile(join(images, "tags/debian-minimal"), "utf8")).trim();
  const image = join(images, "blobs", digest.slice("sha256:".length));
  const work = join(directory, "own-disk");
  const root = join(work, "root");
  await mkdir(join(work, "boot"), { recursive: true });
  await mkdir(root);
  await execa("/usr/sbin/debugfs", ["-R", `rdump / ${root}`, join(image, "disk.img")]);
  await execa("sh", [
    "-c",
    `dpkg-deb --fsys-tarfile "$1" | tar -xO --wildcards './boot/vmlinuz-*' >"$2/vmlinuz"`,
    "sh",
    await kernelPackage(work),
    root,
  ]);
  await execa("cp", [join(image, "initrd"), join(root, "initrd.img")]);
  const uuid = "6d0a3f0e-5a5f-4b59-9d0e-0d3f2b7c1a11";
  await makeBootDisk({
    root,
    file,
    sizeMiB: 512,
    workDirectory: join(work, "boot"),
    uuid,
    label: "boxcar-root",
    cmdline: CMDLINE,
  });
  await rm(work, { recursive: true });
}

/** The one of the default image, which was fetched when that was made; or one like it. */
async function kernelPackage(work: string): Promise<string> {
  const { stateDir } = (await loadConfig(currentSurroundings(process.env))).config;
  const cache = join(stateDir, "cache/packages");
  const names = await readdir(cache, { recursive: true }).catch(() => []);
  const found = names
    .filter((name) => /^linux-image-\d.*\.deb$/.test(basename(name)))
    .sort()
    .at(-1);
  if (found !== undefined) return join(cache, found);
  const { stdout } = await execa("apt-cache", ["depends", "linux-image-amd64"]);
  const name = /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
  if (name === undefined) throw new Error("apt knows no kernel");
  await execa("apt-get", ["download", name], { cwd: work });
  return join(work, (await readdir(work)).find((file) => file.endsWith(".deb")) as string);
}
