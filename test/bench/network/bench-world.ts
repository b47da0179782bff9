/** Where the machines of the benchmark are: the host of an {@link OutsideWorld}, and a namespace for the raw tap device. */
import { Scope } from "../../../src/base/scope.ts";
import { Landmarks } from "../../fixtures/network/outside-programs.ts";
import { OutsideWorld } from "../../system/outside-world.ts";
import type { Way } from "./carrier.ts";

const FORWARD = "echo 1 > /proc/sys/net/ipv4/ip_forward";

export class BenchWorld implements AsyncDisposable {
  readonly #world: OutsideWorld;
  readonly #rawPid: number;
  readonly #scope: Scope;

  private constructor(world: OutsideWorld, rawPid: number, scope: Scope) {
    this.#world = world;
    this.#rawPid = rawPid;
    this.#scope = scope;
  }

  static async open(): Promise<BenchWorld> {
    await using scope = new Scope();
    const world = scope.use(await OutsideWorld.open());
    const raw = scope.use(await Landmarks.start("raw", () => {}));
    await world.exec(
      ["sh", "-ec", `${FORWARD}; ip -batch -; nft -f /dev/fd/3 3<<'END'\n${masquerade("wan")}\nEND`],
      hostSide(raw.pid),
    );
    const bench = new BenchWorld(world, raw.pid, scope.move());
    await bench.#inRaw(`${FORWARD}; ip -batch -; nft -f /dev/fd/3 3<<'END'\n${masquerade("up0")}\nEND`, RAW_SIDE);
    return bench;
  }

  /** In front of the command of a machine's process. */
  prefix(way: Way): string[] {
    if (way !== "raw-tap") return this.#world.prefix("/");
    return ["nsenter", `--net=/proc/${this.#rawPid}/ns/net`, "--"];
  }

  async #inRaw(script: string, input: string): Promise<void> {
    // From the host, which has the same programs: only the network is another one.
    await this.#world.exec(["nsenter", `--net=/proc/${this.#rawPid}/ns/net`, "--", "sh", "-ec", script], input);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

function hostSide(rawPid: number): string {
  return [
    `link add raw0 type veth peer name up0 netns ${rawPid}`,
    "address add 100.96.0.1/30 dev raw0",
    "link set raw0 up",
  ].join("\n");
}

/** As a host gives its machines the internet: routed and masqueraded. */
const RAW_SIDE = [
  "link set lo up",
  "address add 100.96.0.2/30 dev up0",
  "link set up0 up",
  "route add default via 100.96.0.1",
].join("\n");

function masquerade(device: string): string {
  return [
    "table ip bench {",
    "  chain post {",
    "    type nat hook postrouting priority srcnat",
    `    oifname "${device}" masquerade`,
    "  }",
    "}",
  ].join("\n");
}
