/**
 * A real machine at the addresses of a worker's API. Its guest is a boot sector that prints each key on its screen and on
 * its serial console; shells are those of the real agent, on this host.
 */
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { WebSocket } from "ws";
import type { AuditEvent } from "../../../src/access/audit.ts";
import type { Principal } from "../../../src/access/principal.ts";
import type { Role } from "../../../src/access/role.ts";
import { Scope } from "../../../src/base/scope.ts";
import { createMachineApi } from "../../../src/cli/worker/machine-api.ts";
import { Keeper } from "../../../src/feature/interactive/keeper.ts";
import type { InteractiveRequest } from "../../../src/feature/interactive/request.ts";
import type { MachineOverrides } from "../../../src/generated/machine.ts";
import { GuestSession } from "../../../src/guest/guest-session.ts";
import type { TaskDetails } from "../../../src/queue/task-queue.ts";
import { resolveMachine } from "../../../src/vm/limits.ts";
import { VirtualMachine } from "../../../src/vm/virtual-machine.ts";
import { createApp } from "../../../src/web/api/app.ts";
import { SocketServer } from "../../../src/web/api/socket-server.ts";
import { HttpService } from "../../../src/web/server/service.ts";
import { LiveRuns } from "../../../src/worker/lookup/live-runs.ts";
import { type MachineSecret, TaskMachines } from "../../../src/worker/lookup/task-machines.ts";
import { RunMachine } from "../../../src/worker/run-machine.ts";
import { LogCollector } from "../guest/guest-harness.ts";

export const RUN = "/api/v1/tasks/a-task/runs/0";
export const SUBMITTER = "sue";

/**
 *     read a key: int 16h; print it: int 10h; out to the first serial port; again
 */
const ECHO = [0xb4, 0x00, 0xcd, 0x16, 0xb4, 0x0e, 0xcd, 0x10, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xf2];
/** Says "!" on the serial port first: who types before that is not heard. */
const READY = [0xba, 0xf8, 0x03, 0xb0, 0x21, 0xee];

export interface MachineServiceOptions {
  payload?: MachineOverrides;
  interactive?: InteractiveRequest;
  guest?: GuestSession;
  pingMs?: number;
}

interface Asked {
  /** `name:role`; default: nobody has logged in. */
  as?: string;
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

export class MachineService implements AsyncDisposable {
  readonly port: number;
  readonly vm: VirtualMachine;
  readonly machine: RunMachine;
  readonly shared: MachineSecret;
  readonly events: AuditEvent[];
  readonly #scope: Scope;

  private constructor(parts: Pick<MachineService, "port" | "vm" | "machine" | "shared" | "events">, scope: Scope) {
    this.port = parts.port;
    this.vm = parts.vm;
    this.machine = parts.machine;
    this.shared = parts.shared;
    this.events = parts.events;
    this.#scope = scope;
  }

