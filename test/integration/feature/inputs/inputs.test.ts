import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { type ClientRequest, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tryParseUrlPrefix, type UrlPrefix } from "../../../../src/base/url-prefix.ts";
import { ActiveInputs, type InputsOptions } from "../../../../src/feature/inputs/active-inputs.ts";
import { type FetchedInput, type InputRequest, inputRequests } from "../../../../src/feature/inputs/request.ts";
import { ServiceOnLoopback } from "../../guest/guest-harness.ts";
import { FileServer, type Handler } from "./file-server.ts";

const MIB = 1_048_576;
const digestOf = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");

let directory: string;
let notes: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-inputs-"));
  notes = [];
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

interface Overrides extends Partial<Omit<InputsOptions, "settings">> {
  allow?: readonly string[];
  maxBytes?: number;
  cacheBytes?: number;
}

function activeInputs(inputs: readonly InputRequest[], overrides: Overrides = {}): ActiveInputs {
  const { allow = [], maxBytes = MIB, cacheBytes = MIB, ...options } = overrides;
  return new ActiveInputs(
    { inputs, user: undefined },
    {
      settings: { allow: allow.map((prefix) => tryParseUrlPrefix(prefix) as UrlPrefix), maxBytes, cacheBytes },
      directory,
      reserveBytes: 0,
      note: (line) => notes.push(line),
      signal: new AbortController().signal,
      download: { backOffMs: 1, maxAttempts: 3 },
      ...options,
    },
  );
}

function fetched(url: string, content: string | Buffer): FetchedInput {
  return {
    kind: "fetched",
    url,
    sha256: digestOf(content),
    path: "/opt/a",
    user: undefined,
    mode: 0o644,
    extract: false,
  };
}

/** Prepares the inputs of one task, whose host is done with it at once. */
async function prepare(server: FileServer, inputs: readonly InputRequest[], overrides: Overrides = {}): Promise<void> {
  await using active = activeInputs(inputs, { allow: [server.url("/")], ...overrides });
  await active.prepare();
}

const kept = () => readdir(join(directory, "files"));

/** Nothing is in the cache, in work, or locked. */
async function expectNothingLeft(): Promise<void> {
  const names = await Promise.all(["files", "staging", "locks"].map((name) => readdir(join(directory, name))));
  expect(names.flat()).toEqual([]);
}

