/** The product as a user has it: the command line, with folders of its own and the images of this host. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { currentSurroundings } from "../../src/config/host-facts.ts";
import { loadConfig } from "../../src/config/load-config.ts";
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

function launch(args: readonly string[], cwd: string, env: Record<string, string>) {
  return execa(process.execPath, [BOXCAR, ...args], { reject: false, cwd, env, maxBuffer: 200_000_000 });
}

export class Boxcar implements AsyncDisposable {
  readonly directory: string;
  readonly #images: string;
  #count = 0;

  private constructor(directory: string, images: string) {
    this.directory = directory;
    this.#images = images;
  }

  static async open(): Promise<Boxcar> {
    const { config } = await loadConfig(currentSurroundings(process.env));
    const directory = await mkdtemp(join(tmpdir(), "bx-"));
    return new Boxcar(directory, config.images.directory);
  }

  /** Starts `boxcar` with these arguments. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    return launch(args, this.directory, {
      BOXCAR_STATE_DIR: join(this.directory, "state"),
      BOXCAR_RUN_DIR: join(this.directory, "run"),
      BOXCAR_IMAGES_DIR: this.#images,
      ...env,
    });
  }

  /** Starts a task; its output folder is `<directory>/<n>`, which is returned too. */
  async startTask(payload: object, flags: readonly string[] = []): Promise<{ child: Running; output: string }> {
    const output = this.newPath();
    const file = `${output}.json`;
    await writeFile(file, JSON.stringify({ machine: SMALL, ...payload }));
    return { child: this.start(["run", file, "--json", "--output", output, ...flags]), output };
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
    const parents = ["state/machines", "state/builds", "run/m"];
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
