import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { ConsoleHub } from "../../../src/hypervisor/console-hub.ts";

function fakeConsole() {
  const closed = Promise.withResolvers<void>();
  const typed: Buffer[] = [];
  let follower: (chunk: Buffer) => void = () => {};
  return {
    closed: closed.promise,
    close: closed.resolve,
    typed: () => Buffer.concat(typed).toString(),
    print: (line: string) => follower(Buffer.from(line)),
    follow: (listener: (chunk: Buffer) => void) => {
      follower = listener;
    },
    type: async (bytes: Uint8Array) => void typed.push(Buffer.from(bytes)),
  };
}

it("each who watches a console gets what came last and then all that comes; what he types arrives", async () => {
  const console = fakeConsole();
  const hub = new ConsoleHub(console, 8);
  console.print("long ago, before");
  const [one, two] = [hub.join(), hub.join()];
  console.print(" now");
  two.end("ls\r");
  const three = hub.join();
  console.close();
  expect(await Promise.all([text(one), text(two), text(three)])).toEqual([", before now", ", before now", "fore now"]);
  expect(console.typed()).toBe("ls\r");
  expect(await text(hub.join())).toBe("fore now");
});

it("who does not read loses what comes, and holds up nobody", async () => {
  const console = fakeConsole();
  const hub = new ConsoleHub(console);
  const [lazy, eager] = [hub.join(), hub.join()];
  let bytes = 0;
  eager.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  const block = "x".repeat(100_000);
  for (let count = 0; count < 50; count++) {
    console.print(block);
    await new Promise(setImmediate);
  }
  expect(bytes).toBe(5_000_000);
  expect(lazy.readableLength).toBeLessThan(1_200_000);
});
