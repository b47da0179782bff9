/**
 * What a machine's cloud-init is answered at the metadata service: the tree of its source, and the session tokens of
 * EC2. Requests have no bodies that are read, and nothing is kept of them.
 */

import { noCloudFiles } from "./documents.ts";
import { ec2Tree } from "./ec2.ts";
import type { CloudInitFacts } from "./facts.ts";
import { openStackTree } from "./openstack.ts";
import { SessionTokens } from "./session-tokens.ts";
import { below, lookUp, type Tree } from "./tree.ts";

export interface DataSourceRequest {
  readonly method: string;
  /** Of the URL, still encoded; begins with "/". */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface DataSourceAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const TOKEN_PATH = "/latest/api/token";
const TOKEN_HEADER = "x-aws-ec2-metadata-token";
const TTL_HEADER = "x-aws-ec2-metadata-token-ttl-seconds";
const READ_ONLY = ["GET", "HEAD"];

export class DataSource {
  readonly #tree: Tree;
  readonly #tokens: SessionTokens | undefined;

  constructor(facts: CloudInitFacts) {
    this.#tree = treeOf(facts);
    this.#tokens = facts.source === "ec2" ? new SessionTokens() : undefined;
  }

  /** Undefined: not a matter of cloud-init. */
  answer({ method, path, headers }: DataSourceRequest): DataSourceAnswer | undefined {
    if (this.#tokens !== undefined && path === TOKEN_PATH) return issueToken(this.#tokens, method, headers);
    const content = lookUp(this.#tree, normalize(path));
    if (content === undefined) return undefined;
    if (!READ_ONLY.includes(method)) return { status: 405, body: "", headers: { Allow: READ_ONLY.join(", ") } };
    // Guests older than the tokens do not send any.
    const token = headers[TOKEN_HEADER];
    const isRefused = token !== undefined && this.#tokens?.isGood(String(token)) === false;
    return isRefused ? { status: 401, body: "" } : { status: 200, body: content };
  }
}

function treeOf(facts: CloudInitFacts): Tree {
  switch (facts.source) {
    case "disk":
      return new Map();
    case "nocloud":
      return new Map(below("cloud-init", noCloudFiles(facts)));
    case "ec2":
      return ec2Tree(facts);
    case "openstack":
      // It looks for some facts where EC2 has them.
      return new Map([...ec2Tree(facts), ...openStackTree(facts)]);
  }
}

function issueToken(tokens: SessionTokens, method: string, headers: DataSourceRequest["headers"]): DataSourceAnswer {
  if (method !== "PUT") return { status: 405, body: "", headers: { Allow: "PUT" } };
  const ttl = headers[TTL_HEADER];
  const token = typeof ttl === "string" ? tokens.issue(ttl) : undefined;
  if (token === undefined) return { status: 400, body: "" };
  return { status: 200, body: token, headers: { [TTL_HEADER]: String(Number(ttl)) } };
}

/**
 * Without the "/" it begins with; some versions of cloud-init write two where one is meant, and some encode what is
 * between the digits of a MAC address.
 */
function normalize(path: string): string {
  return path
    .replaceAll(/\/{2,}/g, "/")
    .replaceAll(/%3a/gi, ":")
    .slice(1);
}