describe("fetching inputs", () => {
  it("downloads once for several inputs, and not at all for a later task", async () => {
    await using server = await FileServer.start({ "/a?x=secret": "hello" });
    const input = fetched(server.url("/a?x=secret"), "hello");
    await prepare(server, [input, { ...input, path: "/opt/b" }]);
    await prepare(server, [input]);
    expect(server.requests).toEqual(["/a?x=secret"]);
    expect(notes).toEqual([`downloading ${server.url("/a")}, 5 B`]);
    expect(await kept()).toEqual([digestOf("hello")]);
  });

  it("goes on where a connection broke", async () => {
    const content = randomBytes(200_000);
    const broken: Handler = (response, { headers: { range } }) => {
      const begin = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
      const rest = content.subarray(begin);
      const headers = { etag: '"v1"', "content-length": rest.length };
      if (begin === 0) {
        response.writeHead(200, headers);
        // What was written still arrives.
        response.write(rest.subarray(0, 1_000), () => response.socket?.end());
      } else response.writeHead(206, { ...headers, "content-range": `bytes ${begin}-199999/200000` }).end(rest);
    };
    await using server = await FileServer.start({ "/a": broken });
    await prepare(server, [fetched(server.url("/a"), content)]);
    // Whether it had something when the first one broke is up to the kernel.
    expect(server.requests[0]).toBe("/a");
    expect(server.requests.at(-1)).toMatch(/^\/a bytes=[1-9]\d*-$/);
    expect(await kept()).toEqual([digestOf(content)]);
  });

  it("blames the task for another digest, and names both", async () => {
    await using server = await FileServer.start({ "/a": "hello" });
    const input = { ...fetched(server.url("/a"), "hello"), sha256: digestOf("other") };
    const error = await prepare(server, [input]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "input-digest-mismatch", blame: "task" });
    expect(String(error)).toContain(digestOf("hello"));
    expect(String(error)).toContain(digestOf("other"));
    await expectNothingLeft();
  });

  it("blames the task for what is not there, and the server for what does not come", async () => {
    await using server = await FileServer.start({ "/down": (response) => response.writeHead(503).end() });
    const missing = prepare(server, [fetched(server.url("/none"), "")]);
    await expect(missing).rejects.toMatchObject({ code: "download-refused", blame: "task", details: { status: 404 } });
    const down = prepare(server, [fetched(server.url("/down"), "")]);
    await expect(down).rejects.toMatchObject({ code: "download-failed", blame: "upstream" });
    expect(server.requests).toEqual(["/none", "/down", "/down", "/down"]);
    await expectNothingLeft();
  });

  it.each([
    ["that says how large it is", { "content-length": "600000" }],
    ["that does not say", {}],
  ])("takes no more than is allowed for a task from a server %s", async (_, headers) => {
    const contents = [Buffer.alloc(600_000, "a"), Buffer.alloc(600_000, "b")] as const;
    const [a, b] = contents.map((content): Handler => {
      return (response) => {
        response.writeHead(200, headers).write(content.subarray(1));
        response.end(content.subarray(0, 1));
      };
    }) as [Handler, Handler];
    await using server = await FileServer.start({ "/a": a, "/b": b });
    const inputs = [fetched(server.url("/a"), contents[0]), fetched(server.url("/b"), contents[1])];
    await expect(prepare(server, inputs)).rejects.toMatchObject({ code: "input-too-large", blame: "task" });
    const [staging, locks] = await Promise.all(["staging", "locks"].map((name) => readdir(join(directory, name))));
    expect([...(staging as string[]), ...(locks as string[])]).toEqual([]);
  });

  it("counts what is in the cache already too", async () => {
    await using server = await FileServer.start({ "/a": Buffer.alloc(1_000) });
    const input = fetched(server.url("/a"), Buffer.alloc(1_000));
    await prepare(server, [input]);
    await expect(prepare(server, [input], { maxBytes: 999 })).rejects.toMatchObject({ code: "input-too-large" });
  });

  it("keeps what was used last", async () => {
    const contents = ["a", "b", "c"].map((letter) => letter.repeat(400));
    const files = Object.fromEntries(contents.map((content) => [`/${content[0]}`, content]));
    await using server = await FileServer.start(files);
    const [a, b, c] = contents.map((content) => fetched(server.url(`/${content[0]}`), content)) as [
      FetchedInput,
      FetchedInput,
      FetchedInput,
    ];
    for (const input of [a, b, a, c]) await prepare(server, [input], { cacheBytes: 1_000 });
    expect((await kept()).sort()).toEqual([a.sha256, c.sha256].sort());
  });

  it("leaves nothing when it is cancelled in the middle", async () => {
    const begun = Promise.withResolvers<void>();
    const endless: Handler = (response) => {
      response.writeHead(200).write("x", () => begun.resolve());
    };
    await using server = await FileServer.start({ "/a": endless });
    const controller = new AbortController();
    const preparing = prepare(server, [fetched(server.url("/a"), "")], { signal: controller.signal });
    await begun.promise;
    controller.abort(new Error("changed my mind"));
    await expect(preparing).rejects.toThrow("changed my mind");
    await expectNothingLeft();
  });

  it("stops the other downloads when one fails", async () => {
    const begun = Promise.withResolvers<void>();
    const endless: Handler = (response) => {
      response.writeHead(200).write("x", () => begun.resolve());
    };
    const missing: Handler = (response) => void begun.promise.then(() => response.writeHead(404).end());
    await using server = await FileServer.start({ "/a": endless, "/b": missing });
    const inputs = [fetched(server.url("/a"), "a"), fetched(server.url("/b"), "b")];
    await expect(prepare(server, inputs)).rejects.toMatchObject({ code: "download-refused" });
    await expectNothingLeft();
  });

  it("downloads once for two processes", async () => {
    const both = Promise.withResolvers<void>();
    const held: Handler = (response) => void both.promise.then(() => response.end("hello"));
    await using server = await FileServer.start({ "/a": held });
    const url = server.url("/a");
    const inputs = [{ url, sha256: digestOf("hello"), path: "/opt/a" }];
    const script = join(import.meta.dirname, "preparing-process.ts");
    const children = [0, 1].map(() =>
      spawn(process.execPath, [script, JSON.stringify({ directory, inputs, allow: url })], {
        stdio: ["ignore", "pipe", "inherit"],
      }),
    );
    await Promise.all(children.map(({ stdout }) => once(stdout, "data")));
    both.resolve();
    const rest = await Promise.all(children.map(({ stdout }) => text(stdout)));
    expect(rest).toEqual(["prepared\n", "prepared\n"]);
    expect(server.requests).toEqual(["/a"]);
  });

  it("takes over from a process that dies in the middle", async () => {
    let attempts = 0;
    const begun = Promise.withResolvers<void>();
    const first: Handler = (response) => {
      attempts++;
      if (attempts === 1) response.writeHead(200, { "content-length": 5 }).write("he", () => begun.resolve());
      else response.end("hello");
    };
    await using server = await FileServer.start({ "/a": first });
    const url = server.url("/a");
    const inputs = [{ url, sha256: digestOf("hello"), path: "/opt/a" }];
    const script = join(import.meta.dirname, "preparing-process.ts");
    const child = spawn(process.execPath, [script, JSON.stringify({ directory, inputs, allow: url })], {
      stdio: "ignore",
    });
    await begun.promise;
    const preparing = prepare(server, inputRequests(inputs));
    child.kill("SIGKILL");
    await once(child, "exit");
    await preparing;
    expect(await kept()).toEqual([digestOf("hello")]);
    await prepare(server, []);
    expect(await readdir(join(directory, "locks"))).toEqual([]);
  });
});

