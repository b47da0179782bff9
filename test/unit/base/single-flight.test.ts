import { describe, expect, it } from "vitest";
import { SingleFlight } from "../../../src/base/single-flight.ts";

/** Work that ends when told to, and counts how often it was started. */
function controlled() {
  const end = Promise.withResolvers<string>();
  const state = { starts: 0, cleanedUp: false };
  const work = async (signal: AbortSignal, report: (progress: number) => void): Promise<string> => {
    state.starts++;
    report(1);
    const onAbort = () => end.reject(signal.reason);
    signal.addEventListener("abort", onAbort);
    try {
      return await end.promise;
    } finally {
      await Promise.resolve();
      state.cleanedUp = true;
    }
  };
  return { work, state, end };
}

describe("SingleFlight", () => {
  it("does for all at once what several ask for, and again for who asks later", async () => {
    const flights = new SingleFlight<string, number>();
    const { work, state, end } = controlled();
    const both = Promise.all([flights.run("key", work), flights.run("key", work)]);
    end.resolve("done");
    await expect(both).resolves.toEqual(["done", "done"]);
    expect(state.starts).toBe(1);
    await flights.run("key", work);
    expect(state.starts).toBe(2);
  });

  it("tells a failure to all who wait and to nobody after them", async () => {
    const flights = new SingleFlight<string, number>();
    const { work, end } = controlled();
    const both = Promise.allSettled([flights.run("key", work), flights.run("key", work)]);
    end.reject(new Error("no"));
    expect((await both).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await expect(flights.run("key", async () => "again")).resolves.toBe("again");
  });

  it("goes on for the others when one gives up", async () => {
    const flights = new SingleFlight<string, number>();
    const { work, state, end } = controlled();
    const controller = new AbortController();
    const impatient = flights.run("key", work, { signal: controller.signal });
    const patient = flights.run("key", work);
    controller.abort(new Error("enough"));
    await expect(impatient).rejects.toThrow("enough");
    expect(state.cleanedUp).toBe(false);
    end.resolve("done");
    await expect(patient).resolves.toBe("done");
  });

  it("aborts the work when the last one gives up, and has it cleaned up by then", async () => {
    const flights = new SingleFlight<string, number>();
    const { work, state } = controlled();
    const controller = new AbortController();
    const only = flights.run("key", work, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(only).rejects.toThrow("enough");
    expect(state.cleanedUp).toBe(true);
  });

  it("starts anew for who asks while abandoned work cleans up", async () => {
    const flights = new SingleFlight<string>();
    const aborted = Promise.withResolvers<void>();
    const cleanUp = Promise.withResolvers<void>();
    const work = async (signal: AbortSignal): Promise<string> => {
      signal.addEventListener("abort", () => aborted.resolve());
      await aborted.promise;
      await cleanUp.promise;
      throw signal.reason;
    };
    const controller = new AbortController();
    const first = flights.run("key", work, { signal: controller.signal }).catch(() => "given up");
    controller.abort();
    await aborted.promise;
    const second = flights.run("key", async () => "anew");
    cleanUp.resolve();
    expect(await Promise.all([first, second])).toEqual(["given up", "anew"]);
  });

  it("aborts everything at disposal", async () => {
    const flights = new SingleFlight<string, number>();
    const { work, state } = controlled();
    const running = flights.run("key", work).catch(() => "aborted");
    await flights[Symbol.asyncDispose]();
    expect(state.cleanedUp).toBe(true);
    expect(await running).toBe("aborted");
  });
});
