/** Machines that stay, over the API: who may do what, what comes of it, and what is remembered. */
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import type { AuditEvent } from "../../../src/access/audit.ts";
import type { Principal } from "../../../src/access/principal.ts";
import { ROLES, type Role } from "../../../src/access/role.ts";
import { Scope } from "../../../src/base/scope.ts";
import { createVmApi } from "../../../src/cli/worker/vm-api.ts";
import type { ApiVm } from "../../../src/generated/api.ts";
import { encodeShellMessage, parseShellOutput } from "../../../src/guest/shell-protocol.ts";
import type { QueueEvent } from "../../../src/queue/queue-events.ts";
import type { TaskDetails } from "../../../src/queue/task-queue.ts";
import { auditRequests } from "../../../src/web/access/audited.ts";
import { createApp } from "../../../src/web/api/app.ts";
import { SocketServer } from "../../../src/web/api/socket-server.ts";
import { HttpService } from "../../../src/web/server/service.ts";
import { FakeHypervisor, GREETING, PICTURE } from "../../fakes/fake-hypervisor.ts";

const DEV = "c2ed88810327";
const COPY = "c2ef00112233";
const BARE = "0aa0bb0cc0dd";
const SUBMITTER = "sue";
const VIEWER = "vera:viewer";
const OPERATOR = "olga:operator";
const ADMIN = "ada:admin";

interface World extends AsyncDisposable {
  readonly port: number;
  readonly hypervisor: FakeHypervisor;
  readonly audited: AuditEvent[];
  readonly told: Exclude<QueueEvent, { kind: "task" }>[];
}

let world: World;

beforeEach(async () => {
  await world?.[Symbol.asyncDispose]();
  world = await open();
});

afterAll(() => world[Symbol.asyncDispose]());

async function open(resumeRoles: readonly Role[] = ["submitter", "operator", "admin"]): Promise<World> {
  await using scope = new Scope();
  const from = { snapshot: "5d2f0c4c11ab", task: { taskId: "a-task", runId: 1, reason: "exit code 1" } };
  const hypervisor = scope.use(
    await FakeHypervisor.start([
      { id: DEV, name: "dev" },
      { id: COPY, from },
      { id: BARE, graphics: "none" },
    ]),
  );
  const audited: AuditEvent[] = [];
  const told: World["told"] = [];
  const audit = { record: (event: AuditEvent) => void audited.push(event) };
  const { routes, sockets } = scope.use(
    createVmApi({
      ...{ hypervisor: async () => hypervisor, workerId: "host-1", audit, resumeRoles },
      tasks: { show: async () => ({ submitter: SUBMITTER }) as TaskDetails },
      events: { publish: (event) => void told.push(event) },
    }),
  );
  const authenticate = async (incoming: IncomingMessage) => principalOf(incoming);
  const observe = auditRequests({ audit, authenticator: { principalOf, addressOf: () => undefined } });
  const server = scope.use(new SocketServer({ routes: sockets, authenticate }));
  const service = scope.use(
    await HttpService.listen(
      { host: "127.0.0.1", port: 0 },
      createApp({ routes, authenticate, observe }),
      (...upgrade) => server.upgrade(...upgrade),
    ),
  );
  const owned = scope.move();
  const dispose = () => owned[Symbol.asyncDispose]();
  return { port: service.port as number, hypervisor, audited, told, [Symbol.asyncDispose]: dispose };
}

/** `name:role`. */
function principalOf({ headers }: IncomingMessage): Principal | undefined {
  const header = headers["x-principal"];
  if (typeof header !== "string") return undefined;
  const [name = "", role] = header.split(":");
  return { name, role: role as Role, via: "token" };
}

