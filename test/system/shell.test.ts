import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ShellUser } from "../integration/guest/shell-user.ts";
import { Boxcar } from "./boxcar.ts";
import { whyNoOutsideWorld } from "./outside-world.ts";
import { Sandboxes, taskOf } from "./sandboxes.ts";

let boxcar: Boxcar;

beforeAll(async () => {
  boxcar = await Boxcar.open({ ownImages: "default" });
});

afterAll(async () => {
  expect(await boxcar.leftovers()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
});

const MODES = whyNoOutsideWorld() === undefined ? ["user", "namespace"] : ["user"];

describe.each(MODES)("a machine with a network of mode %s", (mode) => {
  it("has a shell while its task runs and afterwards, and it ends with the machine", async () => {
    await using sandboxes = await Sandboxes.open(boxcar, { mode });
    const script = "cd /srv && mkfifo gate && echo $$ > pid && cat gate";
    const task = { ...taskOf(script), cwd: "/srv", env: { FROM_TASK: "yes" } };
    await using machine = await sandboxes.startWithDisks(0, { task });
    const { guest } = machine.sandbox;
    expect(machine.sandbox.snapshot).toBeDefined();
    await guest.started;

    const user = new ShellUser(await guest.openShell({ tty: true, columns: 100, rows: 30 }));
    await user.type("stty size; id -un; echo $TERM $PWD $FROM_TASK\n");
    await user.sees(/30 100\r\nroot\r\nxterm-256color \/srv yes\r\n/);
    await user.shell.resize(120, 40);
    await user.type("stty size; until [ -s pid ]; do :; done; kill -0 $(cat pid) && echo task is there\n");
    await user.sees(/40 120\r\n(.|\n)*task is there\r\n/);
    await user.type("echo done > gate\n");
    await expect(guest.resolved).resolves.toMatchObject({ success: true });
    await user.type("seq 1 20000 | md5sum; exit\n");
    await user.sees(/([0-9a-f]{32}) {2}-\r\n/);
    await user.finished;
    expect(user.exit).toBe(true);

    const second = await guest.openShell({ command: ["sh", "-c", "seq 1 300000; echo end >&2; cat"] });
    const last = new ShellUser(second);
    await last.sees(/\n300000\n/);
    expect(last.sizes.stdout).toBe(1_988_895);
    await vi.waitFor(() => expect(last.stderr).toBe("end\n"), { timeout: 10_000 });
    await machine[Symbol.asyncDispose]();
    await expect(second.done).rejects.toThrow();
  });
});
