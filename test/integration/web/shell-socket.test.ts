/** Shells of the real agent over the websocket of the API. */
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { WebSocket } from "ws";
import {
  encodeShellMessage,
  parseShellOutput,
  SHELL_BLOCK_BYTES,
  SHELL_MESSAGE_BYTES,
} from "../../../src/guest/shell-protocol.ts";
import { buildAgent, type Guest, startGuest } from "../guest/guest-harness.ts";
import { MachineService, RUN, SUBMITTER } from "./machine-service.ts";

const OPERATOR = "olga:operator";
const VIEWER = "vera:viewer";

let guest: Guest;
let service: MachineService;

beforeAll(async () => {
  guest = await startGuest(await buildAgent("release"), undefined);
  await guest.session.firstContact;
  const interactive = { shell: true, display: false, keepAfterMs: undefined };
  service = await MachineService.start({ guest: guest.session, interactive });
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await guest[Symbol.asyncDispose]();
});

const CAT = "command=cat";

function script(text: string): string {
  return new URLSearchParams([
    ["command", "sh"],
    ["command", "-c"],
    ["command", text],
  ]).toString();
}

/** What comes over a socket; acknowledged unless it is said otherwise. */
class ShellClient {
  readonly client: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  stdout = "";
  exit: boolean | undefined;
  readonly #acknowledges: boolean;

