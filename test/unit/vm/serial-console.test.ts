import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SerialConsole } from "../../../src/vm/serial-console.ts";

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "bx-console-"));
});

afterAll(() => rm(directory, { recursive: true }));

async function feed(chunks: readonly (string | Buffer)[], maxBytes?: number) {
  const port = new PassThrough();
  const file = join(directory, `${Math.random()}.log`);
  const console = new SerialConsole(port);
  console.recordTo(file, maxBytes);
  for (const chunk of chunks) port.write(chunk);
  port.end();
  await console.closed;
  return { console, text: await readFile(file, "utf8").catch(() => undefined) };
}

const OOM = "[   12.3] Out of memory: Killed process 417 (node) total-vm:1048576kB, anon-rss:999kB";

describe("the serial console", () => {
  it("keeps all of it in the file, and the end in memory", async () => {
    const lines = Array.from({ length: 4_000 }, (_, index) => `line ${index}\n`);
    const { console, text } = await feed(lines);
    expect(text).toBe(lines.join(""));
    expect(lines.join("").endsWith(console.tail)).toBe(true);
    expect(console.tail).toHaveLength(16_384);
  });

  it("keeps no more than it may of a guest that never stops, and still its end", async () => {
    const { console, text } = await feed([...Array<Buffer>(64).fill(Buffer.alloc(65_536, "x")), "the end"], 100_000);
    expect(text).toBe("x".repeat(100_000));
    expect(console.tail.endsWith("xthe end")).toBe(true);
  });

  it("goes on where the file cannot be written", async () => {
    const port = new PassThrough();
    const console = new SerialConsole(port);
    console.recordTo(join(directory, "missing/console.log"));
    port.end("hello");
    await console.closed;
    expect(console.tail).toBe("hello");
  });

  it("records from the middle on, beginning with what it remembers", async () => {
    const port = new PassThrough();
    const console = new SerialConsole(port);
    const file = join(directory, "late.log");
    port.write("early ");
    await new Promise((resolve) => setImmediate(resolve));
    console.recordTo(file);
    port.end("late");
    await console.closed;
    expect(await readFile(file, "utf8")).toBe("early late");
  });

  it("recognizes what the kernel says, wherever the chunks are cut", async () => {
    const text = `noise\r\n${OOM}\r\n[   13.0] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100\r\n`;
    for (const size of [1, 7, 1_000]) {
      const chunks = text.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
      const { console } = await feed(chunks);
      expect(console.notices.map(({ kind }) => kind)).toEqual(["out-of-memory", "kernel-panic"]);
      expect(console.notices[0]?.message).toBe(
        "the guest ran out of memory, and its kernel killed process 417 (node); give the machine more memory",
      );
      expect(console.notices[1]?.message).toBe(
        "the kernel of the guest panicked: Attempted to kill init! exitcode=0x00000100",
      );
    }
  });

  it("remembers a bounded number of notices, without control characters", async () => {
    const { console } = await feed(Array(1_000).fill(`${OOM.replace("node", "\u001b[31mevil")}\n`));
    expect(console.notices).toHaveLength(20);
    expect(console.notices[0]?.message).toContain("(  [31mevil)".replace("  ", " "));
  });

  it("tells a control group that is full from a machine that is", async () => {
    const { console } = await feed(["Memory cgroup out of memory: Killed process 9 (cc1)\n"]);
    expect(console.notices[0]?.message).toContain("a control group in the guest ran out of memory");
  });
});
