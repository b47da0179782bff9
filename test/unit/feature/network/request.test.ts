import { describe, expect, it } from "vitest";
import { InvalidInputError } from "../../../../src/base/errors.ts";
import { resolveConfig } from "../../../../src/config/config.ts";
import { parsePayload } from "../../../../src/feature/payload.ts";

const surroundings = { env: {}, uid: 0, home: "/root", host: { memoryMiB: 4_096, cpus: 2 } };

/** @param policy Section `network.policy` of the configuration. */
function parse(policy: object, network: unknown) {
  const config = resolveConfig({ network: { policy } }, surroundings);
  const options = { subject: "The payload", blame: "task", network: config.network.policy } as const;
  return parsePayload({ command: ["true"], network }, options).network;
}

function issuesOf(policy: object, network: unknown): string[] {
  try {
    parse(policy, network);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    expect(error.blame).toBe("task");
    return error.issues.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

describe("the network of a task", () => {
  it("is isolated unless it says something else", () => {
    expect(parse({}, undefined)).toEqual({ kind: "isolated" });
    expect(parse({}, "isolated")).toEqual({ kind: "isolated" });
    expect(parse({}, "internet")).toEqual({ kind: "internet" });
  });

  it("is a list of names and subnets", () => {
    expect(parse({}, { allow: ["Deb.Debian.org:80", "*.npmjs.org", "8.8.8.0/24:853,53"] })).toEqual({
      kind: "allow",
      rules: [
        { name: "deb.debian.org", ports: [80] },
        { name: "*.npmjs.org", ports: [80, 443] },
        { subnet: 0x08080800, prefixLength: 24, ports: [53, 853] },
      ],
    });
  });

  it("says of each entry what is wrong with it", () => {
    expect(issuesOf({}, { allow: ["example.org", "https://example.org/", "10.0.0.0/8", 5] })).toEqual([
      expect.stringMatching(/^network\.allow\[3\]: must be text/),
      expect.stringMatching(/^network\.allow\[1\]: is a URL/),
      expect.stringMatching(/^network\.allow\[2\]: has addresses of/),
    ]);
  });

  it("says once that an entry is empty", () => {
    expect(issuesOf({}, { allow: [""] })).toEqual(["network.allow[0]: must not be empty"]);
  });

  it("says of a word that is no policy what there is, lists too", () => {
    const rule = 'network: must be "isolated", "internet", or an object with the list allow';
    expect(issuesOf({}, "allow")).toEqual([`${rule}, not "allow"`]);
    expect(issuesOf({}, "Internet")).toEqual([`${rule}, not "Internet"; did you mean "internet"?`]);
  });

  it.each([["everything"], [{}], [{ allow: [] }], [{ allow: "example.org" }], [{ deny: ["example.org"] }], [5]])(
    "is not %j",
    (network) => {
      expect(issuesOf({}, network)[0]).toMatch(/^network/);
    },
  );
});

describe("a worker that bounds networks", () => {
  it("offers isolated only", () => {
    const setting = /network\.policy\.max of its configuration permits more$/;
    expect(issuesOf({ max: "isolated" }, "isolated")).toEqual([]);
    for (const network of ["internet", { allow: ["example.org"] }]) {
      expect(issuesOf({ max: "isolated" }, network)).toEqual([expect.stringMatching(setting)]);
    }
    expect(issuesOf({ max: "isolated" }, { allow: ["example.org"] })[0]).toContain('offers "isolated" only');
  });

  it("offers lists, and no more", () => {
    expect(issuesOf({ max: "allow" }, { allow: ["example.org"] })).toEqual([]);
    expect(issuesOf({ max: "allow" }, "internet")).toEqual([
      expect.stringMatching(/^network: "internet" is refused: this worker offers "isolated" and lists/),
    ]);
  });

  it("offers lists within its own", () => {
    const allow = ["*.debian.org", "registry.npmjs.org:443", "8.8.8.0/24:53"];
    const inside = ["deb.debian.org", "*.security.debian.org:80", "registry.npmjs.org:443", "8.8.8.8:53"];
    expect(issuesOf({ allow }, { allow: inside })).toEqual([]);
    const outside = ["debian.org", "deb.debian.org:22", "registry.npmjs.org", "8.8.0.0/16:53", "example.org"];
    const fault = `is more than this worker allows, which is ${allow.join(", ")}; network.policy.allow of its configuration permits more`;
    expect(issuesOf({ allow }, { allow: outside })).toEqual(
      outside.map((_, index) => `network.allow[${index}]: ${fault}`),
    );
    expect(issuesOf({ allow }, "internet")).toHaveLength(1);
  });
});
