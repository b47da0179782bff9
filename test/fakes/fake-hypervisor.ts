/**
 * Machines that stay, without machines: records in memory, with the states that real ones go through, and for each that
 * runs a supervisor on a real socket, whose shell is bash on this host and whose console and display say what they hear.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type WebSocket, WebSocketServer } from "ws";
import type { VmRecord } from "../../src/generated/vm-record.ts";
import { currentOwner } from "../../src/host/owner.ts";
import { controlSocket } from "../../src/hypervisor/control-client.ts";
import { VmError } from "../../src/hypervisor/errors.ts";
import type { VmView } from "../../src/hypervisor/hypervisor.ts";
import { SupervisorClient } from "../../src/hypervisor/live-vm.ts";
import { called, resolveRef } from "../../src/hypervisor/refs.ts";
import { buildRecord } from "../../src/hypervisor/spec.ts";
import { advanceRecord, decide, isLive, type VmAction, type VmOccurrence } from "../../src/hypervisor/states.ts";
import { watchMachines } from "../../src/hypervisor/watch.ts";
import { resolveMachine } from "../../src/vm/limits.ts";
import type { VmPort } from "../../src/web/machines/long-lived/vm-desk.ts";
import { serveShell } from "../browser/shell-peer.ts";

export interface FakeVm {
  readonly id: string;
  readonly name?: string;
  readonly graphics?: "none";
  readonly from?: VmRecord["from"];
}

export const GREETING = "RFB 003.008\n";

export class FakeHypervisor implements VmPort, AsyncDisposable {
  /** By id. */
  readonly supervisors = new Map<string, FakeSupervisor>();
  /** How often a picture was taken. */
  pictures = 0;
  readonly #folder: string;
  readonly #records = new Map<string, VmRecord>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async start(vms: readonly FakeVm[]): Promise<FakeHypervisor> {
    const hypervisor = new FakeHypervisor(await mkdtemp(join(tmpdir(), "bxv-")));
    for (const vm of vms) hypervisor.make(vm);
    return hypervisor;
  }

  make({ id, name, graphics, from }: FakeVm): void {
    const layers = { payload: graphics === undefined ? {} : { graphics } };
    const machine = resolveMachine(layers, { maxMemory: 64, maxCPUs: 1, defaultThreads: 1 });
    const facts = { id, backend: "fake", machine, digest: `sha256:${"5f".repeat(32)}`, now: new Date() };
    const record = buildRecord({ image: "debian", name }, { ...facts, runParent: this.#folder });
    const made = advanceRecord(record, "made", { now: new Date() });
    this.#records.set(id, from === undefined ? made : { ...made, from });
  }

  async list(): Promise<readonly VmView[]> {
    return [...this.#records.values()].map((record) => ({ record, isStale: false }));
  }

  async inspect(ref: string): Promise<VmView> {
    return { record: resolveRef([...this.#records.values()], ref), isStale: false };
  }

  async start(ref: string): Promise<VmRecord> {
    if (await this.#decide(ref, "start")) {
      const record = this.#record(ref);
      const supervisor = await FakeSupervisor.listen(record, () => this.pictures++);
      this.supervisors.set(record.id, supervisor);
      await this.#advance(ref, "started");
      const process = { supervisor: await currentOwner(), accelerator: "tcg" as const, forwards: [] };
      this.#records.set(record.id, { ...this.#record(ref), process });
    }
    return this.#record(ref);
  }

  async stop(ref: string): Promise<VmRecord> {
    if (await this.#decide(ref, "stop")) {
      const { id } = this.#record(ref);
      // As a real one does, it hangs up before its record says why.
      await this.supervisors.get(id)?.[Symbol.asyncDispose]();
      await this.#advance(ref, "ended", "it was stopped");
    }
    return this.#record(ref);
  }

  async pause(ref: string): Promise<VmRecord> {
    if (await this.#decide(ref, "pause")) await this.#advance(ref, "paused");
    return this.#record(ref);
  }

  async resume(ref: string): Promise<VmRecord> {
    if (await this.#decide(ref, "resume")) await this.#advance(ref, "resumed");
    return this.#record(ref);
  }

  async remove(ref: string, { force }: { force?: boolean | undefined }): Promise<void> {
    if (force === true) await this.stop(ref);
    await this.#decide(ref, "remove");
    this.#records.delete(this.#record(ref).id);
  }

  async open(ref: string): Promise<SupervisorClient> {
    await this.#decide(ref, "capture");
    return new SupervisorClient(this.#record(ref));
  }

  watch(signal: AbortSignal) {
    return watchMachines(() => this.list(), signal);
  }

  async #decide(ref: string, action: VmAction): Promise<boolean> {
    const record = this.#record(ref);
    const decision = decide(action, record.state, called(record));
    if (decision.kind === "refuse") throw new VmError("vm-state", decision.why);
    return decision.kind === "go";
  }

  #record(ref: string): VmRecord {
    return resolveRef([...this.#records.values()], ref);
  }

  async #advance(ref: string, occurrence: VmOccurrence, reason?: string): Promise<void> {
    const record = this.#record(ref);
    this.#records.set(record.id, advanceRecord(record, occurrence, { now: new Date(), reason }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { id, state } of this.#records.values()) if (isLive(state)) await this.stop(id);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** What a supervisor says on its socket. */
export class FakeSupervisor implements AsyncDisposable {
  /** What was typed into the console. */
  typed = "";
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });

  private constructor(record: VmRecord, onPicture: () => void) {
    this.#server = createServer((request, response) => {
      if (request.url === "/v1/vm") response.end(JSON.stringify({ record, agent: "1", shells: 0 }));
      else if (request.url === "/v1/screen") {
        onPicture();
        response.end(PICTURE);
      } else response.writeHead(404).end();
    });
    this.#server.on("upgrade", (request, socket, head) => {
      const { pathname } = new URL(request.url ?? "/", "http://localhost");
      this.#sockets.handleUpgrade(request, socket, head, (client) => this.#serve(pathname, client));
    });
  }

  static async listen(record: VmRecord, onPicture: () => void): Promise<FakeSupervisor> {
    const supervisor = new FakeSupervisor(record, onPicture);
    await mkdir(record.runDirectory, { recursive: true });
    await new Promise<void>((resolve) => supervisor.#server.listen(controlSocket(record), resolve));
    return supervisor;
  }

  /** Ends what is open, as if the connections had been lost. */
  cut(): void {
    for (const client of this.#sockets.clients) client.terminate();
  }

  get clients(): number {
    return this.#sockets.clients.size;
  }

  #serve(path: string, client: WebSocket): void {
    client.on("error", () => {});
    if (path === "/v1/shell") {
      serveShell(client, { sizes: [], mostOpenBytes: 0, typedBytes: 0 });
      return;
    }
    client.send(Buffer.from(path === "/v1/display" ? GREETING : "login: "));
    client.on("message", (data: Buffer) => {
      if (path !== "/v1/console") return;
      this.typed += data.toString();
      client.send(data);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#sockets.close();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** One pixel. */
export const PICTURE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
