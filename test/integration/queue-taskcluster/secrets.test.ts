import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import type { Fault } from "../../fakes/fake-taskcluster-faults.ts";
import { Deployment, never } from "./harness.ts";

const FAULTS: readonly Fault[] = [
  { kind: "status", status: 500 },
  { kind: "status", status: 403, body: { code: "InsufficientScopes", message: "no" } },
  { kind: "status", status: 409, body: { code: "RequestConflict", message: "no" } },
  { kind: "cut" },
  { kind: "lose-answer" },
  { kind: "hang" },
  { kind: "page" },
];

describe("what the Taskcluster driver says", () => {
  it("never holds a secret, whatever fails", async () => {
    const timeouts = { claimMs: 100, requestMs: 100, storeSilenceMs: 100 };
    await using deployment = await Deployment.start({}, { timeouts, statusPollMs: 20 });
    const { fake, queue, log } = deployment;
    const said: unknown[] = [];
    const listen = (work: Promise<unknown>) => work.catch((error: unknown) => said.push(error));
    const artifact = await deployment.file("public/a.txt", Buffer.from("a"));
    for (const fault of FAULTS) {
      const { claim } = await deployment.claimed();
      for (const call of ["claimWork", "status", "createArtifact", "put", "reclaimTask", "reportCompleted"]) {
        fake.fail(call, fault);
      }
      await listen(queue.claim(1, never));
      await listen(claim.artifacts.putFile(artifact, never));
      await listen(claim.artifacts.putFile(artifact, never));
      await listen(claim.renew());
      await listen(claim.resolve({ kind: "completed" }));
      said.push(claim.lost.reason, claim, queue);
      for (const call of ["claimWork", "status", "createArtifact", "put", "reclaimTask", "reportCompleted"]) {
        fake.faults.clear(call);
      }
    }
    const text = inspect([said, log], { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null });
    expect(said.length).toBeGreaterThan(FAULTS.length * 3);
    expect(fake.secrets.size).toBeGreaterThan(20);
    for (const secret of fake.secrets) expect(text).not.toContain(secret);
    expect(text).not.toContain("X-Amz-Signature");
    expect(text).not.toContain("Hawk id");
  });
});
