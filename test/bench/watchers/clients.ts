/**
 * Many who watch one run, in a process of their own: `clients.ts URL TASK FOLLOWERS VIEWERS`. Says "watching" when all
 * are connected, and at the end of stdin what they have received, as JSON.
 */
import { once } from "node:events";
import { WebSocket } from "ws";
import { startViewing } from "./viewer.ts";

const [base = "", task = "", followers = "0", viewers = "0"] = process.argv.slice(2);
const run = `${base}/api/v1/tasks/${task}/runs/0`;
const received = { logBytes: 0, displayBytes: 0 };

async function follow(): Promise<void> {
  const client = new WebSocket(`${run}/logs/task.log?follow=1&from=-1`);
  client.on("message", (data: Buffer, isBinary) => {
    if (isBinary) received.logBytes += data.length;
  });
  await once(client, "open");
  client.on("error", () => {});
}

async function view(): Promise<void> {
  const client = new WebSocket(`${run}/display?mode=view`);
  await startViewing(client, (count) => {
    received.displayBytes += count;
  });
  client.on("error", () => {});
}

await Promise.all([
  ...Array.from({ length: Number(followers) }, follow),
  ...Array.from({ length: Number(viewers) }, view),
]);
process.stdout.write("watching\n");
process.stdin.resume();
await once(process.stdin, "end");
process.stdout.write(`${JSON.stringify(received)}\n`);
process.exit(0);
