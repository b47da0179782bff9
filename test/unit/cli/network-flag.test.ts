import { expect, it } from "vitest";
import { networkOfFlag } from "../../../src/cli/network-flag.ts";

it.each([
  ["internet", "internet"],
  ["isolated", "isolated"],
  ["intranet", "intranet"],
  ["allow=deb.debian.org", { allow: ["deb.debian.org"] }],
  ["allow=deb.debian.org, *.npmjs.org", { allow: ["deb.debian.org", "*.npmjs.org"] }],
  ["allow=8.8.8.0/24:53,853,a.example:80,443", { allow: ["8.8.8.0/24:53,853", "a.example:80,443"] }],
  ["allow=a.example:80, 443 , b.example", { allow: ["a.example:80,443", "b.example"] }],
  ["allow=a.example,80", { allow: ["a.example", "80"] }],
  ["allow=", { allow: [""] }],
])("--network %s", (text, network) => {
  expect(networkOfFlag(text)).toEqual(network);
});
