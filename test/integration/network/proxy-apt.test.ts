/** apt's own client, by a proxy with a cache, from a small mirror of Debian. */
import { accessSync, constants } from "node:fs";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Scope } from "../../../src/base/scope.ts";
import { runCommand } from "../../../src/host/command.ts";
import { makeFolder, openProxies, settings, startMachine, startUpstream, type TestMachine } from "./proxy-harness.ts";

let scope = new Scope();

afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

const TOOLS = ["apt-get", "apt-ftparchive", "dpkg-deb"];
const missing = TOOLS.filter((tool) => !isThere(`/usr/bin/${tool}`));

function isThere(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Answers as mirrors do: how old a file is, and nothing about how long it may be kept. */
async function startMirror() {
  const folder = await makeFolder(scope);
  await mkdir(join(folder, "package/DEBIAN"), { recursive: true });
  const control = ["Package: boxcar-hello", "Version: 1.0", "Architecture: all", "Maintainer: x <x@example.org>"];
  await writeFile(join(folder, "package/DEBIAN/control"), `${control.join("\n")}\nDescription: a test\n`);
  const mirror = join(folder, "mirror");
  await mkdir(join(mirror, "pool"), { recursive: true });
  await runCommand([
    "dpkg-deb",
    "--build",
    "--root-owner-group",
    join(folder, "package"),
    join(mirror, "pool/boxcar-hello.deb"),
  ]);
  const { stdout: packages } = await runCommand(["apt-ftparchive", "packages", "pool"], { cwd: mirror });
  await writeFile(join(mirror, "Packages"), `${packages}\n`);
  const { stdout: release } = await runCommand(["apt-ftparchive", "release", "."], { cwd: mirror });
  await writeFile(join(mirror, "Release"), `${release}\n`);
  const old = new Date(Date.now() - 30 * 24 * 3_600_000).toUTCString();
  return await startUpstream(scope, async (request, response) => {
    const path = join(mirror, (request.url ?? "").replace(/^\/debian\//, ""));
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() !== true) response.writeHead(404).end();
    else if (request.headers["if-modified-since"] === old) response.writeHead(304, { "last-modified": old }).end();
    else {
      const body = await readFile(path);
      response.writeHead(200, { "last-modified": old, "content-length": String(body.length) }).end(body);
    }
  });
}

/** What a task would do, with nothing of what another has left. */
async function updateAndDownload(machine: TestMachine): Promise<string[]> {
  const root = await makeFolder(scope);
  const downloads = join(root, "downloads");
  for (const name of ["etc", "state/lists/partial", "cache/archives/partial", "downloads"]) {
    await mkdir(join(root, name), { recursive: true });
  }
  await writeFile(join(root, "etc/sources.list"), `deb [trusted=yes] ${machine.url}/debian/ ./\n`);
  await writeFile(join(root, "state/status"), "");
  const options = {
    "Dir::Etc": join(root, "etc"),
    "Dir::Etc::main": "none",
    "Dir::Etc::parts": "none",
    "Dir::State": join(root, "state"),
    "Dir::State::status": join(root, "state/status"),
    "Dir::Cache": join(root, "cache"),
    "APT::Sandbox::User": "",
    "Acquire::Languages": "none",
    "Acquire::http::Proxy": "false",
    "Acquire::Retries": "0",
  };
  const apt = (...args: string[]) => {
    const given = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
    return runCommand(["apt-get", ...given, ...args], { cwd: downloads, env: { http_proxy: "" }, timeoutMs: 50_000 });
  };
  await apt("update", "--error-on=any");
  await apt("download", "boxcar-hello");
  return await readdir(downloads);
}

const why = missing.length === 0 ? "" : `: not here are ${missing.join(", ")}`;

describe.skipIf(missing.length > 0)(`apt, by a proxy with a cache${why}`, () => {
  it("updates and downloads; the next machine without fetching anything again", async () => {
    const mirror = await startMirror();
    const proxies = await openProxies(scope, { debian: settings(`${mirror.url}/debian`) });
    expect(await updateAndDownload(await startMachine(scope, proxies))).toEqual(["boxcar-hello_1.0_all.deb"]);
    const fetched = proxies.stats()["debian"]?.bytesFromUpstream;
    expect(mirror.asked).toContain("GET /debian/pool/boxcar-hello.deb");
    mirror.asked.length = 0;
    expect(await updateAndDownload(await startMachine(scope, proxies))).toEqual(["boxcar-hello_1.0_all.deb"]);
    expect(mirror.asked).not.toContain("GET /debian/pool/boxcar-hello.deb");
    expect(proxies.stats()["debian"]?.bytesFromUpstream).toBe(fetched);
  });
});
