import { describe, expect, it } from "vitest";
import { filter } from "../../../src/host/filter.ts";

async function* source(...chunks: string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield Buffer.alloc(65_536);
}

async function collect(stream: AsyncIterable<Buffer>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(stream)).toString();
}

describe("filter", () => {
  it("hands on what the program makes of its input", async () => {
    expect(await collect(filter(["tr", "a-z", "A-Z"], source("one ", "two")))).toBe("ONE TWO");
  });

  it("is done with a chunk when it asks for the next one", async () => {
    async function* sameMemory(): AsyncGenerator<Uint8Array> {
      const chunk = Buffer.alloc(300_000);
      for (const letter of "abcdefgh") yield chunk.fill(letter);
      chunk.fill("x");
    }
    const output = await collect(filter(["cat"], sameMemory()));
    expect(output === [..."abcdefgh"].map((letter) => letter.repeat(300_000)).join("")).toBe(true);
  });

  it("fails with the end of stderr when the program fails, even after its output", async () => {
    const failing = filter(["sh", "-c", "cat; echo it broke >&2; exit 3"], source("output"));
    await expect(collect(failing)).rejects.toMatchObject({
      code: "command-failed",
      exitCode: 3,
      message: expect.stringContaining("it broke"),
    });
  });

  it("fails when the program ends before it has read its input, though it reports success", async () => {
    await expect(collect(filter(["true"], endless()))).rejects.toMatchObject({ code: "command-failed" });
  });

  it("names a program that is not installed", async () => {
    const missing = filter(["no-such-program-here"], source("x"));
    await expect(collect(missing)).rejects.toMatchObject({ code: "command-not-found" });
  });

  it("throws what the source threw rather than what the program made of it", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("start");
      throw new Error("the source broke");
    }
    await expect(collect(filter(["sh", "-c", "cat; exit 1"], broken()))).rejects.toThrow("the source broke");
  });

  it("kills the program when the consumer stops, and when it is aborted", async () => {
    let pid = 0;
    const command = ["sh", "-c", "echo $$; exec cat"] as const;
    for await (const chunk of filter([...command], endless())) {
      pid = Number(chunk.toString().split("\n")[0]);
      break;
    }
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");

    const controller = new AbortController();
    const reading = async () => {
      for await (const chunk of filter([...command], endless(), { signal: controller.signal })) {
        if (pid === 0) pid = Number(chunk.toString().split("\n")[0]);
        controller.abort(new Error("enough"));
      }
    };
    pid = 0;
    await expect(reading()).rejects.toThrow("enough");
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });
});
