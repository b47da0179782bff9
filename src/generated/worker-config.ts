// Generated from schemas/worker-config.schema.json by scripts/generate-types.ts; never edited.

import type { MachineOverrides } from "./machine.ts";
import type { MachineOptions } from "./machine-options.ts";

/**
 * Configuration file of a worker. Everything has a default; see config/worker.example.yml.
 */
export interface WorkerConfig {
  /**
   * Directory for images, caches and the disks of running machines. `/var/lib/boxcar` for root, else `$XDG_STATE_HOME/boxcar` or `~/.local/state/boxcar`. Environment: BOXCAR_STATE_DIR.
   */
  stateDir?: string;
  /**
   * Directory for the sockets of running machines. Nobody else may write to it, and it must be short, at most 64 bytes, because paths of sockets are limited. `/run/boxcar` for root, else `$XDG_RUNTIME_DIR/boxcar` or `/tmp/boxcar-UID`. Environment: BOXCAR_RUN_DIR.
   */
  runDir?: string;
  /**
   * The image store, and which images tasks may name.
   */
  images?: {
    /**
     * Directory of the image store; `images` in stateDir if it is left out. Environment: BOXCAR_IMAGES_DIR.
     */
    directory?: string;
    /**
     * Image of a task that names none.
     */
    default?: string;
    /**
     * Largest apparent size of one file of an image, checked while it is unpacked, and of a virtual disk.
     */
    maxSizeGiB?: number;
    /**
     * Whether tasks may name an archive on the worker's disk by its path.
     */
    allowPaths?: boolean;
    /**
     * Whether tasks may name an archive by its URL.
     */
    allowUrls?: boolean;
  };
  /**
   * Limits on the machines of tasks. Half of the host's memory but at most 4096 MiB, and all its CPUs, if it is left out.
   */
  machineOptions?: MachineOptions;
  /**
   * Hardware of machines where neither the task nor the image says what it wants.
   */
  machine?: MachineOverrides;
  /**
   * How machines run: `kvm` uses the CPU itself, `tcg` emulates it, `auto` tries whether a guest really runs under kvm and falls back to tcg. Environment: BOXCAR_ACCELERATOR.
   */
  accelerator?: "auto" | "kvm" | "tcg";
  /**
   * The installed QEMU.
   */
  qemu?: {
    /**
     * Name or path of the QEMU program.
     */
    binary?: string;
  };
  /**
   * Machines that a worker keeps resumed and paused, of the kinds its latest tasks asked for, so that the next task has one in milliseconds.
   */
  pool?: {
    /**
     * Most machines at once; 0 keeps none.
     */
    machines?: number;
    /**
     * Most memory of all of them together, as if each used all it may, in MiB. A quarter of the host's if it is left out.
     */
    memory?: number;
    /**
     * A machine that has waited longer is thrown away: seconds, or a text.
     */
    maxIdle?: number | string;
  };
  /**
   * Limits on every task.
   */
  limits?: {
    /**
     * Longest time a command may run, and the time it gets if its task names none: seconds, or a text such as "2 hours".
     */
    maxRunTime?: number | string;
    /**
     * How long a machine may take from its start until the guest asks for its command: seconds, or a text.
     */
    bootTimeout?: number | string;
    /**
     * Largest log of a task, in MiB; what comes after is dropped and the log says so.
     */
    maxLogMiB?: number;
    /**
     * Largest artifact, in MiB: one file, or everything in one folder.
     */
    maxArtifactMiB?: number;
    /**
     * Most files, and folders, in a folder kept as an artifact.
     */
    maxArtifactFiles?: number;
  };
}
