import { expect, it } from "vitest";
import { Boxcar } from "./boxcar.ts";

it("nothing is left of a machine that a limit keeps from being started", async () => {
  await using boxcar = await Boxcar.open();
  const env = { BOXCAR_VMS_MAX_MEMORY: "255" };
  const { exitCode, stderr } = await boxcar.run(["vm", "run", "--name", "dev", "--memory", "256M", "--cold"], env);
  expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/255 MiB together .* and dev has 256/)]);
  expect((await boxcar.run(["vm", "list", "-o", "json"])).stdout.trim()).toBe("[]");
}, 60_000);

it("as many machines are made as may be there, and no further one", async () => {
  await using boxcar = await Boxcar.open();
  const env = { BOXCAR_VMS_MAX: "1" };
  const create = (name: string) => boxcar.run(["vm", "create", "--name", name, "--memory", "256M"], env);
  expect((await create("first")).exitCode).toBe(0);
  const { exitCode, stderr } = await create("second");
  expect([exitCode, stderr]).toEqual([
    2,
    expect.stringMatching(/at most 1 machines .*\(vms\.max of the conf.* there is 1;/),
  ]);
  expect((await boxcar.run(["vm", "list", "-o", "json"])).stdout).toMatch(/^\[[^[]*"name":"first"/);
  await boxcar.run(["vm", "rm", "first"]);
  expect((await create("second")).exitCode).toBe(0);
}, 60_000);

it("no further machine is made where those that are there take too much of the disk", async () => {
  await using boxcar = await Boxcar.open();
  const env = { BOXCAR_VMS_MAX_DISK_GIB: "0.0001" };
  const create = (name: string) => boxcar.run(["vm", "create", "--name", name, "--disk", "data:64M"], env);
  expect((await create("first")).exitCode).toBe(0);
  const { exitCode, stderr } = await create("second");
  expect([exitCode, stderr]).toEqual([
    2,
    expect.stringMatching(/\(vms\.maxDiskGiB of the configuration\), .* are taken/),
  ]);
}, 60_000);
