// Generated from schemas/vm-record.schema.json by scripts/generate-types.ts; never edited.

import type { FeatureNetwork } from "./feature-network.ts";
import type { Machine } from "./machine.ts";

/**
 * Id of a machine.
 */
export type VmRecordId = string;
/**
 * Name of a machine.
 */
export type VmRecordName = string;
/**
 * A date and time.
 */
export type VmRecordTime = string;
/**
 * An absolute path of this host.
 */
export type VmRecordPath = string;

/**
 * What is known of a long-lived machine: `record.json` in its folder. No secrets are in it.
 */
export interface VmRecord {
  /**
   * Of this form of record.
   */
  version: 1;
  /**
   * Of this machine for ever; no other has it.
   */
  id: string;
  /**
   * What people call it; one machine has it at a time.
   */
  name?: string;
  /**
   * What runs it.
   */
  backend: string;
  /**
   * As of the last change. A machine that ran or was paused, and whose processes are gone, is stopped.
   */
  state: "creating" | "created" | "running" | "paused" | "stopped" | "error";
  /**
   * Why it is stopped or at fault, in a sentence.
   */
  reason?: string;
  /**
   * Somebody has begun to remove it; whoever finds it so and nobody at it goes on.
   */
  removing?: boolean;
  /**
   * When it was made.
   */
  created: string;
  /**
   * When its state has changed last.
   */
  changed: string;
  /**
   * When it was started last.
   */
  started?: string;
  /**
   * How often it was started; 0: its disk is as its image is.
   */
  starts: number;
  /**
   * What its disk lies on; the image stays in the store as long as the machine is there.
   */
  image: {
    /**
     * SHA-256 digest of its archive.
     */
    digest: string;
    /**
     * What it was called by who made the machine.
     */
    reference: string;
  };
  /**
   * Its hardware, every field decided when it was made: what the configuration says later does not change it.
   */
  machine: Machine;
  /**
   * Who its guest is told that it is.
   */
  identity: {
    /**
     * Name of the guest's host.
     */
    hostname: string;
    /**
     * As in machine-id(5).
     */
    machineId: string;
  };
  /**
   * What the machine reaches.
   */
  network: FeatureNetwork;
  /**
   * Ports of this host that lead to ports of the guest, while it runs.
   *
   * @maxItems 64
   */
  forwards: Forward[];
  /**
   * Further disks, which go with the machine.
   *
   * @maxItems 8
   *
   * Items: One of them.
   */
  disks: {
    /**
     * Of its file and its file system.
     */
    name: string;
    /**
     * What the guest sees; the file is sparse.
     */
    sizeBytes: number;
    /**
     * Where the guest has it, by Boxcar's agent. Left out: nowhere, the guest sees a bare disk.
     */
    mount?: string;
    /**
     * What is on it at first: an empty file system, or nothing.
     */
    fs?: "ext4" | "none";
    /**
     * Number of its place. Left out: as in this list.
     */
    slot?: number;
    /**
     * Of its file. Left out: raw.
     */
    format?: "raw" | "qcow2";
  }[];
  /**
   * Kernel and initrd of this host that it boots instead of what its image says.
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
   * Images of CDs of this host, read-only.
   *
   * @maxItems 4
   *
   * Items: Absolute path of one.
   */
  cdroms?: string[];
  /**
   * It boots at its first start, too, and is not resumed from a snapshot of its image.
   */
  cold?: boolean;
  /**
   * The saved machine that it has gone on from, where it did not begin with its image.
   */
  from?: {
    /**
     * Id of the snapshot, which may be gone.
     */
    snapshot: string;
    /**
     * The machine that was saved.
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
     * The task whose machine was saved.
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
   * At its next start it does not boot: it goes on where it was saved, by what is in its folder.
   */
  goesOn?: {
    /**
     * Its files are in a folder of their own, and take the place of those it has.
     */
    staged?: boolean;
    /**
     * The drives of the CDs it was saved with, in order.
     *
     * @maxItems 4
     *
     * Items: One of them.
     */
    cdroms: ("board" | "virtio")[];
    /**
     * What comes before this position in the log of its task nobody wants.
     */
    logOffset?: number;
    /**
     * Whose the command is that runs in it.
     */
    user?: string;
    /**
     * What its command has asked for when it was saved.
     */
    checkpoint?: string;
  };
  /**
   * Places for further disks. Left out: as many as its disks need.
   */
  diskSlots?: number;
  /**
   * Its folder for sockets; a short absolute path.
   */
  runDirectory: string;
  /**
   * What runs it: there while it runs or is paused.
   */
  process?: {
    supervisor: Owner;
    emulator?: Owner1;
    /**
     * What its CPU is.
     */
    accelerator: "kvm" | "tcg";
    /**
     * It was resumed from a snapshot when it was started.
     */
    resumed?: boolean;
    /**
     * As in the record, with the ports that were picked.
     *
     * @maxItems 64
     */
    forwards: Forward1[];
  };
}
/**
 * One of them.
 */
export interface Forward {
  /**
   * Address of this host.
   */
  host: string;
  /**
   * Port of this host; 0: one that is free.
   */
  hostPort: number;
  /**
   * Port of the guest.
   */
  guestPort: number;
}
/**
 * The process that has the machine.
 */
export interface Owner {
  /**
   * Its number.
   */
  pid: number;
  /**
   * Clock ticks between the boot of the host and its start.
   */
  startTime: number;
  /**
   * Of the boot of the host.
   */
  bootId: string;
}
/**
 * The process that is the machine.
 */
export interface Owner1 {
  /**
   * Its number.
   */
  pid: number;
  /**
   * Clock ticks between the boot of the host and its start.
   */
  startTime: number;
  /**
   * Of the boot of the host.
   */
  bootId: string;
}
/**
 * One of them.
 */
export interface Forward1 {
  /**
   * Address of this host.
   */
  host: string;
  /**
   * Port of this host; 0: one that is free.
   */
  hostPort: number;
  /**
   * Port of the guest.
   */
  guestPort: number;
}
/**
 * A port of this host that leads to one of the guest.
 */
export interface VmRecordForward {
  /**
   * Address of this host.
   */
  host: string;
  /**
   * Port of this host; 0: one that is free.
   */
  hostPort: number;
  /**
   * Port of the guest.
   */
  guestPort: number;
}
/**
 * A process, such that no other is taken for it.
 */
export interface VmRecordOwner {
  /**
   * Its number.
   */
  pid: number;
  /**
   * Clock ticks between the boot of the host and its start.
   */
  startTime: number;
  /**
   * Of the boot of the host.
   */
  bootId: string;
}
