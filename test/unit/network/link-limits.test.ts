import { type Duplex, duplexPair } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FrameLink, type LinkLimits } from "../../../src/network/user/frame-link.ts";

const NONE: LinkLimits = { packetsPerSecond: undefined, bytesPerSecond: undefined };
const BURST_SECONDS = 0.1;
const links: FrameLink[] = [];

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));

afterEach(() => {
  for (const link of links.splice(0)) link.destroy();
  vi.useRealTimers();
});

/** A link whose far end counts what comes out, and whose near end counts frames and moments with room. */
function start(limits: LinkLimits) {
  const [own, far] = duplexPair();
  const counts = { framesIn: 0, bytesOut: 0, drained: 0 };
  const sink = {
    frame: () => {
      counts.framesIn += 1;
    },
    batchEnd: () => {},
    drained: () => {
      counts.drained += 1;
    },
    closed: () => {},
  };
  const link = new FrameLink(own, sink, limits);
  links.push(link);
  far.on("data", (chunk: Buffer) => {
    counts.bytesOut += chunk.length;
  });
  far.on("error", () => {});
  return { link, far, counts };
}

function frames(count: number, bytes: number): Buffer {
  const frame = Buffer.alloc(4 + bytes);
  frame.writeUInt32BE(bytes);
  return Buffer.concat(Array<Buffer>(count).fill(frame));
}

/** Sends as a machine does, that waits while it is not read from. */
async function sendFor(far: Duplex, seconds: number, chunk: Buffer): Promise<void> {
  let room = true;
  far.on("drain", () => {
    room = true;
  });
  for (let ms = 0; ms < seconds * 1_000; ms += 10) {
    for (let i = 0; i < 20 && room; i++) {
      room = far.write(chunk);
      await settled();
    }
    await vi.advanceTimersByTimeAsync(10);
    await settled();
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe("a link without limits", () => {
  it("takes everything at once, and starts no timer", async () => {
    const { link, far, counts } = start(NONE);
    for (let i = 0; i < 100; i++) far.write(frames(100, 1_000));
    for (let i = 0; i < 20; i++) link.tryAllocate(1_000);
    await settled();
    expect(counts).toMatchObject({ framesIn: 10_000, bytesOut: 20 * 1_004 });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("frames from a machine", () => {
  it.each([
    ["packets", { ...NONE, packetsPerSecond: 1_000 }, 60, 1_000],
    ["bytes", { ...NONE, bytesPerSecond: 1_004_000 }, 1_000, 1_000],
  ])(
    "are read no faster than a limit of %s, none is lost, and none are kept",
    async (_what, limits, bytes, perSecond) => {
      const { far, counts } = start(limits);
      await sendFor(far, 5, frames(10, bytes));
      expect(counts.framesIn).toBeGreaterThan(perSecond * 5 * 0.95);
      // What has come in one piece counts, but is taken.
      expect(counts.framesIn).toBeLessThan(perSecond * (5 + BURST_SECONDS) + 250);
      expect(far.writableLength).toBeLessThan(300 * 1_024);
      const queued = counts.framesIn;
      await sendFor(far, 1, Buffer.alloc(0));
      expect(counts.framesIn).toBeGreaterThan(queued);
    },
  );

  it("that come in one large piece are paid for afterwards", async () => {
    const { far, counts } = start({ ...NONE, packetsPerSecond: 100 });
    far.write(frames(500, 60));
    await settled();
    far.write(frames(1, 60));
    await settled();
    expect(counts.framesIn).toBe(500);
    await vi.advanceTimersByTimeAsync(4_800);
    expect(counts.framesIn).toBe(500);
    await vi.advanceTimersByTimeAsync(200);
    await settled();
    expect(counts.framesIn).toBe(501);
  });

  it("that wait cost one timer, not many", async () => {
    const { far } = start({ ...NONE, packetsPerSecond: 10 });
    const timeouts = vi.spyOn(globalThis, "setTimeout");
    far.write(frames(100, 60));
    await settled();
    await vi.advanceTimersByTimeAsync(9_000);
    expect(timeouts.mock.calls.length).toBeLessThan(5);
    timeouts.mockRestore();
  });
});

describe("frames to a machine", () => {
  it("leave no faster than the limit, and data is asked for again when there is room", async () => {
    const { link, counts } = start({ ...NONE, bytesPerSecond: 1_000_000 });
    let sent = 0;
    for (let ms = 0; ms < 5_000; ms += 10) {
      for (; link.hasRoom; sent += 1_004) if (link.tryAllocate(1_000) === undefined) throw new Error("no room");
      await vi.advanceTimersByTimeAsync(10);
      await settled();
    }
    expect(counts.bytesOut).toBeGreaterThan(5_000_000 * 0.95);
    expect(counts.bytesOut).toBeLessThan(5_000_000 + 1_000_000 * BURST_SECONDS + 2 * 64 * 1_024);
    expect(counts.drained).toBeGreaterThan(0);
    expect(link.waitingBytes).toBe(sent - counts.bytesOut);
    expect(link.waitingBytes).toBeLessThan(256 * 1_024);
  });

  it("that have to wait are bounded, even if nobody asks for room, and all leave in the end", async () => {
    const { link, counts } = start({ ...NONE, bytesPerSecond: 100_000 });
    let taken = 0;
    for (let i = 0; i < 20_000; i++) if (link.tryAllocate(60) !== undefined) taken += 64;
    expect(link.waitingBytes).toBeLessThan(600 * 1_024);
    expect(taken).toBeLessThan(700 * 1_024);
    await vi.advanceTimersByTimeAsync(10_000);
    await settled();
    expect(counts.bytesOut).toBe(taken);
    expect(link.waitingBytes).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("do not hold up those from it", async () => {
    const { link, far, counts } = start({ ...NONE, bytesPerSecond: 100_000 });
    for (let i = 0; i < 200; i++) link.tryAllocate(1_000);
    await settled();
    far.write(frames(3, 60));
    await settled();
    expect(counts.framesIn).toBe(3);
  });
});

describe("a link with limits that is closed", () => {
  it("leaves no timer behind", async () => {
    const { link, far } = start({ packetsPerSecond: 1, bytesPerSecond: 1 });
    far.write(frames(100, 60));
    for (let i = 0; i < 200; i++) link.tryAllocate(1_000);
    await settled();
    expect(vi.getTimerCount()).toBe(2);
    link.destroy();
    expect(vi.getTimerCount()).toBe(0);
    expect(link.waitingBytes).toBe(0);
  });
});
