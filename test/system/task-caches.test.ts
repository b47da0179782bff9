/** Caches as tasks have them; what they are made of is in caches.test.ts. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Boxcar } from "./boxcar.ts";

let boxcar: Boxcar;

beforeAll(async () => {
  boxcar = await Boxcar.open();
});

afterAll(() => boxcar[Symbol.asyncDispose]());

const sh = (script: string) => ["sh", "-c", script];
const cache = (name: string, fields: object = {}) => ({ name, path: `/caches/${name}`, sizeMiB: 32, ...fields });

async function run(script: string, caches: readonly object[], more: object = {}) {
  const { result, stdout, stderr } = await boxcar.runTask({ command: sh(script), caches, ...more });
  return {
    state: result.state,
    reason: result.reason,
    stdout: stdout.slice(0, stdout.lastIndexOf('{"state"')),
    stderr,
  };
}

describe("the caches of a task", () => {
  it("have in them what the task before has left", async () => {
    const first = await run("ls -A /caches/a /caches/b; echo one > /caches/a/file", [cache("a"), cache("b")]);
    expect(first).toMatchObject({
      state: "completed",
      stderr: expect.stringContaining("the cache a is at /caches/a, empty"),
    });
    const second = await run("cat /caches/a/file; ls /caches/b; df -m /caches/a | tail -1", [cache("b"), cache("a")]);
    expect(second.stdout).toMatch(/^one\n/);
    expect(Number(/\s(\d+)\s/.exec(second.stdout)?.[1])).toBeLessThanOrEqual(32);
  });

  it("stay as they were where the task fails, unless it says otherwise", async () => {
    await run("echo kept > /caches/c/file", [cache("c")]);
    await run("echo lost > /caches/c/file; exit 1", [cache("c")]);
    expect((await run("cat /caches/c/file", [cache("c")])).stdout).toBe("kept\n");
    await run("echo saved > /caches/c/file; exit 1", [cache("c", { save: "always" })]);
    expect((await run("cat /caches/c/file", [cache("c")])).stdout).toBe("saved\n");
  });

  it("can only be read where they are shared", async () => {
    await run("echo first > /caches/d/file", [cache("d")]);
    const shared = await run("cat /caches/d/file; echo second > /caches/d/file || echo refused", [
      cache("d", { mode: "shared" }),
    ]);
    expect(shared.stdout).toMatch(/^first\n.*refused\n/s);
  });

  it("are thrown away after an exit code of which the task says so", async () => {
    await run("echo broken > /caches/e/file", [cache("e")]);
    const purged = await run("exit 75", [cache("e")], { onExitStatus: { purgeCaches: [75], retry: [75] } });
    expect(purged).toMatchObject({ state: "exception", reason: "intermittent-task" });
    expect((await run("ls -A /caches/e", [cache("e")])).stdout).not.toContain("file");
  });

  it("belong to the user of the task", async () => {
    const { stdout } = await run("id -un; touch /caches/f/mine && echo written", [cache("f")], { user: "nobody" });
    expect(stdout).toBe("nobody\nwritten\n");
  });
});
