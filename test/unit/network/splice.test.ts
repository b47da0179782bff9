import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { linkedPair } from "../../../src/network/egress/linked-pair.ts";
import { splice } from "../../../src/network/egress/splice.ts";

const OPTIONS = { idleMs: 60_000, trySpend: () => true, signal: new AbortController().signal };

/** Sockets of the kernel read on, and say that they have ended, before anybody listens. */
it("passes on an end that had come before it was asked", async () => {
  const [client, guest] = linkedPair();
  const [far, server] = linkedPair();
  client.end();
  guest.read(0);
  await once(guest, "end");
  const done = splice(guest, far, OPTIONS);
  expect(await text(server)).toBe("");
  server.end("bye");
  expect(await text(client)).toBe("bye");
  expect(await done).toEqual({ bytesIn: 3, bytesOut: 0, fault: undefined });
});

it("passes on an end of the server that had come before it was asked", async () => {
  const [client, guest] = linkedPair();
  const [far, server] = linkedPair();
  server.end();
  far.read(0);
  await once(far, "end");
  const done = splice(guest, far, OPTIONS);
  expect(await text(client)).toBe("");
  client.end("bye");
  expect(await text(server)).toBe("bye");
  expect(await done).toEqual({ bytesIn: 0, bytesOut: 3, fault: undefined });
});
