/** guest-host.ts, from outside: a machine that does one job at a time. */
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import type { Way } from "./carrier.ts";

const GUEST_HOST = fileURLToPath(new URL("guest-host.ts", import.meta.url));

export class GuestProcess implements AsyncDisposable {
  readonly way: Way;
  readonly #program: ReturnType<typeof start>;
  readonly #answers: AsyncIterator<string>;

  private constructor(way: Way, program: ReturnType<typeof start>) {
    this.way = way;
    this.#program = program;
    this.#answers = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  }

  /** @param prefix In front of its command. @param load Path of the program load.c. */
  static async start(way: Way, prefix: readonly string[], load: string): Promise<GuestProcess> {
    const guest = new GuestProcess(way, start([...prefix, process.execPath, GUEST_HOST, way, load]));
    try {
      await guest.#answer();
      return guest;
    } catch (error) {
      await guest[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Microseconds of each request; see test/fixtures/network/load.c. */
  async load(args: readonly (string | number)[]): Promise<number[]> {
    return (await this.#ask(args.map(String))) as number[];
  }

  /** Milliseconds to make a network and to remove it, so many times. */
  async cycles(count: number): Promise<[number, number][]> {
    return (await this.#ask(count)) as [number, number][];
  }

  async #ask(job: unknown): Promise<unknown> {
    this.#program.stdin.write(`${JSON.stringify(job)}\n`);
    return await this.#answer();
  }

  async #answer(): Promise<unknown> {
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error(`the machine of ${this.way} has ended; its reason is above`);
    return JSON.parse(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#program.stdin.end();
    await this.#program;
  }
}

function start(command: readonly string[]) {
  const [file, ...args] = command as [string, ...string[]];
  return execa(file, args, { reject: false, buffer: false, stdin: "pipe", stderr: "inherit" });
}
