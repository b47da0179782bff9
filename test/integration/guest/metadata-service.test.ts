import { once } from "node:events";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { Agent, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { type Pack, pack } from "tar-stream";
import { describe, expect, it, vi } from "vitest";
import { createMove } from "../../../src/guest/guest-move.ts";
import type { GuestSession } from "../../../src/guest/guest-session.ts";
import { LogCollector, ServiceOnLoopback } from "./guest-harness.ts";

const TASK = { command: ["echo", "hi"], env: { A: "1" }, cwd: "/work", user: "ci", tty: true, runId: 2 };

interface Answer {
  status: number;
  headers: IncomingMessage["headers"];
  body: string;
  json: () => unknown;
}

interface Call {
  method?: string;
  body?: string | Buffer | Readable;
  headers?: Record<string, string>;
  agent?: Agent;
}

/** One request as a guest sends it, a hostile one too: nothing is normalised. */
async function call(service: ServiceOnLoopback, path: string, options: Call = {}): Promise<Answer> {
  const { method = "GET", body, headers = {}, agent } = options;
  const outgoing = request({ port: service.port, host: "127.0.0.1", path, method, headers, agent: agent ?? false });
  const answered = once(outgoing, "response") as Promise<[IncomingMessage]>;
  outgoing.on("error", () => {});
  if (body instanceof Readable) body.pipe(outgoing);
  else outgoing.end(body);
  const [response] = await answered;
  const text = (await buffer(response)).toString();
  return { status: response.statusCode ?? 0, headers: response.headers, body: text, json: () => JSON.parse(text) };
}

const JSON_TYPE = { "content-type": "application/json" };

async function nextAction(service: ServiceOnLoopback): Promise<{ id: string; type: string; path?: string }> {
  return (await call(service, "/engine/v1/poll")).json() as { id: string; type: string };
}

/** Answers the next action of the guest with `options`. */
async function answer(service: ServiceOnLoopback, options: Call): Promise<Answer> {
  const { id } = await nextAction(service);
  return call(service, `/engine/v1/reply?id=${id}`, { method: "POST", ...options });
}

async function fetchTask(service: ServiceOnLoopback): Promise<void> {
  await call(service, "/engine/v1/execute");
}

describe("the metadata service", () => {
  it("answers a ping, which is the first contact", async () => {
    await using service = await ServiceOnLoopback.start();
    await expect(call(service, "/engine/v1/ping")).resolves.toMatchObject({ status: 200 });
    await expect(service.session.firstContact).resolves.toBeUndefined();
    expect(service.session.agentVersion).toBeUndefined();
  });

  it("gives the task to whoever asks, and then it has started", async () => {
    await using service = await ServiceOnLoopback.start({ task: TASK });
    const response = await call(service, "/engine/v1/execute", { headers: { "user-agent": "boxcar-agent/abc" } });
    expect(response.json()).toEqual(TASK);
    await expect(service.session.started).resolves.toBeUndefined();
    expect(service.session.agentVersion).toBe("abc");
  });

  it("answers 204 with Retry-After while there is no task", async () => {
    await using service = await ServiceOnLoopback.start();
    await expect(call(service, "/engine/v1/execute")).resolves.toMatchObject({
      status: 204,
      body: "",
      headers: expect.objectContaining({ "retry-after": "1" }),
    });
  });

  it("keeps the question for a task open when asked to", async () => {
    await using service = await ServiceOnLoopback.start();
    const waiting = call(service, "/engine/v1/execute?wait=20");
    await service.session.firstContact;
    service.session.setTask(TASK);
    await expect(waiting).resolves.toMatchObject({ status: 200 });
  });

  it("refuses unknown end-points and wrong methods by name", async () => {
    await using service = await ServiceOnLoopback.start({ task: TASK });
    const missing = await call(service, "/engine/v2/ping");
    expect(missing.status).toBe(404);
    expect(missing.json()).toEqual({ code: "NoSuchEndPoint", message: expect.any(String) });
    for (const path of ["/", "/engine/v1/%00", "/engine/v1/agent/linux-x64", "/engine/v1/PING"]) {
      await expect(call(service, path)).resolves.toMatchObject({ status: 404 });
    }
    for (const [method, path, allow] of [
      ["POST", "/engine/v1/execute", "GET"],
      ["GET", "/engine/v1/log", "POST"],
      ["POST", "/engine/v1/success", "PUT"],
      ["DELETE", "/engine/v1/reply", "GET, POST"],
    ] as const) {
      const wrong = await call(service, path, { method });
      expect(wrong).toMatchObject({ status: 405, headers: expect.objectContaining({ allow }) });
      expect(wrong.json()).toMatchObject({ code: "MethodNotAllowed" });
    }
  });

  it("refuses an address that cannot be decoded", async () => {
    await using service = await ServiceOnLoopback.start();
    const response = await call(service, "/engine/v1/agent/%ff");
    expect(response.status).toBe(400);
    expect(response.json()).toMatchObject({ code: "InvalidPayload" });
  });

  it("serves the agent for a platform, and no other file", async () => {
    const asked: string[] = [];
    const agentFile = (platform: string) => {
      asked.push(platform);
      return platform === "linux-x64" ? import.meta.filename : undefined;
    };
    await using service = await ServiceOnLoopback.start({ service: { agentFile } });
    const response = await call(service, "/engine/v1/agent/linux-x64");
    expect(response.body).toBe(await readFile(import.meta.filename, "utf8"));
    for (const name of ["windows-x64", "..%2f..%2fetc-passwd", "a-b-c", "__proto__"]) {
      await expect(call(service, `/engine/v1/agent/${name}`)).resolves.toMatchObject({ status: 404 });
    }
    expect(asked).toEqual(["linux-x64", "windows-x64"]);
  });

  it("limits the rate of requests", async () => {
    await using service = await ServiceOnLoopback.start({ service: { requestRate: { perSecond: 0.001, burst: 2 } } });
    await call(service, "/engine/v1/ping");
    await call(service, "/engine/v1/ping");
    await expect(call(service, "/engine/v1/ping")).resolves.toMatchObject({ status: 429 });
  });
});

const OWN_AGENT = { "user-agent": "boxcar-agent/abc" };
const PUT = { method: "PUT" };

/** Fetches the next command as Boxcar's agent does. */
async function fetchCommand(service: ServiceOnLoopback): Promise<unknown> {
  return (await call(service, "/engine/v1/execute?wait=20", { headers: OWN_AGENT })).json();
}

describe("several commands one after another", () => {
  it("are handed out one by one, with what the guest needs to go on", async () => {
    await using service = await ServiceOnLoopback.start();
    const first = service.session.run(TASK, { more: true });
    await expect(fetchCommand(service)).resolves.toEqual({ ...TASK, step: 1, more: true });
    await call(service, "/engine/v1/log?step=1", {
      method: "POST",
      body: "one",
      headers: { "x-boxcar-log-offset": "0" },
    });
    await call(service, "/engine/v1/success?step=1", PUT);
    await expect(first).resolves.toEqual({ success: true });

    await expect(call(service, "/engine/v1/execute")).resolves.toMatchObject({ status: 204 });
    const waiting = fetchCommand(service);
    const second = service.session.run(TASK);
    await expect(waiting).resolves.toEqual({ ...TASK, step: 2, logStart: 3 });
    await call(service, "/engine/v1/failed?step=2", PUT);
    await expect(second).resolves.toEqual({ success: false });
  });

  it("are one as any other where there is no more", async () => {
    await using service = await ServiceOnLoopback.start();
    const only = service.session.run(TASK);
    expect((await call(service, "/engine/v1/execute")).json()).toEqual(TASK);
    await call(service, "/engine/v1/success", PUT);
    await expect(only).resolves.toEqual({ success: true });
  });

  it("give the same to who asks again, whatever has come of the log", async () => {
    await using service = await ServiceOnLoopback.start();
    void service.session.run(TASK, { more: true });
    await fetchCommand(service);
    await call(service, "/engine/v1/success?step=1", PUT);
    const second = service.session.run(TASK);
    const given = await fetchCommand(service);
    await call(service, "/engine/v1/log?step=2", {
      method: "POST",
      body: "two",
      headers: { "x-boxcar-log-offset": "0" },
    });
    await expect(fetchCommand(service)).resolves.toEqual(given);
    await call(service, "/engine/v1/success?step=2", PUT);
    await expect(second).resolves.toEqual({ success: true });
  });

  it("are told apart: what is said again of an earlier one does not end the later one", async () => {
    await using service = await ServiceOnLoopback.start();
    const first = service.session.run(TASK, { more: true });
    await fetchCommand(service);
    await expect(call(service, "/engine/v1/success?step=2", PUT)).resolves.toMatchObject({ status: 409 });
    await call(service, "/engine/v1/success?step=1", PUT);
    await first;
    await expect(call(service, "/engine/v1/success?step=1", PUT)).resolves.toMatchObject({ status: 200 });
    let ended = false;
    const second = service.session.run(TASK).finally(() => {
      ended = true;
    });
    await expect(call(service, "/engine/v1/failed?step=2", PUT)).resolves.toMatchObject({ status: 409 });
    await fetchCommand(service);
    await expect(call(service, "/engine/v1/success?step=1", PUT)).resolves.toMatchObject({ status: 200 });
    await expect(call(service, "/engine/v1/failed?step=1", PUT)).resolves.toMatchObject({ status: 409 });
    expect(ended).toBe(false);
    await call(service, "/engine/v1/failed?step=2", PUT);
    await expect(second).resolves.toEqual({ success: false });
  });

  it("refuse a step that is no number", async () => {
    await using service = await ServiceOnLoopback.start({ task: TASK });
    await fetchTask(service);
    for (const query of ["step=", "step=0", "step=-1", "step=1e3", "step=9999999", "step=1&step=1"]) {
      for (const [method, path] of [
        ["PUT", "success"],
        ["POST", "log"],
      ]) {
        const response = await call(service, `/engine/v1/${path}?${query}`, { method: method as string });
        expect(response).toMatchObject({ status: 400 });
      }
    }
  });

  it("do not share a log that is cut off: what is late of an earlier one is left out", async () => {
    await using service = await ServiceOnLoopback.start();
    void service.session.run(TASK, { more: true });
    await fetchCommand(service);
    const late = new PassThrough();
    const offset = (position: number) => ({ "x-boxcar-log-offset": String(position) });
    const cut = call(service, "/engine/v1/log?step=1", { method: "POST", body: late, headers: offset(0) });
    const outcome = expect(cut).rejects.toThrow();
    late.write("one ");
    await service.log.has("one ");
    // Its runner was killed, and another part of the agent says so.
    await call(service, "/engine/v1/failed?step=1", PUT);
    const second = service.session.run(TASK);
    await expect(fetchCommand(service)).resolves.toMatchObject({ logStart: 4 });
    late.write("of the dead");
    await outcome;
    const post = { method: "POST", body: "of the dead", headers: offset(4) };
    await expect(call(service, "/engine/v1/log?step=1", post)).resolves.toMatchObject({ status: 409 });
    await call(service, "/engine/v1/log?step=2", { ...post, body: "two" });
    await call(service, "/engine/v1/success?step=2", PUT);
    await second;
    expect(service.log.text()).toBe("one two");
  });

  it("are not for guest tools that know of one only", async () => {
    for (const [headers, says] of [
      [{}, "use Boxcar's agent"],
      [OWN_AGENT, "too old"],
    ] as const) {
      await using service = await ServiceOnLoopback.start();
      const first = service.session.run(TASK, { more: true });
      await call(service, "/engine/v1/execute", { headers });
      await call(service, "/engine/v1/success", PUT);
      await expect(first).resolves.toEqual({ success: true });
      await expect(service.session.run(TASK)).rejects.toMatchObject({
        code: "not-supported-by-guest",
        message: expect.stringContaining(says),
      });
      // What they say again is about the one they had.
      await expect(call(service, "/engine/v1/success", PUT)).resolves.toMatchObject({ status: 200 });
    }
  });
});

describe("the end of a task", () => {
  it("is taken once and may be repeated, with or without details", async () => {
    await using service = await ServiceOnLoopback.start({ task: TASK });
    await fetchTask(service);
    const body = JSON.stringify({ exitCode: 137, signal: "SIGKILL", error: "a\nb" });
    const failed = { method: "PUT", body, headers: JSON_TYPE };
    await expect(call(service, "/engine/v1/failed", failed)).resolves.toMatchObject({ status: 200 });
    await expect(call(service, "/engine/v1/failed", { method: "PUT" })).resolves.toMatchObject({ status: 200 });
    await expect(service.session.resolved).resolves.toEqual({
      success: false,
      exitCode: 137,
      signal: "SIGKILL",
      error: "a b",
    });
  });

  it("cannot be contradicted", async () => {
    await using service = await ServiceOnLoopback.start({ task: TASK });
    await fetchTask(service);
    await call(service, "/engine/v1/success", { method: "PUT" });
    const response = await call(service, "/engine/v1/failed", { method: "PUT" });
    expect(response.status).toBe(409);
    expect(response.json()).toMatchObject({ code: "ResourceConflict" });
    await expect(service.session.resolved).resolves.toEqual({ success: true });
  });

  it("cannot be said of a task nobody has fetched", async () => {
    await using service = await ServiceOnLoopback.start({ task: TASK });
    await expect(call(service, "/engine/v1/success", { method: "PUT" })).resolves.toMatchObject({ status: 409 });
  });

  it.each([
    ["no JSON", "{", JSON_TYPE],
    ["another type", "{}", { "content-type": "text/plain" }],
    ["a list", "[]", JSON_TYPE],
    ["an exit code that is none", '{"exitCode":"3"}', JSON_TYPE],
    ["an exit code that contradicts", '{"exitCode":0}', JSON_TYPE],
    ["a signal that is none", '{"signal":"\\u001b[2J"}', JSON_TYPE],
    ["an error that is no text", '{"error":{}}', JSON_TYPE],
    ["more than 1 MiB", `"${"x".repeat(1_024 * 1_024)}"`, JSON_TYPE],
  ])("is refused with %s", async (_name, body, headers) => {
    await using service = await ServiceOnLoopback.start({ task: TASK });
    await fetchTask(service);
    const response = await call(service, "/engine/v1/failed", { method: "PUT", body, headers });
    expect(response.status).toBe(400);
    expect(response.json()).toMatchObject({ code: "InvalidPayload" });
  });

  it("is refused with a body that never ends, in bounded memory", async () => {
    await using service = await ServiceOnLoopback.start({ task: TASK });
    await fetchTask(service);
    let sent = 0;
    const endless = new Readable({
      read() {
        sent += 65_536;
        this.push(Buffer.alloc(65_536, 0x20));
      },
    });
    const response = await call(service, "/engine/v1/failed", { method: "PUT", body: endless, headers: JSON_TYPE });
    endless.destroy();
    expect(response).toMatchObject({ status: 400, headers: expect.objectContaining({ connection: "close" }) });
    expect(sent).toBeLessThan(64 * 1_024 * 1_024);
  });
});

describe("the log", () => {
  it("is taken from several streams, which need not say where they are", async () => {
    await using service = await ServiceOnLoopback.start({ task: TASK });
    const open = new PassThrough();
    const first = call(service, "/engine/v1/log", { method: "POST", body: open });
    open.write("one ");
    await service.log.has("one ");
    await call(service, "/engine/v1/log", { method: "POST", body: "two " });
    open.end("three");
    await expect(first).resolves.toMatchObject({ status: 200 });
    expect(service.log.text()).toBe("one two three");
  });

  it("leaves out what it has when a stream with positions is sent again", async () => {
    await using service = await ServiceOnLoopback.start({ task: TASK });
    const post = (body: string, offset: string) =>
      call(service, "/engine/v1/log", { method: "POST", body, headers: { "x-boxcar-log-offset": offset } });
    await post("abcdef", "0");
    await post("cd", "2");
    await post("efgh", "4");
    await post("ijk", "8");
    expect(service.log.text()).toBe("abcdefghijk");
    for (const offset of ["-1", "x", "1e99", "0.5", "NaN"]) {
      await expect(post("zzz", offset)).resolves.toMatchObject({ status: 400 });
    }
    expect(service.log.text()).toBe("abcdefghijk");
  });

  it("lets the newest connection of a stream take over from one that hangs", async () => {
    await using service = await ServiceOnLoopback.start({ task: TASK });
    const hanging = connect(service.port, "127.0.0.1");
    const closed = once(hanging, "close");
    hanging.on("error", () => {}).resume();
    const head =
      "POST /engine/v1/log HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nX-Boxcar-Log-Offset: 0\r\n\r\n";
    hanging.write(`${head}3\r\nabc\r\n`);
    await service.log.has("abc");
    const headers = { "x-boxcar-log-offset": "0" };
    await call(service, "/engine/v1/log", { method: "POST", body: "abcdef", headers });
    await closed;
    expect(service.log.text()).toBe("abcdef");
  });

  it("writes what has arrived when its connection breaks while the sink is slow", async () => {
    const collector = new LogCollector();
    const opened = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    collector.beforeWrite = async () => {
      begun.resolve();
      await opened.promise;
    };
    await using service = await ServiceOnLoopback.start({ task: TASK, collector });
    const socket = connect(service.port, "127.0.0.1");
    const text = `${"x".repeat(120_000)}the last words`;
    socket.write(`POST /engine/v1/log HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
    socket.write(`${text.length.toString(16)}\r\n${text}\r\n`);
    await begun.promise;
    socket.end();
    opened.resolve();
    await collector.has("the last words");
    expect(collector.text()).toBe(text);
    socket.destroy();
  });
});

describe("actions", () => {
  it("are handed to the guest one by one, and none when there is none", async () => {
    await using service = await ServiceOnLoopback.start({ service: { pollMs: 20 } });
    await expect(nextAction(service)).resolves.toEqual({ id: "none", type: "none" });
    const file = service.session.getFile("/a/b");
    await expect(nextAction(service)).resolves.toEqual({ id: expect.any(String), type: "get-artifact", path: "/a/b" });
    service.session.close(new Error("over"));
    await expect(file).rejects.toThrow("over");
  });

  it("go to the newest poll, and again where the connection broke before the next one", async () => {
    await using service = await ServiceOnLoopback.start();
    const keptAlive = new Agent({ keepAlive: true, maxSockets: 1 });
    const older = nextAction(service);
    await service.session.firstContact;
    const newer = call(service, "/engine/v1/poll", { agent: keptAlive });
    await expect(older).resolves.toMatchObject({ type: "none" });
    const list = service.session.listFolder("/d");
    const first = (await newer).json() as { id: string };
    keptAlive.destroy();
    const again = await nextAction(service);
    expect(again.id).toBe(first.id);
    const body = JSON.stringify({ files: ["/d/x"], notFound: false });
    await call(service, `/engine/v1/reply?id=${again.id}`, { method: "POST", body, headers: JSON_TYPE });
    await expect(list).resolves.toEqual(["x"]);
  });

  it("refuse answers with an unknown, missing, double or used id", async () => {
    await using service = await ServiceOnLoopback.start();
    const list = service.session.listFolder("/d");
    const { id } = await nextAction(service);
    const post = (query: string) =>
      call(service, `/engine/v1/reply${query}`, { method: "POST", body: '{"files":[]}', headers: JSON_TYPE });
    for (const query of ["", "?id=", "?id=none", "?id=__proto__", `?id=${id}&id=${id}`, `?id=${id}x`]) {
      const response = await post(query);
      expect(response.status).toBe(400);
      expect(response.json()).toMatchObject({ code: "UnknownActionId" });
    }
    await expect(post(`?id=${id}`)).resolves.toMatchObject({ status: 200 });
    await expect(post(`?id=${id}`)).resolves.toMatchObject({ status: 400 });
    await expect(list).resolves.toEqual([]);
  });

  it("time out, and can be aborted, at any stage", async () => {
    await using service = await ServiceOnLoopback.start();
    const { session } = service;
    const silent = { code: "guest-not-answering", blame: "image" };
    await expect(session.getFile("/x", { timeoutMs: 20 })).rejects.toMatchObject(silent);
    const delivered = session.getFile("/x", { timeoutMs: 200 });
    const outcome = expect(delivered).rejects.toMatchObject(silent);
    const { id } = await nextAction(service);
    await outcome;
    await expect(call(service, `/engine/v1/reply?id=${id}`, { method: "POST" })).resolves.toMatchObject({
      status: 400,
    });
    const signal = AbortSignal.abort(new Error("canceled"));
    await expect(session.getFile("/x", { signal })).rejects.toThrow("canceled");
    const abort = new AbortController();
    const queued = session.killProcess({ signal: abort.signal });
    abort.abort(new Error("canceled later"));
    await expect(queued).rejects.toThrow("canceled later");
  });

  it("fail when the session is closed, and so do later ones", async () => {
    const service = await ServiceOnLoopback.start();
    const waiting = [service.session.getFile("/x"), service.session.killProcess(), service.session.resolved];
    const outcomes = waiting.map((each) => expect(each).rejects.toMatchObject({ code: "guest-session-closed" }));
    await service[Symbol.asyncDispose]();
    await Promise.all(outcomes);
    await expect(service.session.listFolder("/x")).rejects.toMatchObject({ code: "guest-session-closed" });
  });

  it("give the reason of a guest that breaks off while it sends", async () => {
    await using service = await ServiceOnLoopback.start();
    const opening = service.session.getFile("/x");
    const { id } = await nextAction(service);
    const socket = connect(service.port, "127.0.0.1");
    socket.write(`POST /engine/v1/reply?id=${id} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc`);
    const { stream } = await opening;
    const reading = buffer(stream);
    socket.destroy();
    await expect(reading).rejects.toMatchObject({ code: "guest-transfer-broken" });
  });

  it("give up on a guest that stops sending, but not while the host is the slow one", async () => {
    await using service = await ServiceOnLoopback.start();
    const opening = service.session.getFile("/x", { idleTimeoutMs: 50 });
    const { id } = await nextAction(service);
    const socket = connect(service.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(`POST /engine/v1/reply?id=${id} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc`);
    const { stream } = await opening;
    await expect(buffer(stream)).rejects.toMatchObject({ code: "guest-not-answering" });

    const again = service.session.getFile("/x", { idleTimeoutMs: 20 });
    const answered = answer(service, { body: Buffer.alloc(3_000_000) });
    const { stream: slowlyRead } = await again;
    slowlyRead.once("readable", () => {});
    await setTimeout(100);
    expect((await buffer(slowlyRead)).length).toBe(3_000_000);
    await answered;
  });

  it("hand over a stream at the pace of whoever reads it", async () => {
    await using service = await ServiceOnLoopback.start();
    const opening = service.session.getFile("/x");
    let sent = 0;
    const endless = new Readable({
      read() {
        sent += 65_536;
        this.push(Buffer.alloc(65_536));
      },
    });
    const answered = answer(service, { body: endless }).catch(() => undefined);
    const { stream } = await opening;
    let before = -1;
    await vi.waitFor(() => {
      const still = sent === before;
      before = sent;
      expect(still).toBe(true);
    });
    expect(sent).toBeLessThan(64 * 1_024 * 1_024);
    stream.destroy();
    await answered;
    endless.destroy();
  });
});

describe("a hostile guest", () => {
  async function listing(body: string): Promise<unknown> {
    await using service = await ServiceOnLoopback.start();
    const list = service.session.listFolder("/d");
    list.catch(() => {});
    await answer(service, { body, headers: JSON_TYPE }).catch(() => undefined);
    return list;
  }

  it.each([
    ["another folder", ["/etc/passwd"]],
    ["a folder beside it", ["/d2/x"]],
    ["a way out", ["/d/../etc/passwd"]],
    ["the folder itself", ["/d/"]],
    ["a doubled slash", ["/d//x"]],
    ["a NUL", ["/d/a\0b"]],
    ["a relative path", ["x"]],
  ])("cannot list %s", async (_name, files) => {
    await expect(listing(JSON.stringify({ files }))).rejects.toMatchObject({ code: "unsafe-path", blame: "task" });
  });

  it.each([
    ["nothing", ""],
    ["no list", '{"files":{}}'],
    ["numbers", '{"files":[1]}'],
    ["no JSON", '{"files":['],
    ["more than 10 MiB", JSON.stringify({ files: Array.from({ length: 1_100_000 }, () => "/d/xxxxxx") })],
  ])("cannot send %s for a list", async (_name, body) => {
    await expect(listing(body)).rejects.toMatchObject({ code: "guest-protocol-error", blame: "image" });
  });

  async function folder(fill: (tar: Pack) => void): Promise<string[]> {
    await using service = await ServiceOnLoopback.start();
    await call(service, "/engine/v1/ping", { headers: { "user-agent": "boxcar-agent/x" } });
    const tar = pack();
    fill(tar);
    tar.finalize();
    const opening = service.session.getFolder("/d", { limits: { maxFiles: 3, maxTotalBytes: 10_000 } });
    const body = Readable.from(tar, { objectMode: false });
    const answered = answer(service, { body }).catch(() => undefined);
    const names: string[] = [];
    try {
      for await (const file of (await opening).files) names.push(file.path);
      return names;
    } finally {
      body.destroy();
      await answered;
    }
  }

  it.each([
    ["absolute", "/etc/cron.d/x"],
    ["on a way out", "a/../../x"],
    ["behind a dot", "./x"],
  ])("cannot name a file %s in a folder", async (_name, name) => {
    await expect(folder((tar) => tar.entry({ name }, "x"))).rejects.toMatchObject({ code: "unsafe-path" });
  });

  it("cannot send links, devices, doubles, too many or too much in a folder", async () => {
    const refused = { code: "folder-refused", blame: "task" };
    const link = (tar: Pack) => tar.entry({ name: "x", type: "symlink", linkname: "/etc/passwd" });
    const hardLink = (tar: Pack) => tar.entry({ name: "x", type: "link", linkname: "y" });
    const device = (tar: Pack) => tar.entry({ name: "x", type: "character-device" });
    const twice = (tar: Pack) => ["x", "x"].forEach((name) => void tar.entry({ name }, "x"));
    const fileAndFolder = (tar: Pack) => ["x", "x/y"].forEach((name) => void tar.entry({ name }, "x"));
    const many = (tar: Pack) => ["a", "b", "c", "d"].forEach((name) => void tar.entry({ name }, "x"));
    const much = (tar: Pack) => tar.entry({ name: "a" }, Buffer.alloc(10_001));
    for (const fill of [link, hardLink, device, twice, fileAndFolder, many, much]) {
      await expect(folder((tar) => void fill(tar))).rejects.toMatchObject(refused);
    }
    await expect(folder((tar) => void tar.entry({ name: "ok/x" }, "x"))).resolves.toEqual(["ok/x"]);
  });

  it("makes no more checkpoints by asking for a thousand at once over one connection", async () => {
    const warnings: string[] = [];
    const note = ({ name }: Error) => void warnings.push(name);
    process.on("warning", note);
    let taken = 0;
    const onCheckpoint = async () => {
      taken += 1;
      return { bytes: 1, stillMs: 1 };
    };
    await using service = await ServiceOnLoopback.start({ onCheckpoint, maxCheckpoints: 2 });
    const ask = (index: number) =>
      [`PUT /engine/v1/checkpoint/n${index} HTTP/1.1`, "Host: 169.254.169.254", "Content-Length: 0"].join("\r\n");
    const socket = connect(service.port, "127.0.0.1");
    for (let index = 1; index < 1_000; index++) socket.write(`${ask(index)}\r\n\r\n`);
    socket.write(`${ask(0)}\r\nConnection: close\r\n\r\n`);
    const answers = (await buffer(socket)).toString().match(/HTTP\/1\.1 \d+/g) ?? [];
    process.off("warning", note);
    expect(answers).toHaveLength(1_000);
    expect(taken).toBeLessThanOrEqual(2);
    expect(answers.filter((answer) => answer.endsWith(" 200"))).toHaveLength(taken);
    expect(warnings).toEqual([]);
  });

  it("cannot say nonsense of how a command ended", async () => {
    await using service = await ServiceOnLoopback.start();
    const running = service.session.exec({ command: ["x"] });
    running.catch(() => {});
    await answer(service, { body: "output" });
    await expect(running).rejects.toMatchObject({ code: "guest-protocol-error" });
  });

  it("cannot fetch content that is not for it", async () => {
    await using service = await ServiceOnLoopback.start();
    const opening = service.session.getFile("/x", { timeoutMs: 1_000 });
    opening.catch(() => {});
    const { id } = await nextAction(service);
    await expect(call(service, `/engine/v1/reply?id=${id}`)).resolves.toMatchObject({ status: 405 });
    await expect(call(service, "/engine/v1/reply?id=none")).resolves.toMatchObject({ status: 400 });
  });
});

describe("other guest tools", () => {
  /** Knows get-artifact and list-folder only, and sends no lengths. */
  async function serve(service: ServiceOnLoopback, files: Record<string, string>, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const { id, type, path = "" } = await nextAction(service);
      const to = `/engine/v1/reply?id=${id}`;
      if (type === "list-folder") {
        const body = JSON.stringify({ files: Object.keys(files).map((name) => `${path}/${name}`), notFound: false });
        await call(service, to, { method: "POST", body, headers: JSON_TYPE });
      } else {
        const content = files[path.replace("/d/", "")];
        const headers = content === undefined ? { "x-taskcluster-worker-error": "file-not-found" } : {};
        await call(service, to, { method: "POST", body: Readable.from([content ?? ""]), headers });
      }
    }
  }

  it("are asked for a folder file by file", async () => {
    await using service = await ServiceOnLoopback.start();
    await call(service, "/engine/v1/ping", { headers: { "user-agent": "Go-http-client/1.1" } });
    const files = { a: "first", "b/c": "second" };
    const served = serve(service, files, 3);
    const found: Record<string, string> = {};
    for await (const file of (await service.session.getFolder("/d")).files) {
      found[file.path] = (await buffer(file.stream)).toString();
    }
    await served;
    expect(found).toEqual(files);
  });

  it("are told from Boxcar's agent before they are asked for what they do not know", async () => {
    await using service = await ServiceOnLoopback.start();
    await call(service, "/engine/v1/ping");
    const cannot = { code: "not-supported-by-guest" };
    await expect(service.session.exec({ command: ["x"] })).rejects.toMatchObject(cannot);
    const content = createReadStream(import.meta.filename);
    await expect(service.session.putFile("/x", content)).rejects.toMatchObject(cannot);
    content.destroy();
  });

  it("confirm a kill without saying what they found", async () => {
    await using service = await ServiceOnLoopback.start();
    const killing: ReturnType<GuestSession["killProcess"]> = service.session.killProcess();
    await answer(service, {});
    await expect(killing).resolves.toEqual({ found: undefined, left: undefined });
  });
});

describe("the metadata service of a machine that has moved", () => {
  const AGENT = { "user-agent": "boxcar-agent/abc" };
  const PATHS = [
    ["GET", "/engine/v1/execute?wait=1"],
    ["POST", "/engine/v1/log"],
    ["PUT", "/engine/v1/success/"],
    ["PUT", "/engine/v1/failed?step=1"],
    ["GET", "/engine/v1/poll"],
    ["POST", "/engine/v1/reply?id=x"],
  ] as const;

  it("tells an agent that has not heard of it to wait, and does not take that for a contact", async () => {
    const move = createMove({ fork: { checkpoint: "a", index: 0, count: 1 } });
    await using service = await ServiceOnLoopback.start({ task: TASK, move });
    for (const [method, path] of PATHS) {
      for (const headers of [AGENT, {}, { ...AGENT, "x-boxcar-life": "before" }]) {
        const { status, json } = await call(service, path, { method, headers });
        expect(status).toBe(503);
        expect(json()).toMatchObject({ code: "AnotherLife" });
      }
    }
    expect(service.session.agentVersion).toBeUndefined();
    const headers = { ...AGENT, "x-boxcar-life": move.life };
    await expect(call(service, "/engine/v1/execute", { headers })).resolves.toMatchObject({ status: 200 });
    await expect(service.session.firstContact).resolves.toBeUndefined();
  });

  it("answers commands at any time", async () => {
    await using service = await ServiceOnLoopback.start({ move: createMove({ checkpoint: "built" }) });
    const put = { method: "PUT", headers: AGENT };
    await expect(call(service, "/engine/v1/ping", { headers: AGENT })).resolves.toMatchObject({ status: 200 });
    const answer = await call(service, "/engine/v1/checkpoint/built", put);
    expect(answer.json()).toEqual({ name: "built", goesOn: true });
    await expect(call(service, "/engine/v1/checkpoint/other", put)).resolves.toMatchObject({ status: 409 });
  });
});

describe("a checkpoint of a machine", () => {
  it("is answered when it is stored, and given up when who asked hangs up", async () => {
    const aborted = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    await using service = await ServiceOnLoopback.start({
      onCheckpoint: async (name, signal) => {
        if (name === "quick") return { bytes: 5, stillMs: 6 };
        begun.resolve();
        signal.addEventListener("abort", () => aborted.resolve());
        return await new Promise<never>((_resolve, reject) => aborted.promise.then(reject));
      },
    });
    const quick = await call(service, "/engine/v1/checkpoint/quick", { method: "PUT" });
    expect(quick.json()).toEqual({ name: "quick", bytes: 5, stillMs: 6 });
    const socket = connect(service.port, "127.0.0.1");
    socket.write("PUT /engine/v1/checkpoint/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    await begun.promise;
    await expect(call(service, "/engine/v1/checkpoint/other", { method: "PUT" })).resolves.toMatchObject({
      status: 409,
    });
    socket.destroy();
    await aborted.promise;
  });

  it("has a name, no body, and is put", async () => {
    await using service = await ServiceOnLoopback.start({ onCheckpoint: async () => ({ bytes: 5, stillMs: 6 }) });
    const put = (path: string, body?: string) => call(service, path, { method: "PUT", ...(body && { body }) });
    for (const path of ["A", "%2e%2e", "a%2fb", "a%0d%0a", "a".repeat(64)]) {
      await expect(put(`/engine/v1/checkpoint/${path}`)).resolves.toMatchObject({ status: 400 });
    }
    await expect(put("/engine/v1/checkpoint/")).resolves.toMatchObject({ status: 404 });
    await expect(put("/engine/v1/checkpoint/a", "body")).resolves.toMatchObject({ status: 400 });
    await expect(call(service, "/engine/v1/checkpoint/a")).resolves.toMatchObject({ status: 405 });
  });
});
