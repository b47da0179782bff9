import { once } from "node:events";
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const LAUNCHER = fileURLToPath(new URL("../../../bin/boxcar.js", import.meta.url));

/** Makes the Node that runs the launcher look old; a program it starts is not affected. */
const OLD_NODE = [
  "--import",
  "data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.2' } })",
];

let checkout: string;

beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), "boxcar-bin-"));
  await write("package.json", '{ "type": "module" }');
  await mkdir(join(checkout, "bin"));
  await copyFile(LAUNCHER, join(checkout, "bin/boxcar.js"));
});

afterEach(() => rm(checkout, { recursive: true }));

async function write(name: string, text: string): Promise<void> {
  await mkdir(dirname(join(checkout, name)), { recursive: true });
  await writeFile(join(checkout, name), text);
  await chmod(join(checkout, name), 0o755);
}

function launch(nodeFlags: readonly string[], ...args: string[]) {
  return execa(process.execPath, [...nodeFlags, join(checkout, "bin/boxcar.js"), ...args], { reject: false });
}

describe("bin/boxcar.js", () => {
  it("starts the program, which says how it ended", async () => {
    await write("dist/command/main.js", "console.log(process.argv.slice(2).join()); process.exitCode = 3;");
    expect(await launch([], "a", "b")).toMatchObject({ exitCode: 3, stdout: "a,b" });
  });

  it("keeps a worker small, in the same process", async () => {
    await write(
      "dist/command/main.js",
      "console.log(process.pid, process.execArgv.join(), process.argv.slice(2).join());",
    );
    const worker = launch([], "worker", "--config", "x");
    const { stdout, stderr } = await worker;
    expect({ stdout, stderr }).toEqual({
      stdout: `${worker.pid} --max-semi-space-size=2,--heap-growing-percent=30 worker,--config,x`,
      stderr: "",
    });
  });

  it("says what to type where nothing is built", async () => {
    expect(await launch([])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("scripts/setup.sh") });
  });

  it("says which Node is needed where there is only an old one", async () => {
    expect(await launch(OLD_NODE)).toMatchObject({
      exitCode: 2,
      stderr: "boxcar: Node 24 or newer is needed, and this is 20.1.2",
    });
  });

  it("hands over to the Node of the checkout, with arguments and exit code", async () => {
    await write("node_modules/node/bin/node", '#!/bin/sh\nshift\necho "$@"\nexit 7\n');
    expect(await launch(OLD_NODE, "run", "x y")).toMatchObject({ exitCode: 7, stdout: "run x y" });
  });

  it("passes signals on, and waits for the end", async () => {
    const onTerm = "process.on('SIGTERM', () => { console.log('got it'); process.exit(130); });";
    const program = `${onTerm} setInterval(() => {}, 60_000); console.log("ready");`;
    await write("node_modules/node/bin/node", `#!${process.execPath}\n${program}\n`);
    const child = launch(OLD_NODE);
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    expect(await child).toMatchObject({ exitCode: 130, stdout: "ready\ngot it" });
  });

  it("ends by the signal that ended the program", async () => {
    await write("node_modules/node/bin/node", "#!/bin/sh\nkill -KILL $$\n");
    expect(await launch(OLD_NODE)).toMatchObject({ signal: "SIGKILL" });
  });
});