interface Asked {
  as?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** @param what Method, and path below that of the machines. */
async function ask(what: string, { as, body, headers = {} }: Asked = {}) {
  const [method = "", path = ""] = what.split(" ");
  const json = method === "GET" ? {} : { "Content-Type": "application/json" };
  const asked = request({
    ...{ port: world.port, path: `/api/v1/vms${path}`, method, agent: false },
    headers: { ...json, ...(as === undefined ? {} : { "X-Principal": as }), ...headers },
  });
  asked.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const content = await buffer(response);
  const isJson = /json/.test(response.headers["content-type"] ?? "");
  const { statusCode: status, headers: sent } = response;
  return { status, headers: sent, content, json: (isJson ? JSON.parse(content.toString()) : undefined) as unknown };
}

async function statusOf(what: string, as: string | undefined, body?: unknown): Promise<number | undefined> {
  return (await ask(what, { ...(as === undefined ? {} : { as }), body })).status;
}

/** Somebody at a websocket. */
class Client {
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly messages: Buffer[] = [];

  constructor(path: string, as?: string) {
    const headers = as === undefined ? {} : { "X-Principal": as };
    this.socket = new WebSocket(`ws://127.0.0.1:${world.port}/api/v1/vms${path}`, {
      headers,
      perMessageDeflate: false,
    });
    this.socket.on("error", () => {});
    this.socket.on("message", (data: Buffer) => this.messages.push(data));
    this.closed = new Promise((resolve) => {
      this.socket.once("close", (code: number, reason: Buffer) => resolve({ code, reason: reason.toString() }));
    });
  }

  get text(): string {
    return Buffer.concat(this.messages).toString();
  }

