// Generated from schemas/recipe.schema.json by scripts/generate-types.ts; never edited.

import type { FeatureNetwork } from "./feature-network.ts";
import type { MachineOverrides } from "./machine.ts";

/**
 * A path relative to the recipe, or an http:// or https:// URL.
 */
export type RecipeSource = string;
/**
 * SHA-256 digest of the source. Required if it is fetched from a URL.
 */
export type RecipeSha256 = string;
/**
 * Run as root in the booted machine, one after the other; a failure fails the build. Text is run by `sh -c`, a list is a program and its arguments.
 *
 * @maxItems 1000
 *
 * Items: One command.
 */
export type RecipeCommands = (string | string[])[];
/**
 * Run as root in the booted machine, one after the other; a failure fails the build. Text is run by `sh -c`, a list is a program and its arguments.
 *
 * @maxItems 1000
 *
 * Items: One command.
 */
export type Commands = (string | string[])[];

/**
 * What `boxcar image build` makes a machine image of.
 */
export interface Recipe {
  /**
   * Name of the image in the store, and in its image.json.
   */
  name: string;
  /**
   * What the image is for, in a sentence.
   */
  description?: string;
  /**
   * What it is made from: exactly one of these.
   */
  from: {
    /**
     * A new system of Debian packages: a release, or `host` for that of this host. Packages come from where this host has its own.
     */
    debian?: string;
    /**
     * An image of the store: a name, `sha256:…`, or the first six or more digits of a digest.
     */
    image?: string;
    /**
     * A disk with a system that boots by itself, such as the cloud image of a distribution.
     */
    disk?: {
      source: RecipeSource;
      sha256?: RecipeSha256;
      /**
       * Format of the disk; it is never guessed. By the ending of the name where it is left out.
       */
      format?: "qcow2" | "raw" | "vmdk" | "vdi";
    };
    /**
     * A CD that installs a system on an empty disk. The build ends when the machine powers itself off.
     */
    iso?: {
      source: RecipeSource;
      sha256?: RecipeSha256;
      /**
       * A path relative to the recipe, or an http:// or https:// URL.
       */
      second?: string;
      /**
       * SHA-256 digest of the source. Required if it is fetched from a URL.
       */
      secondSha256?: string;
      /**
       * What is typed into the machine, in this order. A person can type as well, over VNC.
       *
       * @maxItems 1000
       */
      keys?: RecipeKeyStep[];
    };
  };
  /**
   * From `debian` only. `agent`: the kernel is started directly, and what boots is nothing but the agent; `agent` if it is left out. `systemd`: the kernel is started directly, systemd is the first process. `disk`: the disk has a partition table and a boot loader.
   */
  boot?: "agent" | "systemd" | "disk";
  /**
   * Whether the agent is put into an image made from `debian`, for which it is true if it is left out, or from `disk`, for which it is false. An image without it needs cloud-init, or runs no tasks.
   */
  agent?: boolean;
  /**
   * Size of the disk, in GiB; what is empty takes no room. 4 for `debian`, 32 for `iso`, else that of what it is made from, which it cannot be below.
   */
  sizeGiB?: number;
  /**
   * Debian packages to install; those they depend on come with them.
   *
   * @maxItems 10000
   *
   * Items: A package, where wanted with `=` and a version.
   */
  packages?: string[];
  /**
   * Files to put into the image, after packages and users.
   *
   * @maxItems 1000
   *
   * Items: A file: either `content`, or `source`.
   */
  files?: {
    /**
     * Where it is in the image. Folders on the way are made.
     */
    path: string;
    /**
     * What is in it.
     */
    content?: string;
    /**
     * A file of this host that is copied, relative to the recipe.
     */
    source?: string;
    /**
     * Who may read, write and run it; `644` if it is left out.
     */
    mode?: string;
    /**
     * User it belongs to, where wanted with `:` and a group; `root` if it is left out.
     */
    owner?: string;
  }[];
  /**
   * Users to add. Nobody has a password.
   *
   * @maxItems 100
   *
   * Items: One user.
   */
  users?: {
    /**
     * Name of the user.
     */
    name: string;
    /**
     * Number of the user and of the group of the same name; the next that is free from 1001 if it is left out.
     */
    uid?: number;
    /**
     * Other groups to be in; the image must have them.
     *
     * @maxItems 100
     *
     * Items: A group.
     */
    groups?: string[];
    /**
     * Program for who logs in; `/bin/bash` if it is left out.
     */
    shell?: string;
    /**
     * Public keys for ssh, a line each.
     *
     * @maxItems 100
     *
     * Items: A public key.
     */
    authorizedKeys?: string[];
  }[];
  commands?: RecipeCommands;
  firstBoot?: Commands;
  /**
   * Hardware that the image asks for, and which it is built with.
   */
  machine?: MachineOverrides;
  /**
   * What `commands` may reach; `isolated` if it is left out.
   */
  network?: FeatureNetwork;
  /**
   * How long the machine in which the image is made may run: a number of seconds or a text; `1 hour` if it is left out, for an `iso` `4 hours`.
   */
  timeout?: number | string;
}
/**
 * First waits, then types a text, then presses keys: what is there of them.
 */
export interface RecipeKeyStep {
  /**
   * How long to wait before it is typed: a number of seconds or a text.
   */
  wait?: number | string;
  /**
   * Text that is typed; a new line presses Enter.
   */
  type?: string;
  /**
   * Keys pressed together, as QEMU calls them, with `-` between.
   */
  press?: string;
}
