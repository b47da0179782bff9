/** What every stage of a build is given. */
import type { Config } from "../config/config.ts";
import type { ImageHooks } from "../image/source/acquire.ts";
import type { ImageStore } from "../image/store/image-store.ts";
import type { MachineNetworks } from "../sandbox/machine-networks.ts";
import type { Accelerator } from "../vm/arguments.ts";

export interface BuildContext {
  readonly config: Config;
  readonly images: ImageStore;
  /** Asked before a machine starts from an image that somebody else may have made. What it throws is thrown. */
  readonly accept?: ImageHooks["accept"];
  /** Absolute paths of the programs for guests that were built with this Boxcar. */
  readonly programs: GuestPrograms;
  /** Absolute path of the work folder, which is there; whoever began the build removes it. */
  readonly directory: string;
  readonly signal: AbortSignal;
  /** Opened when the first machine is started, and closed by whoever began the build. */
  readonly openNetworks: () => Promise<MachineNetworks>;
  readonly chooseAccelerator: (signal: AbortSignal, note: (text: string) => void) => Promise<Accelerator>;
  readonly report: BuildReport;
  /** Where the screen of the machine is served; undefined: nowhere. */
  readonly vnc?: { readonly host: string; readonly port: number } | undefined;
  /** Whether a machine whose commands failed stays until `signal` fires, or the person has dismissed it. */
  readonly keepOnFailure?: boolean;
  /** Resolves when the person has seen enough of a machine that is kept. */
  readonly dismissed?: (signal: AbortSignal) => Promise<void>;
}

export interface GuestPrograms {
  readonly agentBinary: string;
  readonly initBinary: string;
}

export interface BuildReport {
  /** A stage begins; the one before is over. */
  stage(text: string): void;
  /** How far the stage is. */
  progress(doneBytes: number, totalBytes: number | undefined): void;
  /** A line of the log of the machine. */
  line(text: string): void;
  /** A line of a tool, for who wants to know all. */
  detail(text: string): void;
  /** What the person should know now, such as the address of a screen. */
  note(text: string): void;
}