  constructor(client: WebSocket, { acknowledges = true } = {}) {
    this.client = client;
    this.#acknowledges = acknowledges;
    client.on("message", (data: Buffer) => this.#hear(data));
    this.closed = new Promise((resolve) => {
      client.once("close", (code: number, reason: Buffer) => resolve({ code, reason: reason.toString() }));
    });
  }

  type(text: string): void {
    this.client.send(encodeShellMessage({ type: "data", stream: "stdin", bytes: Buffer.from(text) }));
  }

  #hear(frame: Buffer): void {
    const message = parseShellOutput(frame);
    if (message.type === "exit") this.exit = message.success;
    if (message.type !== "data") return;
    if (message.stream === "stdout") this.stdout += Buffer.from(message.bytes).toString();
    if (!this.#acknowledges || message.bytes.length === 0) return;
    const { stream, bytes } = message;
    this.client.send(encodeShellMessage({ type: "ack", stream, count: bytes.length }));
  }
}

function open(query: string, { as = OPERATOR, ...options }: { as?: string; acknowledges?: boolean } = {}): ShellClient {
  return new ShellClient(service.connect(`${RUN}/shell?${query}`, { as }), options);
}

describe("a shell over a websocket", () => {
  it("takes what is typed, also before it is there, and says how it ended", async () => {
    const shell = open(script("read -r line; echo got $line; exit 3"));
    await once(shell.client, "open");
    shell.type("early\n");
    await expect(shell.closed).resolves.toEqual({ code: 1_000, reason: "the shell has ended" });
    expect(shell).toMatchObject({ stdout: "got early\n", exit: false });
  });

  it("has a terminal of the size that is said, as taskcluster-worker's clients ask for it", async () => {
    const shell = open(`tty=true&${script("stty size")}`);
    await once(shell.client, "open");
    shell.client.send(encodeShellMessage({ type: "size", columns: 91, rows: 17 }));
    await shell.closed;
    // It may be told after the program has looked.
    expect(shell.stdout).toMatch(/^(17 91|24 80)\r\n$/);
    expect(shell.exit).toBe(true);
  });

  it("waits for a client that acknowledges nothing", async () => {
    const shell = open(script("yes | head -c 1000000"), { acknowledges: false });
    await vi.waitFor(() => expect(shell.stdout.length).toBe(4 * SHELL_BLOCK_BYTES));
    shell.client.terminate();
    await vi.waitFor(() => expect(service.machine.shells).toBe(0));
  });

  it("ends with the connection of its client", async () => {
    const shell = open(CAT);
    await once(shell.client, "open");
    shell.type("x");
    await vi.waitFor(() => expect(shell.stdout).toBe("x"));
    expect(service.machine.shells).toBe(1);
    shell.client.terminate();
    await vi.waitFor(() => expect(service.machine.shells).toBe(0));
  });

  it.each([
    ["a message of the guest's", Buffer.of(5, 0)],
    ["an unknown message", Buffer.of(9)],
    ["a text", "ls"],
  ])("ends for who sends %s", async (_what, message) => {
    const shell = open(CAT);
    await once(shell.client, "open");
    shell.client.send(message);
    await expect(shell.closed).resolves.toMatchObject({ code: 1_008 });
    await vi.waitFor(() => expect(service.machine.shells).toBe(0));
  });

  it("ends for who sends more than it takes", async () => {
    const tooLong = open(CAT);
    await once(tooLong.client, "open");
    tooLong.client.send(Buffer.alloc(SHELL_MESSAGE_BYTES + 1));
    await expect(tooLong.closed).resolves.toMatchObject({ code: 1_009 });
    const tooMuch = open(script("exec sleep 1000"));
    await once(tooMuch.client, "open");
    for (let i = 0; i < 20; i++) tooMuch.type("x".repeat(SHELL_BLOCK_BYTES));
    await expect(tooMuch.closed).resolves.toMatchObject({ code: 1_008 });
    await vi.waitFor(() => expect(service.machine.shells).toBe(0));
  });

  it("is for 32 at once", async () => {
    const shells = Array.from({ length: 32 }, () => open(CAT));
    await vi.waitFor(() => expect(service.machine.shells).toBe(32), 20_000);
    const late = open(CAT);
    await expect(late.closed).resolves.toMatchObject({ code: 1_011, reason: expect.stringContaining("32 shells") });
    for (const { client } of shells) client.close();
    await vi.waitFor(() => expect(service.machine.shells).toBe(0), 20_000);
  });

  it("is remembered, with who and how long", async () => {
    service.events.length = 0;
    await open(script("exit 0")).closed;
    await vi.waitFor(() => expect(service.events).toHaveLength(2));
    expect(service.events).toMatchObject([
      { action: "shell.begin", principal: { name: "olga" }, target: "tasks/a-task/runs/0", outcome: "ok" },
      { action: "shell.end", principal: { name: "olga" }, details: { durationSeconds: expect.any(Number) } },
    ]);
  });
});

describe("who may open a shell", () => {
  it("is who controls machines, who submitted the task, and who has a link", async () => {
    const body = { kind: "shell" };
    const { json } = await service.ask("/links", { as: OPERATOR, method: "POST", body });
    const { ticket, path } = json as { ticket: string; path: string };
    expect(path).toContain("mode=control");
    const byLink = new ShellClient(service.connect(`${RUN}/shell?ticket=${ticket}&${script("echo link")}`));
    const bySubmitter = open(script("echo own"), { as: `${SUBMITTER}:submitter` });
    const bySecret = new ShellClient(
      service.connect(`/api/v1/interactive/${service.shared.secret}/shell?${script("echo secret")}`),
    );
    await Promise.all([byLink, bySubmitter, bySecret].map(({ closed }) => closed));
    expect([byLink, bySubmitter, bySecret].map(({ stdout }) => stdout)).toEqual(["link\n", "own\n", "secret\n"]);
  });

  it("is nobody else", async () => {
    const refusals = await Promise.all([
      service.refusal(`${RUN}/shell`),
      service.refusal(`${RUN}/shell`, { as: VIEWER }),
      service.refusal(`${RUN}/shell?ticket=never`, { as: OPERATOR }),
      service.refusal(`/api/v1/interactive/${service.shared.secret}/display`),
    ]);
    expect(refusals.map(({ code }) => code)).toEqual([
      ...["unauthenticated", "forbidden", "link-not-valid", "no-machine"],
    ]);
  });
});
