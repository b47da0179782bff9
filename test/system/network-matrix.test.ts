/**
 * What a machine reaches, under each policy and in each mode: rows are what it tries (matrix-probes.ts), columns policies.
 *
 * "ok" is an answer of the right one; "refused" a refusal at once, as by a port where nobody listens or a name that may not
 * be asked for; "no answer" is silence, "shut" either; "reset" an end after the connection was accepted, "cut" that or a
 * refusal. The other results are said as the guest sees them.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Scope } from "../../src/base/scope.ts";
import type { NetworkStats } from "../../src/network/guest-network.ts";
import { ALLOW, MATRIX_CONFIG, matrixScript, readResults } from "../fixtures/network/matrix-probes.ts";
import { HOST, WORLD } from "../fixtures/network/outside-places.ts";
import type { Boxcar, Finished } from "./boxcar.ts";
import { openOutsideBoxcar, PROBE } from "./outside-boxcar.ts";
import { OutsideWorld, whyNoOutsideWorld } from "./outside-world.ts";

const POLICIES = { isolated: "isolated", allow: { allow: ALLOW }, internet: "internet" } as const;
type Policy = keyof typeof POLICIES;

const MODES = [
  { mode: "user", rootless: true },
  { mode: "namespace", rootless: false },
  { mode: "namespace", rootless: true },
] as const;

const TABLE = `
                                           | isolated       | allow            | internet
metadata service                           | ok             | ok               | ok
metadata service, another port             | refused        | refused          | refused
gateway, another port                      | refused        | refused          | refused
gateway, ping                              | ok             | ok               | ok
another address of the network             | unreachable    | unreachable      | unreachable
its own address from outside               | shut           | shut             | shut

host loopback, raw                         | shut           | shut             | shut
host loopback by name                      | name: refused  | name: no address | name: no address
host LAN address                           | refused        | refused          | refused
host LAN address, UDP                      | refused        | refused          | refused
host link-local address                    | refused        | refused          | refused
host public address                        | refused        | refused          | refused
host public address, UDP                   | refused        | refused          | refused
host public address by name                | name: refused  | name: no address | name: no address
host public address, ping                  | no answer      | no answer        | no answer

LAN neighbour                              | refused        | refused          | refused
LAN neighbour, UDP                         | refused        | refused          | refused
LAN neighbour by name                      | name: refused  | name: no address | name: no address
private range                              | refused        | refused          | refused
link-local                                 | refused        | refused          | refused
CGNAT                                      | refused        | refused          | refused
cloud metadata by name                     | name: refused  | name: no address | name: no address
a virtual address of nobody                | refused        | cut              | refused
multicast                                  | no answer      | no answer        | no answer
limited broadcast, raw                     | shut           | shut             | shut

allowed name                               | name: refused  | ok               | ok
allowed name, another port                 | name: refused  | cut              | ok
allowed name, asked for another            | name: refused  | reset            | ok
allowed name, TCP echo                     | name: refused  | ok               | ok
allowed name, UDP echo                     | name: refused  | ok               | ok
allowed wildcard                           | name: refused  | ok               | ok
name with public and private addresses     | name: refused  | ok               | ok
name not allowed                           | name: refused  | name: refused    | ok
name of nobody                             | name: refused  | name: refused    | name: no such name
address of an allowed name                 | refused        | refused          | ok
address of an allowed name, UDP            | refused        | refused          | ok
address of an allowed name, ping           | no answer      | no answer        | no answer
address in an allowed subnet               | refused        | ok               | ok
address in an allowed subnet, UDP          | refused        | ok               | ok
address in an allowed subnet, another port | refused        | refused          | ok
public port where nobody listens           | refused        | refused          | reset

proxy, allowed name                        | refused        | ok               | ok
proxy, allowed name, another port          | refused        | refused          | ok
proxy, name not allowed                    | refused        | refused          | ok
proxy, public address                      | refused        | refused          | ok
proxy, host loopback                       | refused        | refused          | refused
proxy, host loopback by name               | refused        | refused          | refused
proxy, host public address                 | refused        | refused          | refused
proxy, cloud metadata                      | refused        | refused          | refused

DNS, allowed name                          | refused        | ok               | ok
DNS, allowed name, TCP                     | refused        | ok               | ok
DNS, allowed name, no IPv6                 | refused        | ok               | ok
DNS, name not allowed                      | refused        | refused          | ok
DNS, name of nobody                        | refused        | refused          | no such name
DNS, SRV of the world                      | refused        | refused          | ok
DNS, host of the configuration             | ok             | ok               | ok
DNS, SRV of the configuration              | ok             | ok               | ok
DNS, metadata.boxcar.internal              | ok             | ok               | ok
DNS, another resolver                      | refused (ICMP) | ok               | ok
DNS, another resolver, TCP                 | refused (TCP)  | ok               | ok
DNS, resolver of the LAN                   | refused (ICMP) | ok               | ok

IPv6 connection                            | no route       | no route         | no route
IPv6 router                                | no answer      | no answer        | no answer
IPv6 frames                                | no answer      | no answer        | no answer

own MAC and address                        | ok             | ok               | ok
another MAC                                | no answer      | no answer        | no answer
another source address                     | no answer      | no answer        | no answer
the gateway's source address               | no answer      | no answer        | no answer
the service's source address               | no answer      | no answer        | no answer
a public source address                    | no answer      | no answer        | no answer
a second address on the card               | no answer      | no answer        | no answer
ARP of its own                             | ok             | ok               | ok
ARP from another MAC                       | no answer      | no answer        | no answer
ARP from another address                   | no answer      | no answer        | no answer
ARP that claims the gateway                | sent           | sent             | sent
ARP that claims the service                | sent           | sent             | sent
DHCP of 2,000 clients                      | 0 answers      | 0 answers        | 0 answers
metadata service, after all that           | ok             | ok               | ok
gateway, ARP after all that                | ok             | ok               | ok
`;

/** Nobody hears anything from a machine but these: what is public, and not the host itself. */
const MAY_HEAR: readonly string[] = [WORLD.allowed, WORLD.other, WORLD.wild, WORLD.rebind, WORLD.subnet];

