/** The accelerator a command's machines run with. */
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { type ProbedAccelerator, probeAccelerator } from "../host/accelerator.ts";

export async function chooseAccelerator(
  config: Config,
  signal: AbortSignal,
  note: (text: string) => void,
): Promise<ProbedAccelerator> {
  const { accelerator, why } = await probeAccelerator({
    requested: config.accelerator,
    qemuBinary: config.qemu.binary,
    cacheDirectory: join(config.stateDir, "cache"),
    signal,
  });
  if (why !== undefined) note(`warning: ${why}`);
  return accelerator;
}