  static async start({ payload, interactive, guest, pingMs }: MachineServiceOptions = {}): Promise<MachineService> {
    await using scope = new Scope();
    const directory = await mkdtemp(join(tmpdir(), "bx-web-"));
    scope.defer(() => rm(directory, { recursive: true }));
    const hardware = resolveMachine(
      { payload: { chipset: "pc", usb: "none", ...payload } },
      { maxMemory: 64, maxCPUs: 1, defaultThreads: 1 },
    );
    const vm = scope.use(await startMachine(directory, hardware));
    const session = guest ?? new GuestSession({ log: new LogCollector(), maxLogBytes: 0 });
    const keeper =
      interactive === undefined ? undefined : new Keeper({ keepAfterMs: 60_000, maxKeepAfterMs: 3_600_000 });
    const machine = new RunMachine({
      ...{ taskId: "a-task", runId: 0, hardware, machine: { vm, guest: session }, interactive, keeper, directory },
    });
    const locate = async ({ task, run }: { task: string; run: number | "latest" }) => {
      return { taskId: task, runId: run === "latest" ? 0 : run };
    };
    const runs = new LiveRuns();
    const machines = new TaskMachines({ locate }, runs);
    const live = () => (machine.hasEnded ? undefined : machine);
    runs.announce("a-task", 0, {
      get machine() {
        return live();
      },
    });
    const shared = machines.share(live);
    const events: AuditEvent[] = [];
    const { routes, sockets } = createMachineApi({
      machines,
      tasks: { show: async () => ({ submitter: SUBMITTER }) as TaskDetails },
      audit: { record: (event) => void events.push(event) },
    });
    const authenticate = async ({ headers }: IncomingMessage) => principalOf(headers["x-principal"]);
    const server = scope.use(
      new SocketServer({ routes: sockets, authenticate, ...(pingMs === undefined ? {} : { pingMs }) }),
    );
    const service = scope.use(
      await HttpService.listen({ host: "127.0.0.1", port: 0 }, createApp({ routes, authenticate }), (...upgrade) =>
        server.upgrade(...upgrade),
      ),
    );
    return new MachineService({ port: service.port as number, vm, machine, shared, events }, scope.move());
  }

  /** An answer, whole. */
  async ask(path: string, { as, method = "GET", body, headers = {} }: Asked = {}) {
    const json = method === "GET" ? {} : { "Content-Type": "application/json" };
    const asked = request({
      ...{ port: this.port, path: `${RUN}${path}`, method, agent: false },
      headers: { ...json, ...(as === undefined ? {} : { "X-Principal": as }), ...headers },
    });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    const content = await buffer(response);
    const isJson = /json/.test(response.headers["content-type"] ?? "");
    const { statusCode: status, headers: sent } = response;
    return { status, headers: sent, content, json: isJson ? JSON.parse(content.toString()) : undefined };
  }

  connect(path: string, { as, origin }: { as?: string; origin?: string } = {}): WebSocket {
    // noVNC names its protocol, terminals do not.
    const protocols = path.includes("/display") ? ["binary"] : [];
    const client = new WebSocket(`ws://127.0.0.1:${this.port}${path}`, protocols, {
      perMessageDeflate: false,
      headers: as === undefined ? {} : { "X-Principal": as },
      ...(origin === undefined ? {} : { origin }),
    });
    client.on("error", () => {});
    return client;
  }

  /** How a websocket is refused. */
  async refusal(path: string, options: { as?: string; origin?: string } = {}) {
    const client = this.connect(path, options);
    const [, response] = (await once(client, "unexpected-response")) as [unknown, IncomingMessage];
    const { code } = JSON.parse((await buffer(response)).toString()) as { code: string };
    client.terminate();
    return { status: response.statusCode, code };
  }

  /** What was typed into the machine. */
  get typed(): string {
    return this.vm.console.tail.replace(/^[^!]*!/s, "");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

function principalOf(header: string | string[] | undefined): Principal | undefined {
  if (typeof header !== "string") return undefined;
  const [name = "", role] = header.split(":");
  return { name, role: role as Role, via: "token" };
}

async function startMachine(directory: string, machine: ReturnType<typeof resolveMachine>): Promise<VirtualMachine> {
  const own = join(directory, "own");
  await mkdir(own);
  const diskFile = join(own, "disk.img");
  const sector = Buffer.alloc(1_048_576);
  sector.set([...READY, ...ECHO]);
  sector.set([0x55, 0xaa], 510);
  await writeFile(diskFile, sector);
  return await VirtualMachine.start({
    qemuBinary: "qemu-system-x86_64",
    cacheDirectory: directory,
    accelerator: "tcg",
    machine,
    disk: { diskFile, format: "raw", directBoot: undefined },
    network: {
      enter: [],
      netdev: (id, fd) => `stream,id=${id},server=off,addr.type=fd,addr.str=${fd}`,
      connect: (link) => void link.resume(),
    },
    runDirectory: join(own, "run"),
    resources: new Scope(),
  });
}
