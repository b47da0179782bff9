/**
 * What a recipe does inside a booted machine: it starts from the image's disk, is changed, and powers itself off.
 *
 * The disk is written in place. *Owns* the machine while it runs; whatever happens it is gone afterwards.
 */
import { resolveMachine } from "../../vm/limits.ts";
import type { MachineDisk } from "../../vm/ports.ts";
import type { BuildContext } from "../build-context.ts";
import type { MutableImage } from "../mutable-image.ts";
import { BuildMachine } from "./build-machine.ts";
import { GuestWork } from "./guest-work.ts";
import { keepForInspection } from "./keep.ts";
import { packagesAfter } from "./packages-after.ts";
import { powerOff } from "./power-off.ts";
import { Screen } from "./screen.ts";
import { TimeLimit } from "./time-limit.ts";
import type { MachineWork } from "./work.ts";

/**
 * @param image Its disk is in a folder of its own.
 * @throws {BuildMachineError}, {@link GuestSilentError} there is no agent; {@link GuestGoneError}; `signal.reason`.
 */
export async function provisionImage(
  name: string,
  image: MutableImage,
  work: MachineWork,
  context: BuildContext,
): Promise<MutableImage> {
  const { config, report } = context;
  using limit = new TimeLimit(work.timeoutMs, context.signal);
  const { signal } = limit;
  report.stage("starting the machine");
  let machine: BuildMachine | undefined;
  await using screen =
    context.vnc === undefined ? undefined : await Screen.serve(context.vnc, () => machine?.vm.vncSocket);
  if (screen !== undefined) announce(screen, context);
  machine = await BuildMachine.start({
    ...{ name, network: work.network, context, signal },
    machine: resolveMachine({ image: image.machine, config: config.machine }, config.machineOptions),
    disk: machineDisk(image),
  });
  await using started = machine;
  const begun = { machine: started, diskFile: image.disk.file, screen, context };
  try {
    await started.waitForGuest(signal);
    started.hideConsole();
    const guest = new GuestWork({ guest: started.guest, programs: context.programs, report, signal });
    report.stage("changing the machine");
    await guest.do(work);
    report.stage("cleaning up");
    const packages = await guest.listPackages();
    await guest.cleanUp({ discardAll: image.disk.format === "raw" });
    report.stage("powering off");
    await powerOff(started, signal);
    return { ...image, packages: packagesAfter(image, packages) };
  } catch (error) {
    if (context.keepOnFailure && !context.signal.aborted) await keepForInspection(error, begun);
    throw error;
  }
}

export function announce(screen: Screen, { report }: BuildContext): void {
  report.note(`screen: ${screen.url}`);
  if (screen.isOpen) report.note("warning: whoever reaches this address sees the screen, and can type");
}

function machineDisk({ disk, machine, base, kernel, initrd }: MutableImage): MachineDisk {
  const own =
    machine.boot === undefined || kernel === undefined
      ? undefined
      : { kernel, initrd: machine.boot.initrd === undefined ? undefined : initrd, cmdline: machine.boot.cmdline ?? "" };
  const directBoot = machine.boot === undefined ? undefined : (own ?? base?.directBoot);
  return { diskFile: disk.file, format: disk.format, directBoot };
}
