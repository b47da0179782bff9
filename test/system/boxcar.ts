/** The product as a user has it: the command line, with folders of its own and, unless told otherwise, this host's images. */
import { watch } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { currentSurroundings } from "../../src/config/host-facts.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { ImageStore } from "../../src/image/store/image-store.ts";
import type { TaskResult } from "../../src/worker/task-result.ts";

const BOXCAR = fileURLToPath(new URL("../../bin/boxcar.js", import.meta.url));

/** Enough for the default image, and quick to throw away. */
const SMALL = { memory: 256, cores: 1 };

export interface Finished {
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
  /** The last line, where --json was given. */
  result: TaskResult & { issues?: { path: string; message: string }[] };
}

export type Running = ReturnType<typeof launch>;

function launch(
  args: readonly string[],
  cwd: string,
  env: Record<string, string>,
  { ownGroups = false, prefix = () => [] }: BoxcarOptions,
) {
  const [file, ...rest] = [...prefix(cwd), process.execPath, BOXCAR, ...args] as [string, ...string[]];
  return execa(file, rest, { reject: false, cwd, env, detached: ownGroups, maxBuffer: 200_000_000 });
}

export interface BoxcarOptions {
  /** An image store of its own, which is empty at first; or has this host's default image, and no snapshot. */
  ownImages?: boolean | "default";
  /** A process group for each command, as a shell makes them; see {@link pressCtrlC}. */
  ownGroups?: boolean;
  /** What is in front of each command, which is to run in that folder; does not stay beside it. */
  prefix?: (directory: string) => readonly string[];
}

export class Boxcar implements AsyncDisposable {
  readonly directory: string;
  /** The image store its commands use. */
  readonly images: string;
  readonly #options: BoxcarOptions;
  #count = 0;

  private constructor(directory: string, images: string, options: BoxcarOptions) {
    this.directory = directory;
    this.images = images;
    this.#options = options;
  }

  static async open(options: BoxcarOptions = {}): Promise<Boxcar> {
    const { ownImages = false } = options;
    const directory = await mkdtemp(join(tmpdir(), "bx-"));
    const images = ownImages === false ? (await hostImages()).directory : join(directory, "images");
    if (ownImages === "default") await linkDefaultImage(images);
    return new Boxcar(directory, images, options);
  }

