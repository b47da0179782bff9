/** The same task under autopkgtest-virt-qemu, which boots a virtual machine for each. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { messageOf } from "../../src/base/errors.ts";
import type { Image } from "../../src/image/store/image.ts";
import { obtainGuestImage } from "./autopkgtest/guest-image.ts";

const PROGRAM = "autopkgtest-virt-qemu";
const INSTALL = ["apt-get", "install", "--yes", "--no-install-recommends", "autopkgtest", "qemu-utils"] as const;
const COMMAND_TIMEOUT_MS = 60_000;

export interface AutopkgtestGuest {
  /** Absolute path of the folder with its disk and what QEMU is told. */
  readonly directory: string;
  /** Absolute path of a folder for what autopkgtest leaves. */
  readonly workDirectory: string;
}

/**
 * Installs autopkgtest and makes a guest like that of the image, where they are missing.
 *
 * @throws {Error} that says what to install.
 */
export async function prepareAutopkgtest(image: Image): Promise<AutopkgtestGuest & AsyncDisposable> {
  await requireAutopkgtest();
  const directory = await obtainGuestImage(image);
  const workDirectory = await mkdtemp(join(tmpdir(), "bxa-"));
  return {
    directory,
    workDirectory,
    [Symbol.asyncDispose]: () => rm(workDirectory, { recursive: true, force: true }),
  };
}

/** Milliseconds from the start of autopkgtest-virt-qemu to the first byte that a command in the guest printed. */
export async function autopkgtestFirstByteMs(guest: AutopkgtestGuest, memoryMiB: number): Promise<number> {
  const pidFile = join(guest.workDirectory, "qemu.pid");
  const qemuOptions = `-cpu max -readconfig ${guest.directory}/qemu.conf -pidfile ${pidFile}`;
  const args = [`--ram-size=${memoryMiB}`, `--qemu-options=${qemuOptions}`, `${guest.directory}/disk.img`];
  const begin = performance.now();
  const server = execa(PROGRAM, args, { reject: false, env: { TMPDIR: guest.workDirectory } });
  const kill = async () => {
    server.kill("SIGKILL");
    await killQemu(pidFile);
    return await server;
  };
  try {
    const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
    const answer = async (): Promise<string> => {
      const { done, value } = await lines.next();
      if (!done && /^ok\b/.test(value)) return value.slice("ok ".length);
      throw new Error(`${PROGRAM} failed: ${done ? (await kill()).stderr : value}`);
    };
    await answer();
    server.stdin.write("open\n");
    await answer();
    server.stdin.write("print-execute-command\n");
    const [file = "", ...rest] = (await answer()).split(",").map(decodeURIComponent);
    const ms = await untilFirstByte([file, ...rest, "echo", "hi"], begin);
    server.stdin.write("close\nquit\n");
    await server;
    return ms;
  } finally {
    await kill();
  }
}

async function untilFirstByte([file = "", ...args]: string[], begin: number): Promise<number> {
  const command = execa(file, args, { stdin: "ignore", timeout: COMMAND_TIMEOUT_MS });
  let ms: number | undefined;
  command.stdout.once("data", () => {
    ms = performance.now() - begin;
  });
  const { stdout } = await command;
  if (ms === undefined || stdout !== "hi") throw new Error(`the guest printed ${JSON.stringify(stdout)}`);
  return ms;
}

/** QEMU removes the file when it ends by itself, as it does when autopkgtest quits. */
async function killQemu(pidFile: string): Promise<void> {
  const pid = await readFile(pidFile, "utf8").catch(() => undefined);
  if (pid === undefined) return;
  process.kill(Number(pid), "SIGKILL");
  await rm(pidFile);
}

async function requireAutopkgtest(): Promise<void> {
  const { failed } = await execa(PROGRAM, ["--help"], { reject: false });
  if (!failed) return;
  const [file, ...args] = INSTALL;
  await execa(file, args).catch((error: unknown) => {
    throw new Error(`${PROGRAM} is not installed; run "${INSTALL.join(" ")}" as root (${messageOf(error)})`);
  });
}
