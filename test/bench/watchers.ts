/**
 * What it costs a task to be watched: the same output with nobody there, with 100 who follow its log, with 20 who see its
 * screen, and with both, by turns in one machine. The time is that from the first line in the log's file to the last.
 */
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { Boxcar, untilPrinted } from "../system/boxcar.ts";
import { end, WorkerProcesses } from "../system/worker-process.ts";
import { summarize } from "./report.ts";

export interface Watched {
  readonly what: string;
  readonly who: string;
  /** Milliseconds. */
  readonly p50: number;
  readonly p95: number;
  readonly rounds: number;
  /** Of the medians, to that with nobody there. */
  readonly ratio: number;
  /** What those who watch have received in all rounds. */
  readonly logMB: number;
  readonly displayMB: number;
}

const CLIENTS = fileURLToPath(new URL("watchers/clients.ts", import.meta.url));
const ROUNDS = 3;
const PORT = 7_391;
const BLOCK_BYTES = 1_024 ** 2;

const WHO: Readonly<Record<string, readonly [followers: number, viewers: number]>> = {
  nobody: [0, 0],
  "100 followers": [100, 0],
  "20 viewers": [0, 20],
  "100 followers, 20 viewers": [100, 20],
};

/** Each scrolls the screen too, where no two lines are the same. */
const WHAT: Readonly<Record<string, string>> = {
  "25,000 lines with pauses": "for t in $(seq 50); do head -n 500 /dev/shm/text; show $t; sleep 0.08; done",
  "64 MB as fast as it can": "for t in $(seq 16); do cat /dev/shm/text; show $t; done",
};
const SHOW = `show() { printf '%s of %s compiles\\n%s of %s links\\n' $1 $n $1 $n > /dev/tty1; }`;

const LINE = "cc -O2 -Wall -Isrc -c src/some/module/with/a/name.c -o build/module.o";

export async function benchWatchers(rounds = ROUNDS): Promise<Watched[]> {
  await using boxcar = await Boxcar.open();
  const http = { listen: `127.0.0.1:${PORT}` };
  const workers = await WorkerProcesses.open(boxcar, {
    worker: { capacity: 1, reserve: { diskGiB: 0 }, http },
    limits: { maxLogMiB: 8_192 },
  });
  const { worker } = await workers.start();
  try {
    return await measure(boxcar, workers, rounds);
  } finally {
    await end(worker, "SIGKILL");
  }
}

interface Sums {
  readonly times: number[];
  logMB: number;
  displayMB: number;
}

async function measure(boxcar: Boxcar, workers: WorkerProcesses, rounds: number): Promise<Watched[]> {
  const taskId = await workers.submit(guestScript(), {});
  await workers.untilLogged(taskId, "ready");
  const file = join(boxcar.directory, "state/runs", taskId, "0/task.log");
  const found = new Map<string, Sums>();
  let number = 0;
  for (let round = 0; round < rounds; round++) {
    for (const what of Object.keys(WHAT)) {
      for (const [who, [followers, viewers]] of Object.entries(WHO)) {
        const key = `${what}\n${who}`;
        const sums = found.get(key) ?? { times: [], logMB: 0, displayMB: 0 };
        found.set(key, sums);
        const clients = await startClients(taskId, followers, viewers);
        number++;
        const { size } = await stat(file);
        const gate = `echo '${Object.keys(WHAT).indexOf(what)}' > /tmp/next && mv /tmp/next /tmp/go-${number}`;
        const opened = await workers.run("shell", taskId, "--", "sh", "-c", gate);
        if (opened.exitCode !== 0) throw new Error(opened.stderr);
        sums.times.push(await timeBetween(file, size, `begin ${number}\n`, `end ${number}\n`));
        const received = await clients.stop();
        sums.logMB += received.logBytes / 1e6;
        sums.displayMB += received.displayBytes / 1e6;
      }
    }
  }
  return [...found].map(([key, { times, logMB, displayMB }]) => {
    const [what = "", who = ""] = key.split("\n");
    const base = summarize(found.get(`${what}\nnobody`)?.times ?? []).p50;
    const { p50, p95 } = summarize(times);
    return { what, who, p50, p95, rounds: times.length, ratio: p50 / base, logMB, displayMB };
  });
}

function guestScript(): string {
  const cases = Object.values(WHAT).map((script, index) => `  ${index}) ${script} ;;`);
  return [
    `yes '${LINE}' | head -c 4000000 > /dev/shm/text`,
    SHOW,
    "echo ready",
    "n=0",
    "while n=$((n + 1)); do",
    "  until [ -e /tmp/go-$n ]; do sleep 0.05; done",
    '  echo; echo "begin $n"',
    "  case $(cat /tmp/go-$n) in",
    ...cases,
    "  esac",
    '  echo; echo "end $n"',
    "done",
  ].join("\n");
}

/** By when they were in the file; nobody but this process looks at it meanwhile, fifty times a second. */
async function timeBetween(file: string, fromBytes: number, first: string, last: string): Promise<number> {
  await using log = await open(file);
  let [position, tail] = [fromBytes, ""];
  let beginMs: number | undefined;
  for (;;) {
    const { bytesRead, buffer } = await log.read(Buffer.allocUnsafe(BLOCK_BYTES), 0, BLOCK_BYTES, position);
    position += bytesRead;
    tail = (tail + buffer.toString("latin1", 0, bytesRead)).slice(-BLOCK_BYTES - 100);
    if (beginMs === undefined && tail.includes(`\n${first}`)) beginMs = performance.now();
    if (beginMs !== undefined && tail.includes(`\n${last}`)) return performance.now() - beginMs;
    if (bytesRead < BLOCK_BYTES) await after(20);
  }
}

/** They are elsewhere in earnest: here they get what CPU time is left. */
async function startClients(taskId: string, followers: number, viewers: number) {
  const args = [CLIENTS, `http://127.0.0.1:${PORT}`, taskId, String(followers), String(viewers)];
  const child = execa("nice", ["-n", "19", process.execPath, ...args], { reject: false, stderr: "inherit" });
  await untilPrinted(child as never, "stdout", "watching");
  return {
    async stop(): Promise<{ logBytes: number; displayBytes: number }> {
      child.stdin?.end();
      const { stdout } = await child;
      return JSON.parse(stdout.split("\n").at(-1) ?? "{}");
    },
  };
}

export function formatWatched(results: readonly Watched[]): string {
  const line = (name: string, ...cells: string[]) =>
    [name.padEnd(60), ...cells.map((cell) => cell.padStart(10))].join("");
  return [
    line("watched", "p50, ms", "p95, ms", "ratio", "log, MB", "screen, MB"),
    ...results.map(({ what, who, p50, p95, ratio, logMB, displayMB }) =>
      line(
        `${what}: ${who}`,
        ...[p50.toFixed(0), p95.toFixed(0), ratio.toFixed(2), logMB.toFixed(0), displayMB.toFixed(1)],
      ),
    ),
  ].join("\n");
}
