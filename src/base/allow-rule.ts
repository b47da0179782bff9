/**
 * Entries of allow lists, in the form people write them: `deb.debian.org:80`, `*.npmjs.org`,
 * `8.8.8.0/24:53,853`. Pure; what a rule matches is said in network/policy/, what it may be here.
 */
import { domainToASCII } from "node:url";
import { lastAddress, netmask, tryParseIpv4Address } from "./ipv4.ts";
import { findSpecialRange } from "./special-ranges.ts";

export type AllowRule = NameRule | SubnetRule;

export interface NameRule {
  /** In lower case; `*.example.org` is every name below example.org, and not itself. */
  readonly name: string;
  /** 1 to 65535, in order; not empty. */
  readonly ports: readonly number[];
}

export interface SubnetRule {
  /** First address, a uint32. */
  readonly subnet: number;
  readonly prefixLength: number;
  readonly ports: readonly number[];
}

export const DEFAULT_PORTS: readonly number[] = Object.freeze([80, 443]);
export const MAX_PORTS = 32;

const MAX_NAME_LENGTH = 253;
const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Undefined if it is not one; {@link allowRuleFault} tells why. */
export function tryParseAllowRule(text: string): AllowRule | undefined {
  const parsed = parse(text);
  return typeof parsed === "string" ? undefined : parsed;
}

/** What is wrong with an entry, as a sentence without it; undefined: nothing. */
export function allowRuleFault(text: string): string | undefined {
  const parsed = parse(text);
  return typeof parsed === "string" ? parsed : undefined;
}

function parse(text: string): AllowRule | string {
  if (text.includes("://")) return "is a URL: write only its host, and the port after a colon";
  const [host = "", portList, ...more] = text.split(":");
  if (more.length > 0) return "has more than one colon: machines have no IPv6, and ports are separated by commas";
  const ports = portList === undefined ? DEFAULT_PORTS : parsePorts(portList);
  if (typeof ports === "string") return ports;
  return /^[\d.]+(\/.*)?$/.test(host) ? parseSubnet(host, ports) : parseName(host.toLowerCase(), ports);
}

function parsePorts(list: string): readonly number[] | string {
  const parts = list.split(",");
  const ports = [...new Set(parts.map(Number))].sort((a, b) => a - b);
  if (!parts.every((part) => /^[1-9]\d{0,4}$/.test(part) && Number(part) <= 65_535)) {
    return "must have ports from 1 to 65535, with commas between, after its colon";
  }
  return ports.length > MAX_PORTS ? `has more than ${MAX_PORTS} ports` : ports;
}

function parseSubnet(host: string, ports: readonly number[]): SubnetRule | string {
  const [address = "", length = "32", ...more] = host.split("/");
  const subnet = tryParseIpv4Address(address);
  if (subnet === undefined) return "must be a host name, or an IPv4 address such as 8.8.8.8";
  if (more.length > 0 || !/^(\d|[12]\d|3[0-2])$/.test(length)) {
    return "must have a prefix length from 0 to 32 after its slash";
  }
  const prefixLength = Number(length);
  if ((subnet & netmask(prefixLength)) >>> 0 !== subnet) {
    return "is not the first address of its subnet: write that one, or a longer prefix";
  }
  const special = findSpecialRange(subnet, lastAddress(subnet, prefixLength));
  if (special !== undefined) return `has addresses of ${special}, which are not public and never reached`;
  return { subnet, prefixLength, ports };
}

function parseName(name: string, ports: readonly number[]): NameRule | string {
  const base = name.startsWith("*.") ? name.slice(2) : name;
  if (name === "*") return 'matches every name: ask for the network "internet" instead';
  if (base.includes("*")) return 'may have a "*" only as its first label, as in "*.example.org"';
  if (/\P{ASCII}/u.test(base)) return asciiAdvice(name);
  if (base.length > MAX_NAME_LENGTH) return `is longer than ${MAX_NAME_LENGTH} characters`;
  const labels = base.split(".");
  // A last label of digits would make it an address to some resolvers.
  if (!labels.every((label) => LABEL.test(label)) || /^(\d+|0x[\da-f]*)$/.test(labels.at(-1) ?? "")) {
    return "must be a host name, an IPv4 address or a subnet, with a colon before ports";
  }
  return { name, ports };
}

function asciiAdvice(name: string): string {
  const wildcard = name.startsWith("*.") ? "*." : "";
  const ascii = domainToASCII(name.slice(wildcard.length));
  return ascii === "" ? "must be in ASCII" : `must be in ASCII: ${wildcard}${ascii}`;
}

/** Whether everything that `rule` allows is allowed by `bound` too. */
export function covers(bound: readonly AllowRule[], rule: AllowRule): boolean {
  return rule.ports.every((port) => {
    const rules = bound.filter(({ ports }) => ports.includes(port));
    return "name" in rule
      ? rules.some((each) => "name" in each && matchesName(each.name, rule.name))
      : coversSubnet(rules, rule);
  });
}

/**
 * Whether a name is the one that is written, or is below it where `*.` is in front. Wildcards may be asked for, too.
 *
 * @param name As the pattern, in lower case, without the last dot.
 */
export function matchesName(pattern: string, name: string): boolean {
  if (!pattern.startsWith("*.")) return pattern === name;
  return name.length > pattern.length - 1 && name.endsWith(pattern.slice(1));
}

/** Several subnets may cover one together. */
function coversSubnet(bound: readonly AllowRule[], rule: SubnetRule): boolean {
  const subnets = bound.filter((each): each is SubnetRule => "subnet" in each).sort((a, b) => a.subnet - b.subnet);
  const last = lastAddress(rule.subnet, rule.prefixLength);
  let covered = rule.subnet;
  for (const { subnet, prefixLength } of subnets) {
    if (subnet > covered) return false;
    covered = Math.max(covered, lastAddress(subnet, prefixLength) + 1);
    if (covered > last) return true;
  }
  return false;
}