  async says(text: string): Promise<void> {
    await vi.waitFor(() => expect(this.text).toContain(text), 10_000);
  }
}

async function refusal(path: string, as?: string): Promise<{ status: number | undefined; code: string }> {
  const { socket } = new Client(path, as);
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  const { code } = JSON.parse((await buffer(response)).toString()) as { code: string };
  socket.terminate();
  return { status: response.statusCode, code };
}

async function ticket(body: object, vm = DEV): Promise<string> {
  const { json } = await ask(`POST /${vm}/links`, { as: OPERATOR, body });
  return (json as { ticket: string }).ticket;
}

describe("machines that stay", () => {
  it("are listed, and found by id, name, or the beginning of an id", async () => {
    await world.hypervisor.start(DEV);
    const { json, headers } = await ask("GET ", { as: VIEWER });
    expect(headers["cache-control"]).toBe("no-store");
    expect((json as ApiVm[]).map(({ id, state }) => [id, state])).toEqual([
      [DEV, "running"],
      [COPY, "created"],
      [BARE, "created"],
    ]);
    const known = { id: DEV, name: "dev", worker: "host-1", state: "running", shell: true, display: true, cpus: 1 };
    for (const ref of [DEV, "dev", "c2ed"]) {
      expect((await ask(`GET /${ref}`, { as: VIEWER })).json).toMatchObject({ ...known, memoryMiB: 64 });
    }
    expect((await ask(`GET /${COPY}`, { as: VIEWER })).json).toMatchObject({
      from: { snapshot: "5d2f0c4c11ab", task: { taskId: "a-task", runId: 1 } },
    });
    expect((await ask(`GET /${BARE}`, { as: VIEWER })).json).toMatchObject({ display: false });
  });

  it.each([
    ["%2e%2e%2f%2e%2e%2fetc", 404],
    ["..%2F..%2Fetc%2Fpasswd", 404],
    ["__proto__", 404],
    ["constructor", 404],
    ["%00", 400],
    ["%E0%A4%A", 400],
    ["-rf", 404],
    ["c2", 404],
    ["c2e", 409],
    ["A".repeat(5_000), 404],
    ["%F0%9F%92%A9", 404],
  ])("are not what %s names", async (ref, status) => {
    for (const what of [`GET /${ref}`, `POST /${ref}/start`, `DELETE /${ref}`, `GET /${ref}/screen`]) {
      const answer = await ask(what, { as: ADMIN, body: what.startsWith("POST") ? {} : undefined });
      expect(answer.status, what).toBe(status);
      expect(answer.content.length).toBeLessThan(1_000);
    }
    expect((await refusal(`/${ref}/shell`, ADMIN)).status).toBe(status);
    expect(await world.hypervisor.list()).toHaveLength(3);
  });

  it("are started, held, let go on and stopped", async () => {
    const states: unknown[] = [];
    for (const verb of ["start", "start", "pause", "pause", "resume", "stop", "stop"]) {
      const { status, json } = await ask(`POST /dev/${verb}`, { as: OPERATOR, body: {} });
      states.push([status, (json as ApiVm).state]);
    }
    const [runs, paused, stopped] = ["running", "paused", "stopped"].map((state) => [200, state]);
    expect(states).toEqual([runs, runs, paused, paused, runs, stopped, stopped]);
    for (const verb of ["pause", "resume"]) {
      const { status, json } = await ask(`POST /dev/${verb}`, { as: OPERATOR, body: {} });
      expect([status, json]).toMatchObject([409, { code: "vm-state" }]);
    }
    expect(await statusOf("POST /dev/stop", OPERATOR, { force: "yes" })).toBe(400);
    expect(await statusOf("POST /dev/stop", OPERATOR, { force: true })).toBe(200);
  });

  it("are removed, and one that runs only by who says so", async () => {
    await world.hypervisor.start(DEV);
    expect(await statusOf("DELETE /dev", ADMIN)).toBe(409);
    expect(await statusOf("DELETE /dev?force=1", ADMIN)).toBe(204);
    expect(await statusOf("GET /dev", VIEWER)).toBe(404);
    expect(world.audited.map(({ action, target, outcome }) => [action, target, outcome])).toEqual([
      ["removeVm", `vms/${DEV}`, "refused"],
      ["removeVm", `vms/${DEV}`, "ok"],
    ]);
  });

  it("are told of while somebody looks", async () => {
    await ask("GET ", { as: VIEWER });
    await world.hypervisor.list();
    // What is there when somebody begins to look is no news.
    await vi.waitFor(async () => {
      await world.hypervisor.start(DEV);
      await world.hypervisor.stop(DEV);
      expect(world.told.length).toBeGreaterThan(0);
    }, 10_000);
    const facts = { kind: "machine", workerId: "host-1", machine: DEV, change: "changed" };
    expect(world.told[0]).toMatchObject(facts);
  });
});

describe("who may do what with a machine that stays", () => {
  const people: Record<string, string | undefined> = {
    nobody: undefined,
    ...Object.fromEntries(ROLES.map((role) => [role, `x:${role}`])),
    "submitter of its task": `${SUBMITTER}:submitter`,
  };

  it.each(Object.entries(people))("%s", async (who, as) => {
    await world.hypervisor.start(DEV);
    await world.hypervisor.start(COPY);
    const isKnown = as !== undefined;
    const controls = who === "operator" || who === "admin";
    const owns = controls || who === "submitter of its task";
    const refused = isKnown ? 403 : 401;
    const of = (allowed: boolean, status: number) => (allowed ? status : refused);
    expect(await statusOf("GET ", as)).toBe(of(isKnown, 200));
    expect(await statusOf(`GET /${DEV}`, as)).toBe(of(isKnown, 200));
    expect(await statusOf(`GET /${DEV}/screen`, as)).toBe(of(isKnown, 200));
    for (const [vm, allowed] of [
      [DEV, controls],
      [COPY, owns],
    ] as const) {
      for (const verb of ["start", "pause", "resume"]) {
        expect(await statusOf(`POST /${vm}/${verb}`, as, {}), verb).toBe(of(allowed, 200));
      }
      expect(await statusOf(`POST /${vm}/links`, as, { kind: "shell" })).toBe(of(allowed, 201));
      for (const path of ["shell", "display?mode=control", "console?mode=control"]) {
        if (!allowed) expect((await refusal(`/${vm}/${path}`, as)).status, path).toBe(refused);
      }
    }
    expect(await statusOf(`POST /${DEV}/stop`, as, {})).toBe(of(controls, 200));
    expect(await statusOf(`DELETE /${DEV}`, as)).toBe(who === "admin" ? 204 : refused);
    expect(await statusOf(`DELETE /${COPY}?force=1`, as)).toBe(of(owns, 204));
    const forbidden = world.audited.filter(({ outcome }) => outcome === "refused");
    // Nobody in particular is not remembered.
    expect(forbidden.length > 0).toBe(isKnown && who !== "admin");
  });

  it("is not who submitted its task where such as he may resume none", async () => {
    await world[Symbol.asyncDispose]();
    world = await open(["operator", "admin"]);
    expect(await statusOf(`POST /${COPY}/start`, `${SUBMITTER}:submitter`, {})).toBe(403);
    expect(await statusOf(`DELETE /${COPY}`, `${SUBMITTER}:submitter`)).toBe(403);
    expect(await statusOf(`POST /${COPY}/start`, OPERATOR, {})).toBe(200);
  });

  it("is also who has a link, once, for what it was made for", async () => {
    await world.hypervisor.start(DEV);
    await world.hypervisor.start(COPY);
    const { status, json } = await ask("POST /dev/links", { as: OPERATOR, body: { kind: "console", mode: "control" } });
    expect([status, json]).toMatchObject([201, { path: expect.stringContaining(`vm=${DEV}&worker=host-1`) }]);
    const { ticket: good } = json as { ticket: string };
    const client = new Client(`/${DEV}/console?ticket=${good}`);
    await client.says("login: ");
    client.socket.send(Buffer.from("root\n"));
    await client.says("root");
    client.socket.close();
    expect(await refusal(`/${DEV}/console?ticket=${good}`)).toEqual({ status: 403, code: "link-not-valid" });
    const forShell = await ticket({ kind: "shell" });
    expect(await refusal(`/${DEV}/display?ticket=${forShell}`)).toMatchObject({ status: 403 });
    expect(await refusal(`/${DEV}/shell?ticket=${forShell}`)).toMatchObject({ status: 403 });
    expect(await refusal(`/${COPY}/shell?ticket=${await ticket({ kind: "shell" })}`)).toMatchObject({ status: 403 });
    expect(await refusal(`/${"0".repeat(12)}/shell?ticket=x`)).toMatchObject({ status: 403 });
  });
});

describe("a shell in a machine that stays", () => {
  it("runs, is remembered, and ends with the machine", async () => {
    await world.hypervisor.start(DEV);
    const shell = new Client(`/${DEV}/shell?tty=1&worker=host-1`, OPERATOR);
    await once(shell.socket, "open");
    shell.socket.send(encodeShellMessage({ type: "data", stream: "stdin", bytes: Buffer.from("echo $((6*7))-is\n") }));
    await vi.waitFor(() => {
      const outputs = shell.messages.map((frame) => parseShellOutput(frame));
      const said = outputs.flatMap((message) => (message.type === "data" ? [Buffer.from(message.bytes)] : []));
      expect(Buffer.concat(said).toString()).toContain("42-is");
    }, 10_000);
    await world.hypervisor.stop(DEV);
    expect(await shell.closed).toEqual({ code: 1_000, reason: "the machine has ended" });
    await vi.waitFor(() => expect(world.audited).toHaveLength(2));
    expect(world.audited).toMatchObject([
      { action: "shell.begin", target: `vms/${DEV}`, principal: { name: "olga" }, details: { mode: "control" } },
      { action: "shell.end", target: `vms/${DEV}`, details: { durationSeconds: expect.any(Number) } },
    ]);
  });

  it("ends with its client, and says so where only the connection is lost", async () => {
    await world.hypervisor.start(DEV);
    const supervisor = world.hypervisor.supervisors.get(DEV);
    const [left, lost] = [new Client(`/${DEV}/shell`, OPERATOR), new Client(`/${DEV}/shell`, OPERATOR)];
    await vi.waitFor(() => expect(supervisor?.clients).toBe(2));
    left.socket.close();
    await vi.waitFor(() => expect(supervisor?.clients).toBe(1));
    supervisor?.cut();
    expect((await lost.closed).code).toBe(1_011);
  });

  it("is not there while the machine is not", async () => {
    const shell = new Client(`/${DEV}/shell`, OPERATOR);
    expect(await shell.closed).toMatchObject({ code: 1_011, reason: expect.stringContaining("vm start dev") });
  });
});

describe("the console of a machine that stays", () => {
  it("is seen by who may look, whose keys go nowhere", async () => {
    await world.hypervisor.start(DEV);
    const [viewer, operator] = [
      new Client(`/${DEV}/console`, VIEWER),
      new Client(`/${DEV}/console?mode=control`, OPERATOR),
    ];
    await Promise.all([viewer.says("login: "), operator.says("login: ")]);
    viewer.socket.send(Buffer.from("halt\n"));
    viewer.socket.ping();
    await once(viewer.socket, "pong");
    operator.socket.send(Buffer.from("root\n"));
    await operator.says("root\n");
    expect(world.hypervisor.supervisors.get(DEV)?.typed).toBe("root\n");
    viewer.socket.send("text");
    expect(await viewer.closed).toMatchObject({ code: 1_008 });
    await world.hypervisor.stop(DEV);
    expect(await operator.closed).toEqual({ code: 1_000, reason: "the machine has ended" });
    await vi.waitFor(() => expect(world.audited).toHaveLength(4));
    expect(world.audited.map(({ action, details }) => [action, details?.["mode"]]).sort()).toEqual([
      ["console.begin", "control"],
      ["console.begin", "view"],
      ["console.end", "control"],
      ["console.end", "view"],
    ]);
  });

  it("takes no message that is too long", async () => {
    await world.hypervisor.start(DEV);
    const client = new Client(`/${DEV}/console?mode=control`, OPERATOR);
    await client.says("login: ");
    client.socket.send(Buffer.alloc(1_048_576));
    // Who still sends when he is hung up on may not hear why.
    expect([1_006, 1_009]).toContain((await client.closed).code);
    await vi.waitFor(() => expect(world.hypervisor.supervisors.get(DEV)?.clients).toBe(0));
  });
});

describe("the display of a machine that stays", () => {
  it("is that of its supervisor, until the machine ends", async () => {
    await world.hypervisor.start(DEV);
    const viewer = new Client(`/${DEV}/display`, VIEWER);
    await viewer.says(GREETING);
    await world.hypervisor.stop(DEV);
    expect(await viewer.closed).toEqual({ code: 1_000, reason: "the machine has ended" });
  });

  it("is connected to again where only the connection is lost", async () => {
    await world.hypervisor.start(DEV);
    const viewer = new Client(`/${DEV}/display`, VIEWER);
    await viewer.says(GREETING);
    world.hypervisor.supervisors.get(DEV)?.cut();
    expect((await viewer.closed).code).toBe(1_011);
    const again = new Client(`/${DEV}/display`, VIEWER);
    await again.says(GREETING);
    again.socket.close();
    await vi.waitFor(() => expect(world.hypervisor.supervisors.get(DEV)?.clients).toBe(0));
  });

  it("is not there where there are no graphics", async () => {
    await world.hypervisor.start(BARE);
    expect(await refusal(`/${BARE}/display`, VIEWER)).toEqual({ status: 404, code: "no-display" });
    expect((await ask(`GET /${BARE}/screen`, { as: VIEWER })).json).toMatchObject({ code: "no-display" });
    const { json } = await ask(`POST /${BARE}/links`, { as: OPERATOR, body: { kind: "display" } });
    expect(json).toMatchObject({ code: "no-display" });
  });

  it("is a picture, which is not taken anew for all who look", async () => {
    await world.hypervisor.start(DEV);
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask("GET /dev/screen", { as: VIEWER })));
    for (const { content } of answers) expect(content).toEqual(PICTURE);
    expect(world.hypervisor.pictures).toBeLessThan(8);
    const etag = String(answers[0]?.headers["etag"]);
    expect((await ask("GET /dev/screen", { as: VIEWER, headers: { "If-None-Match": etag } })).status).toBe(304);
    await world.hypervisor.stop(DEV);
  });

  it("has no picture while the machine does not run", async () => {
    const { status, json } = await ask("GET /dev/screen", { as: VIEWER });
    expect([status, json]).toMatchObject([409, { code: "vm-state" }]);
  });
});
