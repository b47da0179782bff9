// Generated from schemas/network-config.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesDuration, ConfigValuesSecret } from "./config-values.ts";

/**
 * The network that every machine has, and what tasks may reach through it.
 */
export interface NetworkConfig {
  /**
   * What carries the packets of a machine: `user` is a network stack in the worker, which needs no privileges; `namespace` is the kernel's, in a network namespace of the machine's own; `auto` is `namespace` where this host can do that.
   */
  mode?: "auto" | "user" | "namespace";
  /**
   * The most that a task may ask for.
   */
  policy?: {
    /**
     * `isolated`: nothing outside; `allow`: lists of names and subnets too; `internet`: everything public too. `internet` if it is left out, or `allow` where there is a list `allow`.
     */
    max?: "isolated" | "allow" | "internet";
    /**
     * What the lists of tasks may name, in their form. Everything public if it is left out.
     *
     * @maxItems 1000
     *
     * Items: A name, address or subnet, with ports if need be.
     */
    allow?: string[];
  };
  /**
   * How names of machines are resolved.
   */
  dns?: {
    /**
     * Servers that are asked; those of the host if there are none.
     *
     * @maxItems 16
     *
     * Items: Address of a server; `:` and a port where that is not 53.
     */
    servers?: string[];
    /**
     * Name → IPv4 address that machines are told, under every policy. What they may reach does not change.
     */
    hosts?: {
      /**
       * An IPv4 address.
       */
      [k: string]: string;
    };
    /**
     * Records of services that machines are told, under every policy.
     *
     * @maxItems 10000
     *
     * Items: One record.
     */
    srv?: {
      /**
       * Name that is asked for.
       */
      name: string;
      /**
       * Name of the host of the service.
       */
      target: string;
      /**
       * Port of the service.
       */
      port: number;
      /**
       * The lowest is tried first.
       */
      priority?: number;
      /**
       * Share among those of the same priority.
       */
      weight?: number;
    }[];
  };
  /**
   * What one machine may take.
   */
  limits?: {
    /**
     * TCP connections to the worker's own services at one time.
     */
    serviceConnections?: number;
    /**
     * TCP connections to the outside at one time.
     */
    outsideConnections?: number;
    /**
     * UDP flows to the outside at one time: a port of the guest, an address and a port.
     */
    datagramFlows?: number;
    /**
     * New TCP connections per second; twice as many at once.
     */
    connectionsPerSecond?: number;
    /**
     * Packets from the guest per second. As many as it likes if it is left out.
     */
    packetsPerSecond?: number;
    /**
     * Mbit per second, in each direction. As much as the host can if it is left out.
     */
    mbitPerSecond?: number;
    /**
     * MiB to and from the outside together. As much as it likes if it is left out.
     */
    outsideMiB?: number;
    /**
     * A connection to the outside without a byte for so long is ended: seconds, or a text.
     */
    idle?: ConfigValuesDuration;
  };
  /**
   * Servers that every machine reaches through the worker, under every policy: name → what is at http://169.254.169.254/NAME/.
   */
  proxies?: {
    /**
     * One server.
     */
    [k: string]: {
      /**
       * Where requests go; what follows the name of the proxy is appended.
       */
      url: string;
      /**
       * What is kept of its answers, as their headers allow; `false`: nothing.
       */
      cache?:
        | false
        | {
            /**
             * Most room for all its answers, in MiB.
             */
            maxMiB?: number;
          };
      /**
       * Headers that the worker adds to every request, such as Authorization; machines do not see them.
       */
      headers?: {
        [k: string]: ConfigValuesSecret;
      };
      /**
       * What machines may do with it.
       *
       * @minItems 1
       *
       * Items: A method of HTTP.
       */
      methods?: ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS")[];
      /**
       * Other hosts that redirects of the server are followed to, without the headers from here.
       *
       * @maxItems 100
       *
       * Items: Name of a host; `*.` in front is every name below it.
       */
      redirects?: string[];
    };
  };
}
