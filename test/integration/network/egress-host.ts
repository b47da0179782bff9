/**
 * A host and the world it is connected with, in two network namespaces without names, with the same servers in both: what
 * must not be reached would answer. Scenarios (test/fixtures/network/egress-scenarios.ts) run on the host. Needs root.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { Scope } from "../../../src/base/scope.ts";
import { PLACES } from "../../fixtures/network/egress-places.ts";

const FIXTURES = fileURLToPath(new URL("../../fixtures/network/", import.meta.url));
const ENVIRONMENT = { PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
/** What hangs must not outlive its test. */
const TIMEOUT_MS = 50_000;

export function whyNoEgressHost(): string | undefined {
  return process.getuid?.() === 0 ? undefined : "needs root";
}

export class EgressHost implements AsyncDisposable {
  readonly #pid: number;
  readonly #scope: Scope;

  private constructor(pid: number, scope: Scope) {
    this.#pid = pid;
    this.#scope = scope;
  }

  static async open(): Promise<EgressHost> {
    await using scope = new Scope();
    const host = scope.use(await Servers.start("host"));
    const world = scope.use(await Servers.start("world"));
    await ip(host.pid, [
      "link set lo up",
      `link add cable type veth peer name cable netns ${world.pid}`,
      `address add ${PLACES.host}/24 dev cable`,
      "link set cable up",
      `route add default via ${PLACES.world}`,
    ]);
    const behind = [PLACES.allowed, PLACES.other, PLACES.private, PLACES.cloud];
    await ip(world.pid, [
      "link set lo up",
      ...behind.map((address) => `address add ${address}/32 dev lo`),
      `address add ${PLACES.world}/24 dev cable`,
      "link set cable up",
    ]);
    await Promise.all([host.listen(), world.listen()]);
    return new EgressHost(host.pid, scope.move());
  }

  /** What a scenario has found out. */
  async run(scenario: string): Promise<unknown> {
    const command = [process.execPath, `${FIXTURES}egress-scenarios.ts`, scenario];
    const { stdout } = await execa("nsenter", [`--net=/proc/${this.#pid}/ns/net`, "--", ...command], {
      timeout: TIMEOUT_MS,
      killSignal: "SIGKILL",
    });
    return JSON.parse(stdout);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

async function ip(pid: number, lines: readonly string[]): Promise<void> {
  const args = [`--net=/proc/${pid}/ns/net`, "--", "ip", "-batch", "-"];
  await execa("nsenter", args, { env: ENVIRONMENT, input: lines.join("\n") });
}

/** A network namespace, held by the program that serves in it, which waits for a first line before it does. */
class Servers implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(name: string): Promise<Servers> {
    const script = 'echo held; read -r _; exec "$@"';
    const servers = [process.execPath, `${FIXTURES}egress-servers.ts`, name];
    const command = ["--pdeathsig", "KILL", "--", "unshare", "--net", "--", "sh", "-c", script, "sh", ...servers];
    const child = spawn("setpriv", command, { stdio: ["pipe", "pipe", "inherit"] });
    const self = new Servers(child);
    await self.#until("held");
    return self;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  async listen(): Promise<void> {
    this.#child.stdin?.write("go\n");
    await this.#until("ready");
  }

  async #until(word: string): Promise<void> {
    const ended = once(this.#child, "exit").then(() => ["it has ended"]);
    const [said] = await Promise.race([once(this.#child.stdout as NodeJS.EventEmitter, "data"), ended]);
    if (!String(said).includes(word)) throw new Error(`instead of ${word}: ${said}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }
}
