// Generated from schemas/worker-process-config.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesAbsolutePath, ConfigValuesDuration } from "./config-values.ts";

/**
 * The process that takes tasks from a queue: how many at once, when it ends, and what it does when something is wrong.
 */
export interface WorkerProcessConfig {
  /**
   * Most machines at once. One per CPU of the host, but not more than fit into its memory with machineOptions.maxMemory each, beside the reserve, if it is left out.
   */
  capacity?: number;
  /**
   * What must be free before a task is taken, beside what its machine may take itself.
   */
  reserve?: {
    /**
     * Memory of the host, in MiB.
     */
    memory?: number;
    /**
     * Disk space below stateDir, in GiB.
     */
    diskGiB?: number;
  };
  /**
   * When the worker ends by itself, after the tasks it has. Never, if nothing is set.
   */
  lifecycle?: {
    /**
     * After so many tasks.
     */
    maxTasks?: number;
    /**
     * After so long: seconds, or a text.
     */
    maxUptime?: ConfigValuesDuration;
    /**
     * After so long without a task: seconds, or a text.
     */
    idleExit?: ConfigValuesDuration;
  };
  /**
   * How the worker ends.
   */
  shutdown?: {
    /**
     * How long tasks may go on after the worker was told to end; those that remain are stopped, and run again elsewhere. Seconds, or a text.
     */
    timeout?: ConfigValuesDuration;
    /**
     * How the worker learns that its host will be taken away. `file` or `command`; neither: not at all.
     */
    notice?: {
      /**
       * A file that appears; its first line is the reason.
       */
      file?: ConfigValuesAbsolutePath;
      /**
       * A program, with its arguments, that exits with 0 if the host will be taken away; its first line of output is the reason.
       *
       * @minItems 1
       * @maxItems 100
       */
      command?: string[];
      /**
       * How often it is looked for: seconds, or a text.
       */
      every?: ConfigValuesDuration;
      /**
       * How long tasks may go on after the notice, where that is less than the time-out above: seconds, or a text.
       */
      timeout?: ConfigValuesDuration;
    };
  };
  /**
   * What the worker does when tasks fail by the fault of its host: it takes none for a while.
   */
  hostErrors?: {
    /**
     * So many in a row make it pause.
     */
    max?: number;
    /**
     * The first pause; each one that follows without a success between is twice as long. Seconds, or a text.
     */
    pause?: ConfigValuesDuration;
    /**
     * The longest pause: seconds, or a text.
     */
    maxPause?: ConfigValuesDuration;
  };
  /**
   * Collection of what nothing needs any more: images, snapshots and caches, those unused for longest first.
   */
  gc?: {
    /**
     * How often: seconds, or a text.
     */
    every?: ConfigValuesDuration;
    /**
     * It removes until so much of the disk is free, in GiB; not less than reserve.diskGiB.
     */
    minFreeDiskGiB?: number;
    /**
     * It removes caches of tasks until they take no more than this, in GiB. As much as the disk has, if it is left out.
     */
    maxCacheSizeGiB?: number;
  };
  /**
   * The HTTP API of the worker, with health and readiness.
   */
  http?: {
    /**
     * Address and port. Without access.enabled the address must be of this host only: 127.0.0.1, [::1] or localhost. Port 0 takes one that is free. No service, if it is left out.
     */
    listen?: string;
    /**
     * How people reach the service, where that is not by `listen`; other workers too, if fleetUrl does not say another.
     */
    url?: string;
    /**
     * How other workers reach this one, where that differs from url. It leads to this worker alone.
     */
    fleetUrl?: string;
    /**
     * Other names of hosts, or addresses, that the service is reached by. It answers to no others, so that no page of a browser can be led here.
     *
     * @maxItems 100
     */
    names?: string[];
    /**
     * Makes it HTTPS. Files that change are read again within a minute.
     */
    tls?: {
      /**
       * File with the certificate and those it was issued by, PEM.
       */
      certificate: ConfigValuesAbsolutePath;
      /**
       * File with its private key, PEM.
       */
      key: ConfigValuesAbsolutePath;
    };
    /**
     * Reverse proxies in front of the service: their X-Forwarded-For is believed, for rate limits and the audit log.
     *
     * @maxItems 100
     */
    proxies?: string[];
  };
  /**
   * When the worker itself counts as hanging. Its health says so then, and systemd is told no more that it lives.
   */
  watchdog?: {
    /**
     * How long one of its loops may make no progress: seconds, or a text.
     */
    stuckAfter?: ConfigValuesDuration;
    /**
     * How long the whole process may be busy with one thing before the log says so: seconds, or a text.
     */
    blockedAfter?: ConfigValuesDuration;
  };
}
