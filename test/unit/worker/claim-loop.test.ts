import { expect, it } from "vitest";
import { ClaimLoop } from "../../../src/worker/claim-loop.ts";
import { FakeQueue, unreachable } from "../../fakes/fake-queue.ts";

it("makes progress also where the queue fails after a long time: a pause begins then", async () => {
  const queue = new FakeQueue();
  queue.refusals.push(unreachable());
  const happened: string[] = [];
  const over = new AbortController();
  const loop = new ClaimLoop({
    queue,
    room: async () => ({ count: 1, waitMs: 0 }),
    onClaim: () => {},
    onAnswer: () => {
      happened.push("failure");
      queueMicrotask(() => over.abort());
    },
    beat: () => happened.push("beat"),
    signal: over.signal,
  });
  await loop.run();
  expect(happened).toEqual(["beat", "failure", "beat"]);
});
