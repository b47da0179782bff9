/** Archives for tests, made by the real GNU tar, zstd and qemu-img, in a folder that goes with the test. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const MIB = 1_024 * 1_024;

export class ArchiveFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "boxcar-image-"));
  #count = 0;

  /** A folder with the three files of a small image; the disk has data at 0, 5 MiB and its end, and holes between. */
  makeImage(options: { diskBytes?: number; machine?: object } = {}): string {
    const directory = join(this.path, `image-${this.#count++}`);
    mkdirSync(directory);
    const diskBytes = options.diskBytes ?? 16 * MIB;
    writeFileSync(join(directory, "machine.json"), JSON.stringify(options.machine ?? { version: 2, memory: 256 }));
    const disk = join(directory, "disk.img");
    writeFileSync(disk, "first sector");
    truncateSync(disk, diskBytes);
    const fd = openSync(disk, "r+");
    writeSync(fd, Buffer.alloc(300_001, "data "), 0, 300_001, 5 * MIB + 77);
    writeSync(fd, Buffer.from("last"), 0, 4, diskBytes - 4);
    this.run(directory, ["qemu-img", "create", "-q", "-f", "qcow2", "-b", "disk.img", "-F", "raw", "layer.qcow2"]);
    return directory;
  }

  /** `tar` with `args` in `directory`, through `zstd`. */
  pack(directory: string, args: readonly string[]): string {
    const tarFile = join(this.path, `${this.#count++}.tar`);
    this.run(directory, ["tar", "-cf", tarFile, ...args]);
    return this.compress(tarFile);
  }

  /** The good archive of an image as a user would make it. */
  packImage(directory: string): string {
    return this.pack(directory, ["--format=posix", "-S", "machine.json", "disk.img", "layer.qcow2"]);
  }

  compress(tarFile: string, args: readonly string[] = []): string {
    this.run(this.path, ["zstd", "-q", "--rm", ...args, tarFile]);
    return `${tarFile}.zst`;
  }

  /** Writes bytes that are no archive, or a broken one. */
  file(name: string, bytes: Uint8Array): string {
    const path = join(this.path, name);
    writeFileSync(path, bytes);
    return path;
  }

  run(directory: string, [program, ...args]: readonly string[]): void {
    execFileSync(program as string, args, { cwd: directory, stdio: ["ignore", "ignore", "inherit"] });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export function sha256Of(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
