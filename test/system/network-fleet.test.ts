/**
 * Machines beside each other in both modes, on the host of an {@link OutsideWorld}: they are told apart, do not hear each
 * other, do not notice what others do to the host's firewall, and leave nothing.
 *
 * They wait for each other and for the test at gates, which a server of the world has.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Scope } from "../../src/base/scope.ts";
import { FIRST_RULES, OTHERS_RULES } from "../fixtures/network/firewalls.ts";
import { HOST, WORLD } from "../fixtures/network/outside-places.ts";
import type { Boxcar } from "./boxcar.ts";
import { type HostState, inspectHost } from "./host-state.ts";
import { openOutsideBoxcar, PROBE } from "./outside-boxcar.ts";
import { OutsideWorld, whyNoOutsideWorld } from "./outside-world.ts";
import { end, WorkerProcesses } from "./worker-process.ts";

const MODES = [
  { mode: "user", rootless: true },
  { mode: "namespace", rootless: false },
  { mode: "namespace", rootless: true },
] as const;

const MACHINES = 20;

/** Waits at a gate. */
const GATE = [
  "gate() {",
  `  exec 3<>/dev/tcp/${WORLD.allowed}/80`,
  `  printf 'GET /gate/%s HTTP/1.0\\r\\nHost: ${WORLD.allowed}\\r\\n\\r\\n' "$1" >&3`,
  "  cat <&3 > /dev/null",
  "  exec 3>&-",
  "}",
];

function probes(lines: readonly (readonly (string | number)[])[]): string[] {
  return [`${PROBE} << 'END'`, ...lines.map((words) => words.join("\t")), "END"];
}

/** Says who it is, and hears whether anybody else shouts when all are there. */
function gregarious(name: string): string {
  return [
    ...GATE,
    `echo "name: ${name}"`,
    'echo "card: $(cat /sys/class/net/e*/address) $(ip -4 -oneline address show scope global | tr -s " " | cut -d" " -f4)"',
    `printf 'others\\thear\\tshout-of-a-machine\\t/tmp/end\\ngate\\thear\\tthe gate is open\\t/tmp/end\\n' | ${PROBE} > /tmp/heard &`,
    "until [ -e /tmp/end.up ]; do sleep 0.05; done",
    `gate up/${name}`,
    ...probes([["shout", "shout", `shout-of-a-machine-${name}`, 40]]),
    `gate shouted/${name}`,
    ...probes([
      ["service", "http", "169.254.169.254", 80, "/engine/v1/ping"],
      ["outside", "http", WORLD.other, 80],
    ]),
    "touch /tmp/end",
    "wait",
    "cat /tmp/heard",
  ].join("\n");
}

/** Tries the same before and after the test has opened a gate. */
function steadfast(name: string): string {
  const tries = probes([
    ["service", "http", "169.254.169.254", 80, "/engine/v1/ping"],
    ["outside", "http", WORLD.other, 80],
    ["UDP", "udp", WORLD.other, 7_007],
    ["name", "http", "sub.wild.example", 8_080],
    ["LAN", "http", WORLD.lanNeighbour, 8_080],
    ["host", "http", HOST.public, 8_080],
    ["forged", "syn", "02:66:66:66:66:66", "10.0.2.15", "169.254.169.254", 80],
  ]);
  return [...GATE, ...tries, `gate rules/${name}`, "echo and then", ...tries].join("\n");
}

const TRIED = [
  "LAN\trefused",
  "UDP\tok world 45.79.1.20:7007 echo",
  "forged\tno answer",
  "host\trefused",
  "name\tok world 45.79.1.30:8080",
  "outside\tok world 45.79.1.20:80",
  "service\tok ",
];

