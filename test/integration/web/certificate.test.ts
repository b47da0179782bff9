import { once } from "node:events";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, RequestListener } from "node:http";
import { Agent, request } from "node:https";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { execa } from "execa";
import { afterEach, beforeEach, expect, it } from "vitest";
import { silentLogger } from "../../../src/base/log.ts";
import { Certificate } from "../../../src/web/server/certificate.ts";
import { HttpService } from "../../../src/web/server/service.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp("/tmp/bxc-");
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** A pair of its own, for localhost. */
async function make(name: string): Promise<{ certificate: string; key: string }> {
  const files = { certificate: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=DNS:localhost"];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  await execa("openssl", ["req", ...kind, ...subject, "-keyout", files.key, "-out", files.certificate]);
  return files;
}

/** The name in the certificate that is shown. */
async function nameAt(port: number | undefined, ca: Buffer): Promise<string | string[] | undefined> {
  const asked = request({ host: "127.0.0.1", servername: "localhost", port, ca, agent: false });
  asked.end();
  const [response] = await once(asked, "response");
  response.resume();
  return (response.socket as TLSSocket).getPeerCertificate().subject.CN;
}

it("a server speaks TLS with its certificate, and with a new one as soon as that is whole", async () => {
  const [first, second] = [await make("first"), await make("second")];
  const said: string[] = [];
  const logger = { ...silentLogger, log: (level: string, message: string) => void said.push(`${level}: ${message}`) };
  using certificate = await Certificate.open({ files: first, logger, lookEveryMs: 3_600_000 });
  const address = { host: "127.0.0.1", port: 0 };
  const handler = (_request: unknown, response: { end(): void }) => response.end();
  await using service = await HttpService.listen(address, handler, undefined, { certificate });
  const old = await readFile(first.certificate);
  const ca = Buffer.concat([old, await readFile(second.certificate)]);
  expect(await nameAt(service.port, ca)).toBe("first");

  await certificate.look();
  expect(said).toEqual([]);

  await rename(second.certificate, first.certificate);
  await certificate.look();
  expect(said).toEqual([expect.stringMatching(/^error: worker\.http\.tls: .*the one before stays in use$/)]);
  expect(await nameAt(service.port, ca)).toBe("first");

  await rename(second.key, first.key);
  await certificate.look();
  expect(await nameAt(service.port, ca)).toBe("second");
  await expect(nameAt(service.port, old)).rejects.toThrow();
});

it.each(["certificate", "key"] as const)("does not begin without a %s", async (which) => {
  const files = await make("one");
  await rm(files[which]);
  await expect(Certificate.open({ files })).rejects.toMatchObject({ code: "bad-certificate", blame: "host" });
  await writeFile(files[which], "nonsense");
  await expect(Certificate.open({ files })).rejects.toMatchObject({ code: "bad-certificate", blame: "host" });
});

it("a server that has as many connections as it takes from an address goes on with those it has", async () => {
  const pair = await make("first");
  using certificate = await Certificate.open({ files: pair });
  const answer: RequestListener = (_request, response) => void response.end();
  await using service = await HttpService.listen({ host: "127.0.0.1", port: 0 }, answer, undefined, {
    ...{ certificate, connections: { maxEach: 1 } },
  });
  const ca = await readFile(pair.certificate);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = async (own?: Agent) => {
    const options = { host: "127.0.0.1", servername: "localhost", port: service.port, ca, agent: own ?? false };
    const asked = request(options).end();
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    response.resume();
    await once(response, "end");
    return response.statusCode;
  };
  expect(await ask(agent)).toBe(200);
  for (let n = 0; n < 3; n++) await expect(ask()).rejects.toThrow();
  expect(await ask(agent)).toBe(200);
  agent.destroy();
});