/** What a guest of one mode may see otherwise than one of the other: nothing gets through either way. */
const EITHER: Readonly<Record<string, readonly string[]>> = {
  shut: ["refused", "no answer"],
  cut: ["refused", "reset"],
};

const [heads = [], ...ROWS] = TABLE.trim()
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => line.split("|").map((cell) => cell.trim()));

/** As {@link TABLE} has it, so that a difference is read in the terms of the table. */
function column(policy: Policy, cell: (label: string, wanted: string) => string): string[] {
  const at = heads.indexOf(policy);
  return ROWS.map((row) => `${row[0]}: ${cell(row[0] ?? "", row[at] ?? "")}`);
}

describe.skipIf(whyNoOutsideWorld() !== undefined).each(MODES)("mode $mode, rootless: $rootless", (row) => {
  let scope: Scope;
  let world: OutsideWorld;
  let boxcar: Boxcar;
  const finished = new Map<Policy, Finished & { output: string }>();

  beforeAll(async () => {
    scope = new Scope();
    world = scope.use(await OutsideWorld.open());
    const config = { network: { ...MATRIX_CONFIG, mode: row.mode } };
    boxcar = scope.use(await openOutsideBoxcar(world, { rootless: row.rootless, config }));
    const command = ["bash", "-c", matrixScript(PROBE)];
    // Makes the snapshot of all.
    await boxcar.runTask({ command: ["true"] });
    const runs = (Object.keys(POLICIES) as Policy[]).map(async (policy) => {
      finished.set(policy, await boxcar.runTask({ command, network: POLICIES[policy] }));
    });
    await Promise.all(runs);
  }, 400_000);

  afterAll(() => scope[Symbol.asyncDispose]());

  it.each(Object.keys(POLICIES) as Policy[])("%s lets through what the table says", (policy) => {
    const run = finished.get(policy);
    expect(run?.result, run?.stderr).toMatchObject({ state: "completed", exitCode: 0 });
    const results = readResults(run?.stdout ?? "");
    const actual = column(policy, (label, wanted) => {
      const result = results.get(label) ?? "not tried";
      return EITHER[wanted]?.includes(result) ? wanted : result;
    });
    expect(actual).toEqual(column(policy, (_label, wanted) => wanted));
    expect(results.size, "each probe is a row").toBe(ROWS.length);
  });

  it.each(Object.keys(POLICIES) as Policy[])("%s counts what it drops", async (policy) => {
    const lines = (await readFile(join(finished.get(policy)?.output ?? "", "network.jsonl"), "utf8"))
      .trim()
      .split("\n");
    const { summary } = JSON.parse(lines.at(-1) ?? "{}") as { summary: { mode: string; stats: NetworkStats } };
    expect(summary.mode).toBe(row.mode);
    expect(summary.stats.refused).toBeGreaterThan(0);
    // Each SYN is sent again while there is no answer; each claim is 200 frames.
    expect(summary.stats.dropped).toMatchObject({
      "spoofed-mac": expect.toSatisfy((count: number) => count >= 200),
      "spoofed-address": expect.toSatisfy((count: number) => count >= 200),
      "rate-limited": expect.toSatisfy((count: number) => count >= 1_000),
    });
  });

  it("is heard by nobody but public servers", () => {
    const heard = [...world.heard].filter((what) => !MAY_HEAR.some((address) => what.includes(` ${address}:`)));
    expect(heard).toEqual([]);
    expect(world.heard).toContain(`world tcp ${WORLD.allowed}:80`);
    expect(world.heard).toContain(`world udp ${WORLD.allowed}:7007`);
    expect([...world.heard].filter((what) => what.includes(HOST.public))).toEqual([]);
  });

  it("leaves nothing", async () => {
    expect(await boxcar.leftovers()).toEqual([]);
  });
});