describe.skipIf(whyNoOutsideWorld() !== undefined).each(MODES)(
  "mode $mode, rootless: $rootless",
  ({ mode, rootless }) => {
    let scope: Scope;
    let world: OutsideWorld;
    let boxcar: Boxcar;
    let workers: WorkerProcesses;
    let before: HostState;

    beforeAll(async () => {
      scope = new Scope();
      world = scope.use(await OutsideWorld.open());
      boxcar = scope.use(await openOutsideBoxcar(world, { rootless, config: {} }));
      const network = { mode, dns: { servers: [WORLD.dns] } };
      const worker = { capacity: MACHINES, reserve: { diskGiB: 0 } };
      workers = await WorkerProcesses.open(boxcar, { network, worker });
    });

    afterAll(() => scope[Symbol.asyncDispose]());

    beforeEach(async () => {
      await world.exec(["nft", "-f", "-"], `flush ruleset\n${FIRST_RULES}`);
      before = await inspectHost(world);
    });

    const submit = (script: string) => workers.submit("", { command: ["bash", "-c", script], network: "internet" });

    it(`${MACHINES} machines at once talk, are told apart, and leave nothing`, async () => {
      const names = Array.from({ length: MACHINES }, (_, index) => `machine-${index}`);
      const ids: string[] = [];
      for (const name of names) ids.push(await submit(gregarious(name)));
      const { worker } = await workers.start();
      await world.untilAtGate("up", MACHINES);
      const during = await inspectHost(world);
      expect(await boxcar.machines()).toHaveLength(MACHINES);
      expect(during.network).toEqual(before.network);
      world.openGate("up");
      await world.untilAtGate("shouted", MACHINES);
      world.openGate("shouted");

      const cards = new Set<string>();
      const logs = await Promise.all(ids.map((taskId) => workers.follow(taskId)));
      for (const [index, taskId] of ids.entries()) {
        const log = logs[index] ?? "";
        expect(await workers.ended(taskId), log).toMatchObject({ state: "completed" });
        const lines = log.split("\n");
        expect(lines.filter((line) => line.startsWith("name: "))).toEqual([`name: ${names[index]}`]);
        expect(lines).toEqual(
          expect.arrayContaining(["service\tok ", "outside\tok world 45.79.1.20:80", "others\t0 frames"]),
        );
        expect(log, "it could have heard").toMatch(/^gate\t[1-9]\d* frames$/m);
        cards.add(lines.find((line) => line.startsWith("card: ")) ?? "none");
      }
      expect([...cards]).toEqual([expect.stringMatching(/^card: [0-9a-f:]{17} 10\.0\.2\.15\/24$/)]);
      expect((await end(worker)).exitCode).toBe(0);
      expect(await inspectHost(world)).toEqual(before);
      expect(await boxcar.leftovers()).toEqual([]);
    }, 400_000);

    it("others may change the rules of the host as they like", async () => {
      const taskId = await submit(steadfast("one"));
      const { worker } = await workers.start();
      await world.untilAtGate("rules", 1);
      await world.exec(["nft", "-f", "-"], OTHERS_RULES);
      const changed = await world.exec(["nft", "list", "ruleset"]);
      world.openGate("rules");
      const log = await workers.follow(taskId);
      const [first = [], then = []] = log.split("and then\n").map((part) =>
        part
          .split("\n")
          .filter((line) => line.includes("\t"))
          .sort(),
      );
      expect(first).toEqual(TRIED);
      expect(then).toEqual(TRIED);
      expect(changed).toContain("DOCKER-USER");
      expect(await world.exec(["nft", "list", "ruleset"])).toBe(changed);
      // And a machine that starts among them.
      const other = await submit(probes([["outside", "http", WORLD.other, 80]]).join("\n"));
      expect(await workers.follow(other)).toContain("outside\tok world 45.79.1.20:80");
      expect((await end(worker)).exitCode).toBe(0);
      expect(await inspectHost(world)).toEqual({ ...before, network: { ...before.network, nftables: changed } });
    });

    // The last, since its tasks wait in the queue to be run again.
    it("a worker that is killed takes all of it along", async () => {
      const names = ["one", "two", "three"];
      for (const name of names) await submit([...GATE, `gate alive/${name}`].join("\n"));
      const { worker } = await workers.start();
      await world.untilAtGate("alive", names.length);
      const during = await inspectHost(world);
      expect(await boxcar.machines()).toHaveLength(names.length);
      expect(during.namespaces).toHaveLength(mode === "namespace" ? names.length + 1 : 1);
      await end(worker, "SIGKILL");
      // Nobody is left who could tidy up: the kernel does. The database of the queue outlives whoever uses it.
      const ofMachines = async () =>
        (await inspectHost(world)).processes.filter((command) => !/postgres/.test(command));
      while ((await ofMachines()).length > 0);
      expect((await inspectHost(world)).network).toEqual(before.network);
      // It ends with who uses it next.
      expect(await workers.run("queue", "list")).toMatchObject({ exitCode: 0 });
      expect(await inspectHost(world)).toEqual(before);
    });
  },
);
