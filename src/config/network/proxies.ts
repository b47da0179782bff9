/** Part `proxies` of the section `network`. */
import type { Issue } from "../../base/errors.ts";
import type { NetworkConfig } from "../../generated/network-config.ts";
import { joinPath } from "../../schema/document-path.ts";
import { MIB } from "../quantities.ts";
import { type Secret, type Secrets, secretAt } from "../secret.ts";

export interface ProxySettings {
  /** http or https; without credentials, query and fragment. */
  readonly url: string;
  /** Of all that is kept of its answers; 0: nothing is. */
  readonly cacheBytes: number;
  /** Added to every request. */
  readonly headers: Readonly<Record<string, Secret>>;
  /** In capitals. */
  readonly methods: readonly string[];
  /** Hosts that redirects are followed to; `*.example.org` is every name below example.org. */
  readonly redirects: readonly string[];
}

/** The part; the schema fills no defaults into what people give names. */
export type FilledProxies = NonNullable<NetworkConfig["proxies"]>;

type FilledProxy = FilledProxies[string];

/** As the schema says. */
const DEFAULT_CACHE_MIB = 1_024;
const DEFAULT_METHODS = ["GET", "HEAD"];
const HOST_PATTERN = /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9])?$/i;

/** They say how a request is carried, which is the proxy's own affair. */
const CARRIAGE: ReadonlySet<string> = new Set([
  ...["connection", "content-length", "expect", "host", "keep-alive", "proxy-connection"],
  ...["te", "trailer", "transfer-encoding", "upgrade"],
]);

export function completeProxies(path: string, proxies: FilledProxies, secrets: Secrets): Record<string, ProxySettings> {
  const complete = (name: string, { url, cache = {}, headers = {}, ...rest }: FilledProxy): ProxySettings => {
    const place = joinPath(joinPath(path, name), "headers");
    const values = Object.entries(headers).map(([header, value]) => {
      return [header, secretAt(joinPath(place, header), value, secrets)] as const;
    });
    return {
      url,
      cacheBytes: cache === false ? 0 : Math.round((cache.maxMiB ?? DEFAULT_CACHE_MIB) * MIB),
      headers: Object.fromEntries(values),
      methods: rest.methods ?? DEFAULT_METHODS,
      redirects: (rest.redirects ?? []).map((host) => host.toLowerCase()),
    };
  };
  return Object.fromEntries(Object.entries(proxies).map(([name, proxy]) => [name, complete(name, proxy)]));
}

export function proxiesIssues(path: string, proxies: FilledProxies): Issue[] {
  return Object.entries(proxies).flatMap(([name, { url, headers = {}, redirects = [] }]) => {
    const place = joinPath(path, name);
    const carriage = Object.keys(headers).filter((header) => CARRIAGE.has(header.toLowerCase()));
    return [
      ...(URL.canParse(url) ? [] : [{ path: `${place}.url`, message: `${JSON.stringify(url)} is no URL` }]),
      ...carriage.map((header) => ({
        path: joinPath(`${place}.headers`, header),
        message: "is set by the worker itself; remove it",
      })),
      ...redirects.flatMap((host, index) => {
        if (HOST_PATTERN.test(host)) return [];
        return [{ path: `${place}.redirects[${index}]`, message: `${JSON.stringify(host)} is no name of a host` }];
      }),
    ];
  });
}
