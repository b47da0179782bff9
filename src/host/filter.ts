/**
 * Programs that turn a stream of bytes into another one (zstd, gzip …).
 *
 * The output is handed on as it appears, with back-pressure both ways; nothing
 * is collected but the end of stderr. A program that fails after its last byte
 * of output still makes the stream fail: the end of the stream means exit code 0.
 */
import type { Writable } from "node:stream";
import { execa } from "execa";
import { CommandError, isMissing, notInstalled, type ResourceLimits, supervised } from "./command.ts";

export interface FilterOptions {
  signal?: AbortSignal | undefined;
  limits?: ResourceLimits;
  /** An open file that gets the output, of which nothing is handed on then. */
  output?: number;
}

/**
 * The output of `command` fed with `source`. The program is started at the first read and is dead once the
 * iteration has ended, however it ended.
 *
 * @param source A chunk is done with when the next one is asked for: its memory may be used again then.
 * @throws whatever `source` threw: it comes before what the program made of the broken input.
 * @throws {@link CommandError} `command-not-found`, or `command-failed` with the last lines of stderr.
 * @throws `signal.reason` if the signal fired.
 */
export async function* filter(
  command: readonly [string, ...string[]],
  source: AsyncIterable<Uint8Array>,
  options: FilterOptions = {},
): AsyncGenerator<Buffer> {
  options.signal?.throwIfAborted();
  const [file, ...args] = supervised(command, options.limits);
  const child = execa(file, args, {
    reject: false,
    stdin: "pipe",
    stdout: (options.output as 1 | undefined) ?? "pipe",
    encoding: "buffer",
    buffer: { stdout: false, stderr: true },
    maxBuffer: { stderr: 64 * 1_024 },
    forceKillAfterDelay: 2_000,
  });
  const kill = () => child.kill("SIGKILL");
  options.signal?.addEventListener("abort", kill, { once: true });

  const feed = new Feed(source);
  const fed = write(feed.chunks(), child.stdin).catch(() => {
    // A broken pipe only says that the program is gone; its exit code tells why.
    if (feed.failed) kill();
  });
  try {
    if (options.output === undefined) for await (const chunk of child.stdout ?? []) yield chunk as Buffer;
    const result = await child;
    options.signal?.throwIfAborted();
    if (feed.failed) throw feed.failure;
    if (result.failed || !feed.ended) throw failureOf(command[0], result);
    await fed;
  } finally {
    options.signal?.removeEventListener("abort", kill);
    kill();
    await child;
  }
}

/** @throws whatever `chunks` threw; that nobody reads any more. */
async function write(chunks: AsyncIterable<Uint8Array>, target: Writable): Promise<void> {
  // Each write tells it, too.
  target.on("error", () => {});
  for await (const chunk of chunks) {
    await new Promise<void>((resolve, reject) => {
      target.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  }
  target.end();
}

/** The source, remembering how it ended. */
class Feed {
  failed = false;
  failure: unknown;
  ended = false;
  readonly #source: AsyncIterable<Uint8Array>;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#source;
      this.ended = true;
    } catch (error) {
      this.failed = true;
      this.failure = error;
      throw error;
    }
  }
}

interface Outcome {
  failed: boolean;
  code?: string | undefined;
  exitCode?: number | undefined;
  signal?: string | undefined;
  stderr?: unknown;
}

function failureOf(name: string, outcome: Outcome): CommandError {
  if (isMissing(outcome)) return notInstalled(name);
  const { failed, exitCode, signal, stderr } = outcome;
  const text = stderr instanceof Uint8Array ? Buffer.from(stderr).toString("utf8") : "";
  const tail = text.trim().split("\n").slice(-5).join("\n");
  const how = signal !== undefined ? `with signal ${signal}` : `with exit code ${exitCode}`;
  const what = failed ? `failed ${how}` : "ended before it had read its input";
  return new CommandError(`${name} ${what}${tail === "" ? "" : `: ${tail}`}`, {
    code: "command-failed",
    exitCode,
    stderr: text,
  });
}
