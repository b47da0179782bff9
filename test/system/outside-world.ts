/**
 * A host with a network around it, for Boxcar to run on: two network namespaces without names, joined by two cables.
 *
 *   host ── wan (45.79.0.0/24, IPv6, the way out) ── world: the internet, a resolver, another resolver
 *        └─ lan (192.168.77.0/24, 169.254.0.0/16) ── world: neighbours, a cloud's metadata service
 *
 * Servers answer on every address and say who they are (test/fixtures/network/landmarks.ts), the host's own and loopback
 * included; what they hear is in {@link OutsideWorld.heard}. Needs root. The true network of this host is not touched, and
 * all of it is gone with the two programs that hold the namespaces.
 *
 * *Owns* those programs and the resolvers. Who runs Boxcar in it ends that before.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { Scope } from "../../src/base/scope.ts";
import { hostLinks, worldLinks } from "../fixtures/network/outside-links.ts";
import { HOST, LIE, NAMES, SERVICE, WORLD } from "../fixtures/network/outside-places.ts";
import { ADMINISTRATOR, Landmarks, Resolver } from "../fixtures/network/outside-programs.ts";

/** Why this machine cannot have one; undefined if it can. */
export function whyNoOutsideWorld(): string | undefined {
  return process.getuid?.() === 0 ? undefined : "needs root";
}

export class OutsideWorld implements AsyncDisposable {
  /** Process whose namespaces (network, mounts) are the host's. */
  readonly hostPid: number;
  /** What the servers have heard, as `host tcp 127.0.0.1:80`. */
  readonly heard: ReadonlySet<string>;
  /** What the resolver of the world was asked, as `query[A] allowed.example`. */
  readonly queries: ReadonlySet<string>;
  readonly #hearsay: Hearsay;
  readonly #world: Landmarks;
  readonly #scope: Scope;

  private constructor(
    parts: { host: Landmarks; world: Landmarks; hearsay: Hearsay; queries: Set<string> },
    scope: Scope,
  ) {
    this.hostPid = parts.host.pid;
    this.heard = parts.hearsay.heard;
    this.queries = parts.queries;
    this.#hearsay = parts.hearsay;
    this.#world = parts.world;
    this.#scope = scope;
  }

  static async open(): Promise<OutsideWorld> {
    await using scope = new Scope();
    const [hearsay, queries] = [new Hearsay(), new Set<string>()];
    const host = scope.use(await Landmarks.start("host", (what) => hearsay.add(`host ${what}`)));
    const world = scope.use(await Landmarks.start("world", (what) => hearsay.add(`world ${what}`)));
    await execa(...within(host.pid, ["ip", "-batch", "-"]), { env: ADMINISTRATOR, input: hostLinks(world.pid) });
    await execa(...within(world.pid, ["ip", "-batch", "-"]), { env: ADMINISTRATOR, input: worldLinks() });
    await furnish(host.pid);
    await world.listen(Object.values(WORLD));
    await host.listen(Object.values(HOST));
    const zone = Object.entries(NAMES).flatMap(([name, all]) => all.map((one) => `--host-record=${name},${one}`));
    const service = `--srv-host=${SERVICE.name},${SERVICE.target},${SERVICE.port}`;
    const known = [...zone, service, "--local=/#/", "--log-queries"];
    scope.use(await Resolver.start(world.pid, WORLD.dns, known, (query) => queries.add(query)));
    scope.use(await Resolver.start(world.pid, WORLD.otherResolver, [`--address=/#/${LIE}`], () => {}));
    return new OutsideWorld({ host, world, hearsay, queries }, scope.move());
  }

  /** In front of a command, runs that on the host, in that folder. */
  prefix(directory: string): string[] {
    const [file, args] = within(this.hostPid, []);
    return [file, `--wdns=${directory}`, ...args];
  }

  /** Runs a command on the host; resolves with what it prints. */
  async exec(command: readonly string[], input = ""): Promise<string> {
    return (await execa(...within(this.hostPid, command), { env: ADMINISTRATOR, input })).stdout;
  }

  /** Resolves when so many wait at a gate of the world's, which they ask for as `/gate/NAME/…`. */
  async untilAtGate(name: string, count: number): Promise<void> {
    await this.#hearsay.until(
      (heard) => heard.filter((what) => what.startsWith(`world gate ${name}/`)).length >= count,
    );
  }

  openGate(name: string): void {
    this.#world.openGate(name);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

class Hearsay {
  readonly heard = new Set<string>();
  #changed = Promise.withResolvers<void>();

  add(what: string): void {
    this.heard.add(what);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  async until(condition: (heard: readonly string[]) => boolean): Promise<void> {
    while (!condition([...this.heard])) await this.#changed.promise;
  }
}

function within(pid: number, command: readonly string[]): [string, string[]] {
  return ["nsenter", [`--net=/proc/${pid}/ns/net`, `--mount=/proc/${pid}/ns/mnt`, "--", ...command]];
}

/** Lets everybody on the host make tap devices, and tells it who resolves names. */
async function furnish(pid: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "boxcar-outside-"));
  const file = join(directory, "resolv.conf");
  try {
    await writeFile(file, `nameserver ${WORLD.dns}\n`);
    const script = [
      "set -e",
      "mount -t tmpfs -o mode=755 tmpfs /dev/net",
      "mknod -m 666 /dev/net/tun c 10 200",
      'mount --bind "$1" /etc/resolv.conf',
    ];
    await execa(...within(pid, ["sh", "-c", script.join("\n"), "sh", file]));
  } finally {
    await rm(directory, { recursive: true });
  }
}
