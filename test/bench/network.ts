/**
 * What a network of Boxcar carries, beside raw QEMU with the same machine and guest: mode `user` beside QEMU's own user
 * network (slirp), mode `namespace` beside a tap device and, for the outside, the kernel's routing and masquerading.
 *
 * All guests exist at the same time, and are measured by turns. Both ends of the raw ones are programs that do nothing
 * else: a plain HTTP server of Node's, and load.c in the guest, which Boxcar's have too. Needs root.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Scope } from "../../src/base/scope.ts";
import { ADDRESSING } from "../../src/network/addressing.ts";
import { buildProgram } from "../fixtures/network/build-program.ts";
import { WORLD } from "../fixtures/network/outside-places.ts";
import { LARGE_BYTES } from "./network/bench-service.ts";
import { BenchWorld } from "./network/bench-world.ts";
import { WAYS, type Way } from "./network/carrier.ts";
import { GuestProcess } from "./network/guest-process.ts";
import { summarize } from "./report.ts";

const ROUNDS = 5;
const KEPT_REQUESTS = 200;
const NEW_CONNECTIONS = 60;
const CYCLES = 5;
const RAW: Readonly<Record<"user" | "namespace", Way>> = { user: "raw-user", namespace: "raw-tap" };

const SERVICE = [ADDRESSING.metadataAddress, ADDRESSING.metadataPort] as const;
const OUTSIDE = [WORLD.allowed, 80] as const;

interface Measure {
  readonly name: string;
  readonly unit: "MB/s" | "us";
  readonly job: readonly (string | number)[];
}

const MEASURES: readonly Measure[] = [
  { name: "service to guest", unit: "MB/s", job: ["get", ...SERVICE, "/bench/large"] },
  { name: "guest to service", unit: "MB/s", job: ["put", ...SERVICE, "/bench/sink", LARGE_BYTES] },
  { name: "small request, kept connection", unit: "us", job: ["kept", ...SERVICE, "/bench/small", KEPT_REQUESTS] },
  { name: "small request, new connection", unit: "us", job: ["new", ...SERVICE, "/bench/small", NEW_CONNECTIONS] },
  { name: "outside to guest", unit: "MB/s", job: ["get", ...OUTSIDE, "/large"] },
  { name: "guest to outside", unit: "MB/s", job: ["put", ...OUTSIDE, "/", LARGE_BYTES] },
  { name: "outside, small, kept connection", unit: "us", job: ["kept", ...OUTSIDE, "/", KEPT_REQUESTS] },
  { name: "outside, small, new connection", unit: "us", job: ["new", ...OUTSIDE, "/", NEW_CONNECTIONS] },
];

export interface NetworkRow {
  readonly mode: "user" | "namespace";
  readonly name: string;
  readonly unit: Measure["unit"];
  /** Of throughput the median; of requests p50 and p95. */
  readonly raw: readonly number[];
  readonly boxcar: readonly number[];
  /** How good Boxcar is beside the raw thing, by the first number: 1 is as good, 2 twice as good. */
  readonly share: number;
  readonly rounds: number;
}

export interface NetworkReport {
  readonly rows: NetworkRow[];
  /** Milliseconds, p50 and p95. */
  readonly setUp: Readonly<Record<string, readonly number[]>>;
}

export async function benchNetwork(rounds = ROUNDS): Promise<NetworkReport> {
  await using scope = new Scope();
  const folder = await mkdtemp(join(tmpdir(), "bxn-"));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  await buildProgram("load", folder);
  const world = scope.use(await BenchWorld.open());
  const guests: GuestProcess[] = [];
  for (const way of WAYS)
    guests.push(scope.use(await GuestProcess.start(way, world.prefix(way), join(folder, "load"))));
  const values = new Map<string, number[]>();
  const cycles: Record<string, number[]> = {};
  const add = (lists: Map<string, number[]>, key: string, more: readonly number[]) =>
    lists.set(key, [...(lists.get(key) ?? []), ...more]);
  for (let round = 0; round < rounds; round++) {
    for (const { name, unit, job } of MEASURES) {
      for (const guest of guests) {
        const times = await guest.load(job);
        add(values, `${guest.way} ${name}`, unit === "us" ? times : times.map((us) => LARGE_BYTES / us));
      }
    }
    for (const guest of guests.filter(({ way }) => way !== "raw-user")) {
      const times = await guest.cycles(CYCLES);
      cycles[`${guest.way}: made`] = [...(cycles[`${guest.way}: made`] ?? []), ...times.map(([made]) => made)];
      cycles[`${guest.way}: removed`] = [...(cycles[`${guest.way}: removed`] ?? []), ...times.map(([, gone]) => gone)];
    }
  }
  const rows = (["user", "namespace"] as const).flatMap((mode) =>
    MEASURES.map((measure) => toRow(mode, measure, (way) => values.get(`${way} ${measure.name}`) ?? [], rounds)),
  );
  return { rows, setUp: Object.fromEntries(Object.entries(cycles).map(([name, times]) => [name, spread(times)])) };
}

function toRow(
  mode: NetworkRow["mode"],
  { name, unit }: Measure,
  valuesOf: (way: Way) => readonly number[],
  rounds: number,
): NetworkRow {
  const [raw, boxcar] = [valuesOf(RAW[mode]), valuesOf(mode)].map((values) =>
    unit === "us" ? spread(values) : spread(values).slice(0, 1),
  ) as [number[], number[]];
  const [rawFirst = Number.NaN, boxcarFirst = Number.NaN] = [raw[0], boxcar[0]];
  const share = unit === "us" ? rawFirst / boxcarFirst : boxcarFirst / rawFirst;
  return { mode, name, unit, raw, boxcar, share, rounds };
}

function spread(values: readonly number[]): number[] {
  const { p50, p95 } = summarize(values);
  return [p50, p95];
}

export function formatNetworkReport({ rows, setUp }: NetworkReport): string {
  const line = (...[name = "", ...cells]: string[]) =>
    [name.padEnd(46), ...cells.map((cell) => cell.padStart(14))].join(" ");
  const numbers = (values: readonly number[]) => values.map((value) => value.toFixed(value < 10 ? 1 : 0)).join(" / ");
  return [
    line("network (raw of user: slirp; of namespace: tap)", "raw", "boxcar", "share of raw", "rounds"),
    ...rows.map(({ mode, name, unit, raw, boxcar, share, rounds }) =>
      line(`${mode}: ${name}, ${unit}`, numbers(raw), numbers(boxcar), share.toFixed(2), String(rounds)),
    ),
    ...Object.entries(setUp).map(([name, times]) => line(`network of ${name}, ms`, numbers(times))),
    "us are p50 / p95 of all requests; a share above 1 is better than raw",
    "raw: the same guest on QEMU's -netdev user (slirp, for mode user) or tap (for mode namespace, routed and masqueraded",
    "to the outside), and a plain HTTP server of Node's where Boxcar has its own",
  ].join("\n");
}
