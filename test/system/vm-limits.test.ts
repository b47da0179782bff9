import { expect, it } from "vitest";
import { Boxcar } from "./boxcar.ts";

it("nothing is left of a machine that a limit keeps from being started", async () => {
  await using boxcar = await Boxcar.open();
  const env = { BOXCAR_VMS_MAX_MEMORY: "255" };
  const { exitCode, stderr } = await boxcar.run(["vm", "run", "--name", "dev", "--memory", "256M", "--cold"], env);
  expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/255 MiB together .* and dev has 256/)]);
  expect((await boxcar.run(["vm", "list", "-o", "json"])).stdout.trim()).toBe("[]");
}, 60_000);
