/** What a command says of a server that is not there, is no worker, or wants to know who asks. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { type IncomingMessage, ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { type Duplex, PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../../../src/cli/program.ts";
import { currentSurroundings } from "../../../src/config/host-facts.ts";
import { encodeShellMessage, type ShellMessage } from "../../../src/guest/shell-protocol.ts";

const { createServer } = process.getBuiltinModule("node:http");
const { createServer: createSecureServer } = process.getBuiltinModule("node:https");

let folder: string;
let plain: string;
let secure: string;
let closed: string;
const servers: Server[] = [];

/** By the first part of the path. */
const ANSWERS: Record<string, (response: ServerResponse) => unknown> = {
  page: (response) => response.setHeader("content-type", "text/html").end("<html>log in to this wireless network"),
  moved: (response) => response.writeHead(302, { location: "https://login.example/" }).end(),
  missing: (response) => response.writeHead(404).end("not here"),
  broken: (response) => response.writeHead(502, { "content-type": "application/json" }).end('{"message":'),
  login: (response) => refuse(response, "unauthenticated", "send a header"),
  unknown: (response) => refuse(response, "bad-token", "this token has expired"),
  picture: (response) => response.setHeader("content-type", "image/png").end("PNG"),
};

function refuse(response: ServerResponse, code: string, message: string): void {
  response.writeHead(401, { "content-type": "application/json" }).end(JSON.stringify({ code, message }));
}

async function listen(server: Server): Promise<string> {
  servers.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  folder = await mkdtemp("/tmp/bxs-");
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  await execa("openssl", ["req", ...kind, "-subj", "/CN=localhost", "-keyout", key, "-out", cert]);
  const answer = ({ url }: IncomingMessage, response: ServerResponse) => ANSWERS[url?.split("/")[1] ?? ""]?.(response);
  plain = await listen(
    createServer(answer).on("upgrade", (request, socket) => {
      if (request.url?.startsWith("/api/")) speakAtOnce(request, socket);
      else {
        const response = new ServerResponse(request);
        response.assignSocket(socket as Socket);
        answer(request, response);
      }
    }),
  );
  secure = await listen(createSecureServer({ key: await readFile(key), cert: await readFile(cert) }));
  const gone = createTcpServer();
  closed = await listen(gone);
  gone.close();
  await mkdir(join(folder, "out"));
  await writeFile(join(folder, "token"), "bxc_1 # of ann\n");
  await writeFile(join(folder, "empty"), "\n");
});

afterAll(async () => {
  for (const server of servers) server.close();
  await rm(folder, { recursive: true });
});

/** A command line in this process. */
async function boxcar(args: readonly string[], env: Record<string, string> = {}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  let exitCode = 0;
  await runCli(args, {
    ...{ cwd: folder, stdin: Readable.from([]), stdout, stderr },
    ...{ signal: new AbortController().signal, hurry: new AbortController().signal },
    surroundings: currentSurroundings({ ...env, BOXCAR_RUN_DIR: join(folder, "run") }),
    loadConfig: () => Promise.reject(new Error("no configuration is needed")),
    setExitCode: (code) => {
      exitCode = code;
    },
  });
  stdout.end();
  stderr.end();
  return { exitCode, stdout: await text(stdout), stderr: await text(stderr) };
}

const COMMANDS = [
  ["logs", "pX3"],
  ["top", "--once"],
  ["top", "--json"],
  ["shell", "pX3"],
  ["screenshot", "pX3", "-o", "out/screen.png"],
  ["vnc", "pX3"],
  ["vnc", "pX3", "--url"],
  ["keep", "pX3", "--for", "1 hour"],
  ["release", "pX3"],
];

describe.each(COMMANDS.map((command) => [command.join(" "), command] as const))("boxcar %s", (_name, command) => {
  const ask = (server: string) => boxcar([...command, "--server", server], { BOXCAR_TOKEN: "bxc_1" });

  it.each([
    ["page", 2, /answers with status 200, and is no worker of Boxcar/],
    ["moved", 2, /answers with a redirect to https:\/\/login\.example\/, and is no worker of Boxcar/],
    ["missing", 2, /answers with status 404, and is no worker of Boxcar/],
    ["broken", 3, /answers with status 502, and is no worker of Boxcar/],
    ["login", 2, /asks for a token; set BOXCAR_TOKEN, or give --token-file$/m],
    ["unknown", 2, /does not take this token: this token has expired$/m],
  ])("says what is wrong with what answers: %s", async (path, exitCode, message) => {
    const server = `http://${plain}/${path}`;
    const found = await ask(server);
    expect(found).toMatchObject({ exitCode, stdout: "", stderr: expect.stringMatching(message) });
    expect(found.stderr).toContain(`http://${plain}`);
    expect(found.stderr).not.toContain("bug of Boxcar");
    expect(await readdir(join(folder, "out"))).toEqual([]);
  });
});

