import { expect, it } from "vitest";
import { Lives, type Mortal } from "../../../src/hypervisor/supervisor/lives.ts";

type Cause = Awaited<Mortal["vm"]["done"]>["cause"];

/** A machine that ends when it is told to. */
class FakeLife implements Mortal {
  readonly vm: { state: Mortal["vm"]["state"]; readonly done: Mortal["vm"]["done"] };
  isDisposed = false;
  readonly #done = Promise.withResolvers<Awaited<Mortal["vm"]["done"]>>();

  constructor() {
    this.vm = { state: "running", done: this.#done.promise };
  }

  end(cause: Cause): void {
    this.vm.state = "gone";
    this.#done.resolve({ cause, message: `the machine ended: ${cause}` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true;
    this.end("killed");
  }
}

/** Lives of which each further one begins when `release` is called. */
function livesOf(onStarted: (count: number) => Promise<void> = async () => {}) {
  const lives: FakeLife[] = [new FakeLife()];
  const starts: PromiseWithResolvers<void>[] = [];
  const begun: (() => void)[] = [];
  const machine = new Lives<FakeLife>({
    first: lives[0] as FakeLife,
    called: "web",
    note: () => {},
    onStarted: () => onStarted(lives.length),
    start: async (signal) => {
      const start = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => start.reject(signal.reason), { once: true });
      starts.push(start);
      for (const tell of begun.splice(0)) tell();
      await start.promise;
      const life = new FakeLife();
      lives.push(life);
      return life;
    },
  });
  return {
    ...{ machine, lives, over: machine.run() },
    /** Resolves when as many are starting, or have. */
    starting: async (count = 1) => {
      while (starts.length < count) await new Promise<void>((resolve) => begun.push(resolve));
    },
    release: (index = 0) => starts[index]?.resolve(),
    fail: (index = 0) => starts[index]?.reject(new Error("no memory")),
  };
}

it("starts again where the guest does, and is over where it ends", async () => {
  const { machine, lives, over, starting, release } = livesOf();
  lives[0]?.end("guest-reset");
  await starting();
  expect(machine.isBetween).toBe(true);
  release();
  await machine.settled();
  expect([machine.isBetween, machine.current]).toEqual([false, lives[1]]);
  lives[1]?.end("guest-shutdown");
  expect(await over).toEqual({ occurrence: "ended", reason: "the machine ended: guest-shutdown" });
});

it("is over when it is told to end while it starts again, and who waits for it hears that", async () => {
  const { machine, lives, over, starting } = livesOf();
  const again = machine.again((life) => life.end("killed"));
  await starting();
  machine.end("it was stopped");
  expect(await over).toEqual({ occurrence: "ended", reason: "it was stopped" });
  await expect(again).rejects.toMatchObject({ code: "vm-state", message: "web has ended: it was stopped" });
  await machine.settled();
  await expect(machine.again(() => {})).rejects.toMatchObject({ code: "vm-state" });
  expect(lives).toHaveLength(1);
});

it("ends one that was there already when it was told to end", async () => {
  const { machine, lives, over, starting, release } = livesOf(async () => machine.end("it was stopped"));
  lives[0]?.end("guest-reset");
  await starting();
  release();
  expect(await over).toEqual({ occurrence: "ended", reason: "it was stopped" });
  expect(lives.map(({ isDisposed }) => isDisposed)).toEqual([false, true]);
});

it("leaves nothing that lives where the start could not be noted", async () => {
  const { lives, over, starting, release } = livesOf(async () => {
    throw new Error("the disk is full");
  });
  lives[0]?.end("guest-reset");
  await starting();
  release();
  expect(await over).toEqual({ occurrence: "failed", reason: "it did not start again: the disk is full" });
  expect(lives[1]?.isDisposed).toBe(true);
});

it("tells who wanted it to live again why it does not", async () => {
  const { machine, over, starting, fail } = livesOf();
  const again = machine.again((life) => life.end("killed"));
  await starting();
  fail();
  await expect(again).rejects.toThrow("no memory");
  expect(await over).toMatchObject({ occurrence: "failed" });
});

it("has one that starts again come first, and then another one", async () => {
  const { machine, lives, starting, release } = livesOf();
  lives[0]?.end("guest-reset");
  await starting();
  const again = machine.again((life) => life.end("killed"));
  release(0);
  await starting(2);
  expect(lives).toHaveLength(2);
  release(1);
  await again;
  expect(machine.current).toBe(lives[2]);
});

it("forgets who wanted it to live again where that did not end it", async () => {
  const { machine, lives, over } = livesOf();
  const failing = machine.again(() => {
    throw new Error("the disk is full");
  });
  await expect(failing).rejects.toThrow("the disk is full");
  lives[0]?.end("guest-shutdown");
  expect(await over).toMatchObject({ occurrence: "ended" });
});

it("starts nothing while its files are changed", async () => {
  const { machine, lives, starting, release } = livesOf();
  const change = Promise.withResolvers<string>();
  const held = machine.hold(async (signal) => {
    const text = await change.promise;
    expect(signal.aborted).toBe(false);
    return text;
  });
  await Promise.resolve();
  lives[0]?.end("guest-reset");
  const begun = starting().then(() => "begun");
  expect(await Promise.race([begun, new Promise((resolve) => setImmediate(resolve, "held"))])).toBe("held");
  change.resolve("changed");
  expect([await held, await begun]).toEqual(["changed", "begun"]);
  release();
  await machine.settled();
});

it("is over only when what is done with its files has heard of it", async () => {
  const { machine, lives, over } = livesOf();
  const heard = Promise.withResolvers<void>();
  const held = machine.hold(async (signal) => {
    signal.addEventListener("abort", () => heard.resolve());
    await heard.promise;
    throw signal.reason;
  });
  lives[0]?.end("guest-shutdown");
  await expect(held).rejects.toMatchObject({ code: "vm-state", message: "web has ended" });
  await over;
  await expect(machine.hold(async () => {})).rejects.toMatchObject({ code: "vm-state" });
});

it("says that the machine has ended where that is why its files could not be changed", async () => {
  const { machine, lives } = livesOf();
  const missing = async () => {
    throw new Error("ENOENT: no such file or directory");
  };
  await expect(machine.hold(missing)).rejects.toThrow("ENOENT");
  const held = machine.hold(async () => {
    lives[0]?.end("killed");
    await missing();
  });
  await expect(held).rejects.toMatchObject({ code: "vm-state", message: "web has ended meanwhile" });
});
