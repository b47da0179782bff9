/** A machine's HTTP service behind a real listening socket, and servers for it to be a proxy of. */

import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Scope } from "../../../src/base/scope.ts";
import type { ProxySettings } from "../../../src/config/network/proxies.ts";
import { Secret } from "../../../src/config/secret.ts";
import { GuardedServer } from "../../../src/http/guarded-server.ts";
import type { EgressSink } from "../../../src/network/egress/egress-entry.ts";
import { ReverseProxies } from "../../../src/network/proxy/reverse-proxies.ts";

export const MIB = 1_024 * 1_024;

export interface TestUpstream {
  readonly url: string;
  readonly port: number;
  /** `METHOD path`, in the order they came. */
  readonly asked: string[];
  /** Closes it, with its connections. */
  stop(): Promise<void>;
}

export async function startUpstream(scope: Scope, listener: RequestListener): Promise<TestUpstream> {
  const asked: string[] = [];
  const server = createHttpServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  const port = await listen(server);
  const stop = async () => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  scope.defer(stop);
  return { url: `http://127.0.0.1:${port}`, port, asked, stop };
}

export async function makeFolder(scope: Scope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "boxcar-proxy-"));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export function settings(url: string, more: Partial<Omit<ProxySettings, "headers">> & { headers?: object } = {}) {
  const headers = Object.entries(more.headers ?? {}).map(([name, value]) => [name, Secret.of(String(value))]);
  return {
    cacheBytes: 64 * MIB,
    methods: ["GET", "HEAD"],
    redirects: [],
    ...more,
    url,
    headers: Object.fromEntries(headers),
  } satisfies ProxySettings;
}

export interface TestMachine {
  readonly url: string;
  readonly port: number;
}

/** What one machine sees at 169.254.169.254. */
export async function startMachine(scope: Scope, proxies: ReverseProxies, log?: EgressSink): Promise<TestMachine> {
  const guarded = scope.use(GuardedServer.open({ maxConnections: 128 }));
  guarded.setHandler(proxies.withProxies((_request, response) => response.end("metadata"), log));
  const port = await listenFor(scope, guarded);
  return { url: `http://127.0.0.1:${port}`, port };
}

export async function openProxies(
  scope: Scope,
  proxies: Record<string, ProxySettings>,
  cacheDirectory?: string,
): Promise<ReverseProxies> {
  return scope.use(await ReverseProxies.open(proxies, { cacheDirectory: cacheDirectory ?? (await makeFolder(scope)) }));
}

/** Gives connections to whoever serves them. */
export async function listenFor(
  scope: Scope,
  service: { serve(connection: import("node:stream").Duplex): void },
): Promise<number> {
  const listener = createServer({ allowHalfOpen: true }, (socket) => service.serve(socket));
  scope.defer(() => listener.close());
  return await listen(listener);
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}
