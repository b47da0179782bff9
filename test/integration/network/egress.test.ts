import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EgressHost, whyNoEgressHost } from "./egress-host.ts";

const why = whyNoEgressHost();

describe.skipIf(why !== undefined)(`the way outside${why === undefined ? "" : ` (${why})`}`, () => {
  let host: EgressHost;

  beforeAll(async () => {
    host = await EgressHost.open();
  });

  afterAll(() => host[Symbol.asyncDispose]());

  it("leads where the policy says, and never to what is not public or the host's own", async () => {
    const nowhere = {
      host: "refused, reset",
      world: "refused, reset",
      allowed: "refused, reset",
      other: "refused, reset",
      private: "refused, reset",
      cloud: "refused, reset",
      loopback: "refused, reset",
    };
    const there = "admitted, hello";
    expect(await host.run("policies")).toEqual({
      isolated: nowhere,
      internet: { ...nowhere, world: there, allowed: there, other: there },
      allow: { ...nowhere, allowed: there },
      otherPort: nowhere,
    });
  });
});
