/** Shells, seen from guests that are not our agent: other tools, and hostile ones. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { duplexPair } from "node:stream";
import { describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { Scope } from "../../../src/base/scope.ts";
import type { GuestShell, ShellOptions } from "../../../src/guest/guest-shell.ts";
import { encodeShellMessage, SHELL_BLOCK_BYTES } from "../../../src/guest/shell-protocol.ts";
import { acceptShell, type ShellSocketOptions, type SocketShell } from "../../../src/guest/shell-socket.ts";
import { ServiceOnLoopback } from "./guest-harness.ts";
import { ShellUser } from "./shell-user.ts";

const block = Buffer.concat([Buffer.of(0, 1), Buffer.alloc(SHELL_BLOCK_BYTES, "x")]);
const exit = (success: boolean) => encodeShellMessage({ type: "exit", success });
const abort = encodeShellMessage({ type: "abort" });

async function poll(service: ServiceOnLoopback) {
  const response = await fetch(`${service.url}/engine/v1/poll`);
  return (await response.json()) as { id: string; [field: string]: unknown };
}

function connect(service: ServiceOnLoopback, path: string): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${service.port}${path}`, { perMessageDeflate: false });
  socket.on("error", () => {});
  return socket;
}

async function refusalOf(socket: WebSocket): Promise<{ status: number; code: string }> {
  const [, response] = await once(socket, "unexpected-response");
  const text = (await response.toArray()).join("");
  return { status: response.statusCode, code: JSON.parse(text).code };
}

/** A shell, and the guest's end of it. */
async function open(service: ServiceOnLoopback, options: ShellOptions = {}) {
  const opening = service.session.openShell(options);
  const action = await poll(service);
  const guest = connect(service, `/engine/v1/reply?id=${action.id}`);
  const received: Buffer[] = [];
  guest.on("message", (data: Buffer) => received.push(data));
  const closed = once(guest, "close") as Promise<[number]>;
  const shell: GuestShell = await opening;
  await once(guest, "open");
  return { shell, guest, action, received, closed };
}

/** The same without a service. */
async function accept(options: ShellSocketOptions, scope: Scope, guestOptions = {}) {
  const accepted = Promise.withResolvers<SocketShell>();
  const server = createServer();
  server.on("upgrade", (request, socket, head) => acceptShell({ request, socket, head }, accepted.resolve, options));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  scope.defer(() => server.close());
  const guest = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, guestOptions);
  guest.on("error", () => {});
  scope.defer(() => guest.terminate());
  return { guest, shell: scope.use(await accepted.promise) };
}