/** Says the first words of a shell together with its answer to the handshake. */
function speakAtOnce({ headers }: IncomingMessage, socket: Duplex): void {
  const accept = createHash("sha1").update(`${headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  const answer = ["HTTP/1.1 101 OK", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: "].join(
    "\r\n",
  );
  const said: ShellMessage[] = [
    { type: "data", stream: "stdout", bytes: Buffer.from("hello") },
    { type: "exit", success: true },
  ];
  const frames = said.map(encodeShellMessage).flatMap((message) => [Buffer.of(0x82, message.length), message]);
  socket.write(Buffer.concat([Buffer.from(`${answer}${accept.digest("base64")}\r\n\r\n`), ...frames]));
}

it("what a worker says together with its first answer is heard", async () => {
  const shell = await boxcar(["shell", "x", "--server", `http://${plain}`]);
  expect(shell).toEqual({ exitCode: 0, stdout: "hello", stderr: "" });
});

describe("a command for a worker elsewhere", () => {
  it.each([
    ["nobody", () => `http://${closed}`, /cannot be reached: .*ECONNREFUSED/],
    ["HTTP", () => `https://${plain}`, /cannot be reached: it does not speak HTTPS; its address may begin with http:/],
    ["HTTPS", () => `http://${secure}`, /cannot be reached: it has hung up; its address may begin with https:/],
    ["a stranger", () => `https://${secure}`, /nobody known here vouches for its certificate; NODE_EXTRA_CA_CERTS can/],
  ])("says why it cannot be reached: it is %s", async (_name, server, message) => {
    for (const command of [["logs"], ["shell"]]) {
      const found = await boxcar([...command, "pX3"], { BOXCAR_SERVER: server() });
      expect(found).toMatchObject({ exitCode: 3, stderr: expect.stringMatching(message) });
    }
  });

  it.each([
    [["--server", "ci.example"], {}, "--server must be an address such as https://ci.example.com, not ci.example"],
    [["--server", "ftp://ci.example"], {}, "--server must be an address"],
    [[], { BOXCAR_SERVER: "x" }, "BOXCAR_SERVER must be an address"],
    [["--token-file", "token"], {}, "the token file token has more in it than a token, which is one word"],
    [["--token-file", "empty"], {}, "the token file empty is empty"],
    [["--token-file", "none"], {}, "the token file none cannot be read: there is no such file"],
    [[], { BOXCAR_TOKEN: "two words" }, "BOXCAR_TOKEN has more in it than a token"],
  ])("refuses what is no address or no token: %j %j", async (flags, env, message) => {
    const server = { BOXCAR_SERVER: `http://${plain}` };
    const args = flags.map((flag) => flag.replace(/^(token|empty|none)$/, `${folder}/$1`));
    const found = await boxcar(["logs", "pX3", ...args], { ...server, ...env });
    expect(found).toMatchObject({ exitCode: 2, stdout: "" });
    expect(found.stderr.replaceAll(`${folder}/`, "")).toContain(`boxcar: ${message}`);
  });

  it("takes the address as documents about the API have it", async () => {
    const { stderr } = await boxcar(["top", "--once", "--server", `http://${plain}/missing/api/v1/`]);
    expect(stderr).toContain(`http://${plain}/missing/ answers with status 404`);
  });

  it("leaves a device what it is, and says where a picture cannot be", async () => {
    const save = (file: string) => boxcar(["screenshot", "x", "-o", file, "--server", `http://${plain}/picture`]);
    expect(await save("/dev/null")).toMatchObject({ exitCode: 0 });
    expect((await stat("/dev/null")).isCharacterDevice()).toBe(true);
    const missing = {
      exitCode: 3,
      stderr: `boxcar: ${folder}/none/a.png cannot be written: there is no such folder\n`,
    };
    expect(await save("none/a.png")).toMatchObject(missing);
    expect(await save("out")).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("this is a folder") });
    expect(await save("screen.png")).toMatchObject({ exitCode: 0, stdout: `${folder}/screen.png\n` });
    expect(await readFile(join(folder, "screen.png"), "utf8")).toBe("PNG");
  });

  it("refuses a time that is none before it asks anybody", async () => {
    const found = await boxcar(["keep", "x", "--for", "soon", "--server", `http://${closed}`]);
    expect(found).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('such as "30 minutes"') });
  });
});
