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

/** What a header may say: one line, of the characters that HTTP has. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

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
    return [
      ...(URL.canParse(url) ? [] : [{ path: `${place}.url`, message: `${JSON.stringify(url)} is no URL` }]),
      ...headerIssues(`${place}.headers`, headers),
      ...redirects.flatMap((host, index) => {
        if (HOST_PATTERN.test(host)) return [];
        return [{ path: `${place}.redirects[${index}]`, message: `${JSON.stringify(host)} is no name of a host` }];
      }),
    ];
  });
}

function headerIssues(path: string, headers: NonNullable<FilledProxy["headers"]>): Issue[] {
  const firsts = new Map(
    Object.keys(headers)
      .reverse()
      .map((header) => [header.toLowerCase(), header]),
  );
  return Object.entries(headers).flatMap(([header, value]) => {
    const message = headerFault(header, value, firsts.get(header.toLowerCase()));
    return message === undefined ? [] : [{ path: joinPath(path, header), message }];
  });
}

/** @param first In this spelling it was there first. */
function headerFault(header: string, value: unknown, first: string | undefined): string | undefined {
  if (CARRIAGE.has(header.toLowerCase())) return "is set by the worker itself; remove it";
  if (first !== header) return `is the same header as ${JSON.stringify(first)}; remove one`;
  // Of a value that is somewhere else nothing is known yet.
  if (typeof value === "string" && !HEADER_VALUE.test(value)) return "must be one line of characters that headers have";
  return undefined;
}
