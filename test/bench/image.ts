/** Packing and unpacking an image of 2 GiB, beside `tar -S | zstd -T0` and `zstd -d | tar -x`, by turns. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Scope } from "../../src/base/scope.ts";
import { makeImage } from "./image/disks.ts";
import { type Measured, measure } from "./image/measure.ts";
import { buildProgram } from "./image/program.ts";

const ROUNDS = 3;

export interface ImageCost {
  name: string;
  /** Medians. */
  rawMs: number;
  boxcarMs: number;
  rawCpuMs: number;
  boxcarCpuMs: number;
  /** The most of all rounds, with all programs that are started. */
  rawMiB: number;
  boxcarMiB: number;
  rounds: number;
}

export async function benchImage(rounds = ROUNDS): Promise<ImageCost[]> {
  await using scope = new Scope();
  const folder = await mkdtemp(join(tmpdir(), "boxcar-bench-"));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  const program = await buildProgram(scope);
  const costs: ImageCost[] = [];
  for (const kind of ["sparse", "full"] as const) {
    const image = join(folder, kind);
    await makeImage(image, kind);
    const archive = join(folder, `${kind}.tar.zst`);
    const raw = join(folder, "raw");
    const store = join(folder, "store");
    const pipe = (command: string): readonly [string, ...string[]] => ["bash", "-c", `set -o pipefail; ${command}`];
    const boxcar = (...args: string[]): readonly [string, ...string[]] => [...program, ...args];
    costs.push(
      await byTurns(`pack, ${kind}`, rounds, {
        raw: () =>
          measure(
            pipe(
              `tar --format=posix -S -c machine.json disk.img | zstd -q -T0 -f -o ${raw}.tar.zst; sync ${raw}.tar.zst`,
            ),
            image,
          ),
        boxcar: () => measure(boxcar("pack", image, archive), image),
      }),
      await byTurns(`unpack, ${kind}`, rounds, {
        raw: async () => {
          await mkdir(raw);
          const measured = await measure(pipe(`zstd -q -d -c ${archive} | tar -x; sync disk.img`), raw);
          await rm(raw, { recursive: true });
          return measured;
        },
        boxcar: async () => {
          const measured = await measure(boxcar("import", store, archive), folder);
          await rm(store, { recursive: true });
          return measured;
        },
      }),
    );
    await rm(image, { recursive: true });
  }
  return costs;
}

async function byTurns(
  name: string,
  rounds: number,
  ways: Readonly<Record<"raw" | "boxcar", () => Promise<Measured>>>,
): Promise<ImageCost> {
  const all: Record<"raw" | "boxcar", Measured[]> = { raw: [], boxcar: [] };
  for (let round = 0; round < rounds; round++) {
    all.raw.push(await ways.raw());
    all.boxcar.push(await ways.boxcar());
  }
  return {
    name,
    rawMs: median(all.raw.map(({ durationMs }) => durationMs)),
    boxcarMs: median(all.boxcar.map(({ durationMs }) => durationMs)),
    rawCpuMs: median(all.raw.map(({ cpuMs }) => cpuMs)),
    boxcarCpuMs: median(all.boxcar.map(({ cpuMs }) => cpuMs)),
    rawMiB: Math.max(...all.raw.map(({ memoryMiB }) => memoryMiB)),
    boxcarMiB: Math.max(...all.boxcar.map(({ memoryMiB }) => memoryMiB)),
    rounds,
  };
}

export function formatImageCosts(costs: readonly ImageCost[]): string {
  const line = (name: string, ...cells: string[]) =>
    [name.padEnd(16), ...cells.map((cell) => cell.padStart(12))].join("");
  const compared = (raw: number, boxcar: number) => [raw.toFixed(0), boxcar.toFixed(0), (boxcar / raw).toFixed(2)];
  return [
    line(
      "image of 2 GiB",
      ...["raw ms", "boxcar ms", "ratio", "raw CPU", "boxcar CPU", "ratio", "raw MiB", "boxcar MiB", "rounds"],
    ),
    ...costs.map(({ name, rounds, ...cost }) =>
      line(
        name,
        ...compared(cost.rawMs, cost.boxcarMs),
        ...compared(cost.rawCpuMs, cost.boxcarCpuMs),
        ...[cost.rawMiB, cost.boxcarMiB].map((mib) => mib.toFixed(0)),
        String(rounds),
      ),
    ),
  ].join("\n");
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
