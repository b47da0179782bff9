/** A machine in which something failed stays as it is, for whoever wants to know why. */
import { orAborted } from "../../base/abort.ts";
import { messageOf } from "../../base/errors.ts";
import type { BuildContext } from "../build-context.ts";
import type { BuildMachine } from "./build-machine.ts";
import { ANY_LOCAL, Screen } from "./screen.ts";

export interface KeptMachine {
  machine: BuildMachine;
  /** Absolute path. */
  diskFile: string;
  /** Where the screen is served already. */
  screen: Screen | undefined;
  context: BuildContext;
}

/** Resolves when the person has seen enough, or the build is cancelled. */
export async function keepForInspection(error: unknown, { machine, diskFile, ...options }: KeptMachine): Promise<void> {
  const { context } = options;
  const { report, signal, dismissed } = context;
  const lives = machine.vm.state === "running" || machine.vm.state === "paused";
  const shows = lives && machine.hasScreen;
  await using own =
    shows && options.screen === undefined ? await Screen.serve(ANY_LOCAL, () => machine.vm.vncSocket) : undefined;
  const screen = own ?? options.screen;
  report.note(messageOf(error));
  report.note(lives ? "the machine is kept, and goes on running" : "the machine has ended; its disk is kept");
  if (shows && screen !== undefined) report.note(`its screen: ${screen.url}`);
  report.note(`its disk: ${diskFile}${lives ? ", which it writes to" : ""}`);
  report.note(`${dismissed === undefined ? "" : "Enter or "}Ctrl-C throws it away`);
  // A machine whose guest ends it meanwhile still has a disk to look at.
  await orAborted(dismissed?.(signal) ?? new Promise(() => {}), signal).catch((reason: unknown) => {
    if (!signal.aborted) throw reason;
  });
}
