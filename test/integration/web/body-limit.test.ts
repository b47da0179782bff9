import { mkdtemp, rm } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline, Writable } from "node:stream";
import { expect, it } from "vitest";
import { HttpService } from "../../../src/web/server/service.ts";

it("a body that cannot be stored harms nobody else", async () => {
  const directory = await mkdtemp(join(tmpdir(), "bx-"));
  const path = join(directory, "socket");
  const hungUp = Promise.withResolvers<unknown>();
  {
    const handler: RequestListener = (request, response) => {
      const full = new Writable({ write: (_chunk, _encoding, done) => done(new Error("no space left")) });
      // Node takes the connection from a request whose pipeline fails.
      pipeline(request, full, () => {
        response.once("close", () => hungUp.resolve(request.socket));
        response.writeHead(400).end();
      });
    };
    const options = { limits: { requestTimeout: 100 } };
    await using _service = await HttpService.listen({ path }, handler, undefined, options);
    const client = connect(path);
    const closed = new Promise((resolve) => void client.once("close", resolve));
    client.on("error", () => {}).resume();
    client.write(`PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${2 ** 30}\r\n\r\n${"x".repeat(100_000)}`);
    await closed;
    expect(await hungUp.promise).toBe(null);
  }
  await rm(directory, { recursive: true });
});
