// Generated from schemas/machine-snapshot.schema.json by scripts/generate-types.ts; never edited.

import type { FeatureNetwork } from "./feature-network.ts";
import type { Machine } from "./machine.ts";

/**
 * Id of a snapshot or of a machine.
 */
export type MachineSnapshotId = string;

/**
 * A machine as it was at one instant: `record.json` beside its files, and `snapshot.json` in an archive of it.
 */
export interface MachineSnapshot {
  /**
   * Of this form of record.
   */
  version: 1;
  /**
   * Of this snapshot for ever; no other on this host has it.
   */
  id: string;
  /**
   * What people call it.
   */
  name?: string;
  /**
   * What it is good for, by who made it.
   */
  description?: string;
  /**
   * `vm`: somebody saved a machine; `failed`: the machine of a task that failed; `checkpoint`: a task saved its own.
   */
  kind: "vm" | "failed" | "checkpoint";
  /**
   * When the machine was as it is here.
   */
  created: string;
  /**
   * From when on it may be removed. Left out: never.
   */
  expires?: string;
  /**
   * It came as an archive. It is for whoever imported it: no task of this host begins from it, none is resumed from it, and it takes no room of those that tasks make.
   */
  imported?: boolean;
  /**
   * Which machine it was.
   */
  source: {
    /**
     * A long-lived one.
     */
    vm?: {
      /**
       * Its id.
       */
      id: string;
      /**
       * What it was called then.
       */
      name?: string;
    };
    /**
     * That of a task.
     */
    task?: {
      /**
       * The task.
       */
      taskId: string;
      /**
       * Number of the run.
       */
      runId: number;
      /**
       * What the task called it.
       */
      checkpoint?: string;
      /**
       * Why the task has failed.
       */
      reason?: string;
    };
  };
  /**
   * What its disk lies on; the image stays in the store as long as the snapshot is there.
   */
  image: {
    /**
     * SHA-256 digest of its archive.
     */
    digest: string;
    /**
     * What it was called by who started the machine.
     */
    reference?: string;
  };
  /**
   * Its hardware, every field decided.
   */
  machine: Machine;
  /**
   * What its CPU was; it goes on with the same one only.
   */
  accelerator: "kvm" | "tcg";
  /**
   * The program that ran it, and its version.
   */
  qemu: string;
  /**
   * The processor of the host it ran on.
   */
  cpu: string;
  /**
   * What the machine reached.
   */
  network?: FeatureNetwork;
  /**
   * Of how many files its disk consists above the image: disk.0.qcow2 lies on the image, each other one on the one before.
   */
  layers: number;
  /**
   * Places for further disks. Left out: none.
   */
  diskSlots?: number;
  /**
   * What was in these places.
   *
   * @maxItems 8
   *
   * Items: One of them.
   */
  dataDisks?: {
    /**
     * Number of its place.
     */
    slot: number;
    /**
     * Of its file.
     */
    format: "qcow2" | "raw";
    /**
     * What the guest sees.
     */
    sizeBytes: number;
    /**
     * What its machine calls it.
     */
    name?: string;
    /**
     * Where the guest has it. Left out: nowhere, or nobody knows.
     */
    mount?: string;
  }[];
  /**
   * What it could read and never write, in order.
   *
   * @maxItems 4
   *
   * Items: One of them.
   */
  cdroms?: {
    /**
     * Where the guest sees it.
     */
    drive: "board" | "virtio";
    /**
     * It is there until the machine ends, and not when it boots again.
     */
    once?: boolean;
  }[];
  /**
   * What the program that made the snapshot wants to find again.
   */
  config?: {
    [k: string]: unknown;
  };
  /**
   * Kernel and initrd of its host that it had booted instead of what its image says; not of an archive.
   */
  directBoot?: {
    /**
     * Absolute path of the kernel.
     */
    kernel: string;
    /**
     * Absolute path of the initial RAM disk.
     */
    initrd?: string;
    /**
     * Command line of the kernel.
     */
    cmdline?: string;
  };
  /**
   * What its agent was at.
   */
  guest?: {
    /**
     * Up to which position of the log of its task the host had it. Left out: nothing.
     */
    logOffset?: number;
    /**
     * Whose the command is that runs in it. Left out: as its image says.
     */
    user?: string;
  };
  /**
   * All that it consists of.
   *
   * @minItems 1
   * @maxItems 96
   *
   * Items: One of them.
   */
  files: {
    /**
     * Its name.
     */
    name: string;
    /**
     * Its size, holes included.
     */
    bytes: number;
    /**
     * When it was written to last, in nanoseconds; of files on this host.
     */
    mtimeNs?: string;
    /**
     * Of small files.
     */
    sha256?: string;
  }[];
}
