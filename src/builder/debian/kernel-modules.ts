/** The modules of a kernel in a root, for a guest whose udev loads drivers. */
import { cp, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { ADMINISTRATORS_PATH, runCommand } from "../../host/command.ts";

/** Drivers of hardware that no virtual machine has; two thirds of all. */
const LEFT_OUT = [
  ...["accel", "bluetooth", "comedi", "firewire", "iio", "infiniband", "isdn", "leds", "media", "mtd", "nfc"],
  ...["net/wireless", "pcmcia", "platform", "power", "staging", "thunderbolt", "video/fbdev"],
  ...["amd", "gma500", "i915", "nouveau", "radeon"].map((name) => `gpu/drm/${name}`),
].map((name) => `drivers/${name}`);

/**
 * @param modules Absolute path of the folder of a kernel that was unpacked.
 * @param root Absolute path.
 */
export async function addKernelModules(modules: string, root: string, signal?: AbortSignal): Promise<void> {
  const version = basename(modules);
  const target = join(root, "usr/lib/modules", version);
  await cp(modules, target, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  for (const name of LEFT_OUT) await rm(join(target, "kernel", name), { recursive: true, force: true });
  for (const name of ["build", "source"]) await rm(join(target, name), { force: true });
  await runCommand(["depmod", "-b", root, version], { signal, env: { PATH: ADMINISTRATORS_PATH } });
}
