/** Part `http` of the section `worker`: where the HTTP API is, and by which names. */
import { isIP } from "node:net";
import type { Issue } from "../base/errors.ts";
import type { WorkerProcessConfig } from "../generated/worker-process-config.ts";
import { joinPath } from "../schema/document-path.ts";
import { type ListenAddress, listenIssues, MAX_PORT, parseListenAddress } from "./listen-address.ts";

export interface HttpSettings {
  readonly listen: ListenAddress | undefined;
  /** An origin, such as `https://ci.example.com`; undefined: by the address alone. */
  readonly url: string | undefined;
  /** The same for other workers alone; undefined: as people reach it. */
  readonly fleetUrl: string | undefined;
  /** Of hosts, in lower case, beside that of the URL; addresses of IPv6 in brackets. */
  readonly names: readonly string[];
  /** Paths of files, PEM. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined;
  /** Addresses and subnets. */
  readonly proxies: readonly string[];
}

/** The part, with the schema's defaults in it. */
export type FilledHttp = NonNullable<WorkerProcessConfig["http"]> & { names: string[]; proxies: string[] };

const PATH = "worker.http";

export function completeHttp({ listen, url, fleetUrl, names, tls, proxies }: FilledHttp): HttpSettings {
  return {
    listen: listen === undefined ? undefined : parseListenAddress(listen),
    url: url === undefined ? undefined : new URL(url).origin,
    fleetUrl: fleetUrl === undefined ? undefined : new URL(fleetUrl).origin,
    names: names.map((name) => name.toLowerCase()),
    ...{ tls, proxies },
  };
}

/** @param accessEnabled Whether clients have to log in. */
export function httpIssues({ listen, url, fleetUrl, proxies }: FilledHttp, accessEnabled: boolean): Issue[] {
  const issues: Issue[] = [];
  if (listen !== undefined) issues.push(...listenIssues(`${PATH}.listen`, listen, accessEnabled));
  for (const [name, address] of Object.entries({ url, fleetUrl })) {
    if (address === undefined || URL.canParse(address)) continue;
    issues.push({ path: `${PATH}.${name}`, message: `is no address; the largest port is ${MAX_PORT}` });
  }
  const wrong = [...proxies.entries()].filter(([, proxy]) => !isSubnet(proxy));
  return [
    ...issues,
    ...wrong.map(([index]) => ({ path: joinPath(`${PATH}.proxies`, index), message: "is no address, and no subnet" })),
  ];
}

function isSubnet(text: string): boolean {
  const [address = "", length] = text.split("/");
  const version = isIP(address);
  return version !== 0 && (length === undefined || Number(length) <= (version === 4 ? 32 : 128));
}