describe("the websocket of a shell", () => {
  it("is asked for as taskcluster-worker asks, with more for who understands it", async () => {
    await using service = await ServiceOnLoopback.start({
      task: { command: ["true"], env: { A: "1", TERM: "dumb" }, user: "ci" },
    });
    const { shell, action } = await open(service, { command: ["a", "b"], tty: true, columns: 90, rows: 30, cwd: "/x" });
    expect(action).toEqual({
      id: action.id,
      type: "exec-shell",
      command: ["a", "b"],
      tty: true,
      cols: 90,
      rows: 30,
      env: { A: "1" },
      cwd: "/x",
      user: "ci",
    });
    await shell[Symbol.asyncDispose]();
    const { shell: plain, action: plainAction } = await open(service);
    expect(plainAction).toMatchObject({ command: [], tty: false, env: { A: "1", TERM: "dumb" } });
    await plain[Symbol.asyncDispose]();
  });

  it("works with tools that close it after the exit, and never say that a stream ends", async () => {
    await using service = await ServiceOnLoopback.start();
    const { shell, guest } = await open(service);
    const user = new ShellUser(shell);
    guest.send(Buffer.from("\0\x01hi"));
    guest.send(exit(true));
    guest.close(1_000);
    await user.finished;
    expect(user).toMatchObject({ stdout: "hi", exit: true });
    await expect(shell.done).resolves.toEqual({ success: true });
  });

  it("is opened for an action that waits for it, once, and for nothing else", async () => {
    await using service = await ServiceOnLoopback.start();
    const none = { status: 400, code: "UnknownActionId" };
    await expect(refusalOf(connect(service, "/engine/v1/reply?id=unknown"))).resolves.toEqual(none);
    await expect(refusalOf(connect(service, "/engine/v1/reply"))).resolves.toEqual(none);
    const missing = { status: 404, code: "NoSuchEndPoint" };
    await expect(refusalOf(connect(service, "/engine/v1/poll"))).resolves.toEqual(missing);
    await expect(refusalOf(connect(service, "/"))).resolves.toEqual(missing);

    const file = service.session.getFile("a");
    file.catch(() => {});
    const { id: other } = await poll(service);
    const wrong = { status: 405, code: "MethodNotAllowed" };
    await expect(refusalOf(connect(service, `/engine/v1/reply?id=${other}`))).resolves.toEqual(wrong);

    const { shell, action } = await open(service);
    await expect(refusalOf(connect(service, `/engine/v1/reply?id=${action.id}`))).resolves.toEqual(none);
    await expect(refusalOf(connect(service, `/engine/v1/reply?id=${action.id}&id=x`))).resolves.toEqual(none);
    await shell[Symbol.asyncDispose]();
    await expect(refusalOf(connect(service, `/engine/v1/reply?id=${action.id}`))).resolves.toEqual(none);
  });

  it("is not opened by a guest that has no shells", async () => {
    await using service = await ServiceOnLoopback.start();
    const answer = async (headers: Record<string, string>) => {
      const shell = service.session.openShell();
      const outcome = expect(shell).rejects;
      const { id } = await poll(service);
      void fetch(`${service.url}/engine/v1/reply?id=${id}`, { method: "POST", headers });
      return outcome;
    };
    const old = await answer({ "x-taskcluster-worker-error": "unknown-action" });
    await old.toMatchObject({ code: "not-supported-by-guest" });
    const odd = await answer({});
    await odd.toMatchObject({ code: "guest-protocol-error" });
    await expect(service.session.openShell({ timeoutMs: 1 })).rejects.toMatchObject({ code: "guest-not-answering" });
    expect(service.session.shellCount).toBe(0);
  });

  it.each<[string, (guest: WebSocket) => void]>([
    ["an unknown type", (guest) => guest.send(Buffer.of(9))],
    ["nothing", (guest) => guest.send(Buffer.alloc(0))],
    ["text", (guest) => guest.send("hello")],
    ["what only a client may say", (guest) => guest.send(abort)],
    ["a block that is too large", (guest) => guest.send(Buffer.concat([block, Buffer.of(0)]))],
    ["far too much", (guest) => guest.send(Buffer.alloc(10_000_000))],
    ["more than the window", (guest) => Array.from({ length: 5 }, () => guest.send(block))],
    ["acknowledgements of what nobody typed", (guest) => guest.send(Buffer.of(1, 0, 0, 0, 0, 1))],
    [
      "more after the end of a stream",
      (guest) => ["\0\x01", "\0\x01more"].map((text) => guest.send(Buffer.from(text))),
    ],
  ])("ends when a guest sends %s", async (_what, say) => {
    await using service = await ServiceOnLoopback.start();
    const { shell, guest, closed } = await open(service);
    const user = new ShellUser(shell, () => new Promise(() => {}));
    say(guest);
    await expect(shell.done).rejects.toMatchObject({ code: "guest-protocol-error", blame: "image" });
    await closed;
    expect(user.exit).toBeUndefined();
    expect(service.session.shellCount).toBe(0);
  });

  it("reads no more of a guest than somebody takes", async () => {
    await using service = await ServiceOnLoopback.start();
    const { shell, guest } = await open(service);
    const roundTrip = () => fetch(`${service.url}/engine/v1/ping`);
    for (let i = 0; i < 200; i++) guest.send(Buffer.from("\0\x01x"));
    await roundTrip();
    let answered = false;
    const pong = once(guest, "pong").then(() => {
      answered = true;
    });
    guest.ping();
    guest.send(exit(true));
    for (let i = 0; i < 50; i++) await roundTrip();
    expect(answered).toBe(false);
    let count = 0;
    for await (const _frame of shell.frames) count += 1;
    await pong;
    expect(count).toBe(201);
  });

  it("refuses what a client must not say, and goes on", async () => {
    await using service = await ServiceOnLoopback.start();
    const { shell, guest, received } = await open(service);
    const refused = { code: "shell-protocol-error" };
    const stdin = Buffer.concat([Buffer.of(0, 0), Buffer.alloc(SHELL_BLOCK_BYTES, "x")]);
    await expect(shell.send(Buffer.of(9))).rejects.toMatchObject(refused);
    await expect(shell.send(exit(true))).rejects.toMatchObject(refused);
    await expect(shell.send(Buffer.of(1, 1, 0, 0, 0, 1))).rejects.toMatchObject(refused);
    for (let i = 0; i < 4; i++) await shell.send(stdin);
    await expect(shell.send(stdin)).rejects.toMatchObject(refused);
    guest.send(Buffer.of(1, 0, 0, 0, 64, 0));
    const iterator = shell.frames[Symbol.asyncIterator]();
    await expect(iterator.next()).resolves.toEqual({ done: false, value: Buffer.of(1, 0, 0, 0, 64, 0) });
    await shell.send(stdin);
    await shell.resize(5, 6);
    await vi.waitFor(() => expect(received.length).toBe(6));
    expect(received.at(-1)).toEqual(Buffer.of(3, 0, 5, 0, 6));
    await expect(shell.resize(70_000, 1)).rejects.toThrow(RangeError);
    await shell[Symbol.asyncDispose]();
  });

  it("lets nobody fill the memory with what a guest does not take", async () => {
    await using scope = new Scope();
    const [ours, theirs] = duplexPair();
    const server = createServer();
    const accepted = Promise.withResolvers<SocketShell>();
    server.on("upgrade", (request, socket, head) => acceptShell({ request, socket, head }, accepted.resolve));
    server.emit("connection", ours);
    theirs.write(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    const shell = scope.use(await accepted.promise);
    const size = encodeShellMessage({ type: "size", columns: 1, rows: 1 });
    let refusal: unknown;
    for (let i = 0; i < 1_000_000 && refusal === undefined; i++) {
      shell.send(size).catch((error: unknown) => {
        refusal ??= error;
      });
      await Promise.resolve();
    }
    expect(refusal).toMatchObject({ code: "shell-protocol-error" });
  });

  it("ends with an error when a guest does not answer pings, and no sooner", async () => {
    await using scope = new Scope();
    const silent = await accept({ pingMs: 10 }, scope, { autoPong: false });
    await expect(silent.shell.done).rejects.toMatchObject({ code: "guest-not-answering" });
    const { guest, shell } = await accept({ pingMs: 10 }, scope);
    for (let i = 0; i < 10; i++) await once(guest, "ping");
    guest.send(exit(false));
    await expect(shell.done).resolves.toEqual({ success: false });
  });

  it("ends with an error when a guest does not end its shell after an abort", async () => {
    await using scope = new Scope();
    const { guest, shell } = await accept({ abortMs: 20 }, scope);
    const message = once(guest, "message");
    await shell.send(abort);
    expect((await message)[0]).toEqual(abort);
    await expect(shell.done).rejects.toMatchObject({ code: "guest-not-answering" });
  });

  it("is given up by who stops reading", async () => {
    await using service = await ServiceOnLoopback.start();
    const { shell, guest, closed } = await open(service);
    guest.send(block);
    for await (const _frame of shell.frames) break;
    await closed;
    await expect(shell.done).resolves.toEqual({ success: false });
    await shell[Symbol.asyncDispose]();
  });
});
