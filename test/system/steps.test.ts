import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Boxcar } from "./boxcar.ts";
import { Sandboxes } from "./sandboxes.ts";

let boxcar: Boxcar;
let sandboxes: Sandboxes;

beforeAll(async () => {
  boxcar = await Boxcar.open({ ownImages: "default" });
  sandboxes = await Sandboxes.open(boxcar);
});

afterAll(async () => {
  await sandboxes[Symbol.asyncDispose]();
  expect(await boxcar.leftovers()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
});

/** Prints more for each client than a pipe holds, and nobody is to see it. */
const SERVER =
  "mkfifo /run/in /run/out; (setsid sh -c 'while read -r word < /run/in; do seq 1 300000; echo hello $word > /run/out; done' &)";

describe.each([
  { start: "resumed", cold: false },
  { start: "booted", cold: true },
])("a machine that is $start", ({ cold }) => {
  it("runs commands one after another, and keeps what they left running", async () => {
    const client = (word: string) => `echo ${word} > /run/in; cat /run/out`;
    const steps = [`echo begin; ${SERVER}`, client("world"), "echo it fails; exit 7", client("again"), "seq 1 100000"];
    const { exitCodes, output, resumed } = await sandboxes.runSteps(steps, { cold });
    expect(exitCodes).toEqual([0, 0, 7, 0, 0]);
    const sequence = Array.from({ length: 100_000 }, (_, i) => `${i + 1}\n`).join("");
    expect(output === `begin\nhello world\nit fails\nhello again\n${sequence}`, output.slice(0, 200)).toBe(true);
    expect(resumed).toBe(!cold);
  });
});