describe("where inputs may come from", () => {
  const redirect =
    (location: string): Handler =>
    (response) =>
      response.writeHead(302, { location }).end();

  it("follows a redirect to what is allowed too", async () => {
    await using server = await FileServer.start({ "/a": redirect("b"), "/b": "hello" });
    await prepare(server, [fetched(server.url("/a"), "hello")]);
    expect(server.requests).toEqual(["/a", "/b"]);
  });

  it("does not follow one to anything else, and does not even ask there", async () => {
    await using other = await FileServer.start({ "/a": "hello" });
    await using server = await FileServer.start({ "/dl/a": redirect(other.url("/a?x=1")), "/dl/b": redirect("/a") });
    const allow = [server.url("/dl/")];
    for (const path of ["/dl/a", "/dl/b"]) {
      const refused = prepare(server, [fetched(server.url(path), "hello")], { allow });
      await expect(refused).rejects.toMatchObject({ code: "input-not-allowed", blame: "task" });
    }
    expect(other.requests).toEqual([]);
    expect(server.requests).toEqual(["/dl/a", "/dl/b"]);
    await expectNothingLeft();
  });

  it("follows neither other protocols nor circles", async () => {
    await using server = await FileServer.start({ "/a": redirect("file:///etc/passwd"), "/b": redirect("/b") });
    for (const path of ["/a", "/b"]) {
      await expect(prepare(server, [fetched(server.url(path), "")])).rejects.toMatchObject({ blame: "task" });
    }
    expect(server.requests).toHaveLength(12);
  });

  it.each(["127.0.0.1", "localhost", "0x7f.1"])("is not this host, %s, where all hosts are allowed", async (host) => {
    await using server = await FileServer.start({ "/a": "hello" });
    const input = fetched(`http://${host}:${server.port}/a`, "hello");
    await expect(prepare(server, [input], { allow: ["http://"] })).rejects.toMatchObject({
      code: "address-refused",
      blame: "task",
    });
    expect(server.requests).toEqual([]);
  });

  it("is this host where it is named", async () => {
    await using server = await FileServer.start({ "/a": "hello" });
    const url = `http://localhost:${server.port}`;
    await prepare(server, [fetched(`${url}/a`, "hello")], { allow: ["http://", url] });
    expect(server.requests).toEqual(["/a"]);
  });
});

/** What a guest does that is asked to take a file: fetches it and says that it has it. */
async function takeFile({ port }: ServiceOnLoopback): Promise<{ action: Record<string, unknown>; content: string }> {
  const peer = { port, host: "127.0.0.1", agent: false, headers: { "user-agent": "boxcar-agent/1" } };
  const get = async (path: string) => {
    const asked: ClientRequest = request({ ...peer, path }).end();
    const [response] = (await once(asked, "response")) as [NodeJS.ReadableStream];
    return (await buffer(response)).toString();
  };
  const action = JSON.parse(await get("/engine/v1/poll")) as Record<string, unknown>;
  const reply = `/engine/v1/reply?id=${action["id"]}`;
  const content = await get(reply);
  request({ ...peer, path: reply, method: "POST" }).end("{}");
  return { action, content };
}

describe("putting inputs into a guest", () => {
  it("sends the same file to several places, in the order of the payload", async () => {
    await using server = await FileServer.start({ "/a": "hello" });
    await using service = await ServiceOnLoopback.start();
    const input = fetched(server.url("/a"), "hello");
    await using active = activeInputs(
      [
        { ...input, mode: 0o755, user: "root" },
        { kind: "inline", content: "größer\n", path: "/etc/x", mode: 0o600, user: undefined },
        { ...input, path: "/opt/b" },
      ],
      { allow: [server.url("/")] },
    );
    await active.prepare();
    // It is removed meanwhile, and there all the same.
    await rm(join(directory, "files"), { recursive: true });
    const takeAll = async () => [await takeFile(service), await takeFile(service), await takeFile(service)];
    const [taken] = await Promise.all([takeAll(), active.furnish({ guest: service.session })]);
    expect(taken).toEqual([
      {
        action: { id: expect.any(String), type: "put-file", path: "/opt/a", mode: 0o755, user: "root" },
        content: "hello",
      },
      { action: { id: expect.any(String), type: "put-file", path: "/etc/x", mode: 0o600 }, content: "größer\n" },
      { action: { id: expect.any(String), type: "put-file", path: "/opt/b", mode: 0o644 }, content: "hello" },
    ]);
    expect(notes.at(-1)).toBe("3 inputs are in place: 19 B, 1 downloaded");
  });

  it("lets go of its files when the run is cancelled while the guest takes one", async () => {
    await using server = await FileServer.start({ "/a": "hello" });
    await using service = await ServiceOnLoopback.start();
    const controller = new AbortController();
    const active = activeInputs([fetched(server.url("/a"), "hello")], {
      allow: [server.url("/")],
      signal: controller.signal,
    });
    await active.prepare();
    const furnished = active.furnish({ guest: service.session });
    controller.abort(new Error("changed my mind"));
    await expect(furnished).rejects.toThrow("changed my mind");
    await active[Symbol.asyncDispose]();
  });
});