  /** Starts `boxcar` with these arguments. @param prefix Instead of that of all commands. */
  start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    prefix: BoxcarOptions["prefix"] = this.#options.prefix,
  ): Running {
    const folders = {
      BOXCAR_STATE_DIR: join(this.directory, "state"),
      BOXCAR_RUN_DIR: join(this.directory, "run"),
      BOXCAR_IMAGES_DIR: this.images,
      // A machine that hangs is gone before the test is given up, and does not disturb the next one.
      BOXCAR_LIMITS_BOOT_TIMEOUT: "90 seconds",
    };
    const options = prefix === undefined ? this.#options : { ...this.#options, prefix };
    return launch(args, this.directory, { ...folders, ...env }, options);
  }

  /** Runs `boxcar` with these arguments to its end. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Finished> {
    return finish(this.start(args, env));
  }

  /** Starts a task; its output folder is `<directory>/<n>`, which is returned too. */
  async startTask(
    payload: object,
    flags: readonly string[] = [],
    env?: Readonly<Record<string, string>>,
  ): Promise<{ child: Running; output: string }> {
    const output = this.newPath();
    const file = `${output}.json`;
    await writeFile(file, JSON.stringify({ machine: SMALL, ...payload }));
    return { child: this.start(["run", file, "--json", "--output", output, ...flags], env), output };
  }

  async runTask(payload: object, flags: readonly string[] = []): Promise<Finished & { output: string }> {
    const { child, output } = await this.startTask(payload, flags);
    return { ...(await finish(child)), output };
  }

  newPath(): string {
    return join(this.directory, String(this.#count++));
  }

  /** What machines, builds and imports have left behind. */
  async leftovers(): Promise<string[]> {
    const parents = ["state/machines", "state/builds", "run/m", "images/staging", "images/locks"];
    const names = await Promise.all(
      parents.map(async (parent) => {
        await mkdir(join(this.directory, parent), { recursive: true });
        return (await readdir(join(this.directory, parent))).map((name) => `${parent}/${name}`);
      }),
    );
    return [...names.flat(), ...(await this.machines()).map((pid) => `qemu ${pid}`)];
  }

  /** Process ids of the machines that run from this object's folders. */
  async machines(): Promise<number[]> {
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
    const found: number[] = [];
    for (const pid of pids) {
      const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      if (command.startsWith("qemu-system") && command.includes(`${this.directory}/`)) found.push(pid);
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** The images tests of machines run with. */
async function hostImages(): Promise<{ directory: string; default: string }> {
  return (await loadConfig(currentSurroundings(process.env))).config.images;
}

/** The files of an image are read-only: what is linked may be shared, where it can be. */
async function linkDefaultImage(target: string): Promise<void> {
  const source = await hostImages();
  const tag = await readFile(join(source.directory, "tags", source.default), "utf8");
  const blob = join("blobs", tag.trim().slice("sha256:".length));
  await mkdir(join(target, "blobs"), { recursive: true });
  await mkdir(join(target, "tags"));
  const [from, to] = [join(source.directory, blob), join(target, blob)];
  const linked = await execa("cp", ["-al", from, to], { reject: false });
  // The other folder may be on another disk.
  if (linked.failed) await execa("sh", ["-c", 'rm -rf "$2" && cp -a --sparse=always "$1" "$2"', "sh", from, to]);
  // Its time is that of the last use, and each store has its own.
  await execa("cp", ["--remove-destination", join(from, "last-used"), join(to, "last-used")]);
  await writeFile(join(target, "tags", source.default), tag);
}

/** Puts files into the default image of a store of its own; the disk it was linked to stays as it is. */
export async function addToDefaultImage(
  { directory, images }: Boxcar,
  files: readonly { path: string; mode: string; text: string | Buffer }[],
): Promise<void> {
  const [blob] = await readdir(join(images, "blobs"));
  const disk = join(images, "blobs", blob as string, "disk.img");
  await execa("sh", ["-c", 'cp --sparse=always "$1" "$1.new" && chmod u+w "$1.new" && mv "$1.new" "$1"', "sh", disk]);
  const source = join(directory, "added");
  for (const { path, mode, text } of files) {
    await writeFile(source, text);
    const commands = [`mkdir ${dirname(path)}`, `rm ${path}`, `write ${source} ${path}`, `sif ${path} mode ${mode}`];
    for (const command of commands) await execa("/usr/sbin/debugfs", ["-w", "-R", command, disk]);
  }
}

/** Writes an archive of this host's default image, and resolves with the paths of what is in it. */
export async function packDefaultImage(target: string): Promise<string[]> {
  const images = await hostImages();
  await using store = await ImageStore.open({ directory: images.directory });
  await using lease = await store.acquire(images.default);
  const files = Object.values(lease.image.files);
  const directory = dirname(files[0] as string);
  await execa("tar", [
    "-cSf",
    target,
    "--format=posix",
    "-I",
    "zstd -1 -T2",
    "-C",
    directory,
    ...files.map((file) => basename(file)),
  ]);
  return files;
}

/** What a terminal does: every process of the command gets the signal, not the first one alone. */
export function pressCtrlC({ pid }: Running): void {
  process.kill(-(pid as number), "SIGINT");
}

export async function finish(child: Running): Promise<Finished> {
  const { exitCode, stdout, stderr } = await child;
  const lastLine = stdout.trimEnd().split("\n").at(-1) ?? "";
  return { exitCode, stdout, stderr, result: lastLine.startsWith("{") ? JSON.parse(lastLine) : undefined };
}

/** Resolves when the text has appeared on a stream of the program; rejects if the program ends before. */
export async function untilPrinted(child: Running, stream: "stdout" | "stderr", text: string): Promise<void> {
  let seen = "";
  const found = Promise.withResolvers<void>();
  child[stream]?.on("data", (chunk: Buffer) => {
    seen = (seen + chunk.toString()).slice(-100_000);
    if (seen.includes(text)) found.resolve();
  });
  void child.then(() => found.reject(new Error(`the program ended without printing ${text}: ${seen}`)));
  await found.promise;
}

/** Resolves when a path below the directory that matches has appeared; rejects if the program ends before. */
export async function untilCreated(child: Running, directory: string, path: RegExp): Promise<void> {
  const found = Promise.withResolvers<void>();
  const watcher = watch(directory, { recursive: true }, (_event, name) => {
    if (name !== null && path.test(name)) found.resolve();
  });
  void child.then(() => found.reject(new Error(`the program ended without creating ${path}`)));
  await found.promise.finally(() => watcher.close());
}
