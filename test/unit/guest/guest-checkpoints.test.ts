import { describe, expect, it } from "vitest";
import { GuestCheckpoints } from "../../../src/guest/guest-checkpoints.ts";
import { createMove } from "../../../src/guest/guest-move.ts";
import { ServiceError } from "../../../src/guest/service-error.ts";

const STORED = { bytes: 3, stillMs: 4 };
const FORK = { checkpoint: "built", index: 0, count: 2 };

function never(): AbortSignal {
  return new AbortController().signal;
}

describe("the checkpoints of a guest", () => {
  it("are stored under their names, one at a time, and no name twice", async () => {
    const first = Promise.withResolvers<void>();
    const checkpoints = new GuestCheckpoints({ onCheckpoint: async () => first.promise.then(() => STORED) });
    const waiting = checkpoints.take("a", never());
    await expect(checkpoints.take("b", never())).rejects.toMatchObject({ code: "ResourceConflict" });
    first.resolve();
    await expect(waiting).resolves.toEqual({ name: "a", ...STORED });
    await expect(checkpoints.take("a", never())).rejects.toThrow("already");
    await expect(checkpoints.take("b", never())).resolves.toEqual({ name: "b", ...STORED });
  });

  it.each(["", "A", "-a", "a/b", "a b", "ä", "..", "x".repeat(64), "a\n"])("have no name like %j", async (name) => {
    const checkpoints = new GuestCheckpoints({ onCheckpoint: async () => expect.fail("it was asked for") });
    await expect(checkpoints.take(name, never())).rejects.toMatchObject({ code: "InvalidPayload" });
  });

  it("are so many at most, and tried so often", async () => {
    const checkpoints = new GuestCheckpoints({ onCheckpoint: async () => STORED, maxCheckpoints: 2 });
    await checkpoints.take("a", never());
    await checkpoints.take("b", never());
    await expect(checkpoints.take("c", never())).rejects.toThrow("made 2 checkpoints");
    let tries = 0;
    const failing = new GuestCheckpoints({
      onCheckpoint: async () => {
        tries += 1;
        throw new Error("no");
      },
      maxCheckpoints: 2,
    });
    for (let i = 0; i < 20; i++) await expect(failing.take("a", never())).rejects.toThrow();
    expect(tries).toBe(8);
  });

  it("say of what failed on the host only that it did, and of a refusal why", async () => {
    const errors = [new Error("/a/path"), new ServiceError("ResourceConflict", "no room")];
    const checkpoints = new GuestCheckpoints({
      onCheckpoint: async () => {
        throw errors.shift();
      },
    });
    await expect(checkpoints.take("a", never())).rejects.toEqual(
      new ServiceError("InternalError", "the host could not store it"),
    );
    await expect(checkpoints.take("a", never())).rejects.toThrow("no room");
  });

  it("are given up when nobody waits any more", async () => {
    const signals: AbortSignal[] = [];
    const checkpoints = new GuestCheckpoints({
      onCheckpoint: async (_name, signal) => {
        signals.push(signal);
        return STORED;
      },
    });
    const gone = new AbortController();
    await checkpoints.take("a", gone.signal);
    gone.abort();
    await checkpoints.take("b", never());
    checkpoints.close(new Error("the end"));
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    await expect(checkpoints.take("c", never())).rejects.toThrow();
    expect(signals).toHaveLength(2);
  });

  it("are there for who asked for the one that the machine goes on from, but not in a fork", async () => {
    const resumed = new GuestCheckpoints({ move: createMove({ checkpoint: "built" }) });
    await expect(resumed.take("built", never())).resolves.toEqual({ name: "built", goesOn: true });
    await expect(resumed.take("other", never())).rejects.toThrow("may not make checkpoints");
    const fork = new GuestCheckpoints({ move: createMove({ fork: FORK, checkpoint: "built" }) });
    await expect(fork.take("built", never())).rejects.toThrow("may not make checkpoints");
  });
});
