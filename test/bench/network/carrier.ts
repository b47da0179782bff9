/** What is between a guest and an HTTP server, in a benchmark. */
import type { RequestListener } from "node:http";
import type { MachineNetwork } from "../../../src/vm/ports.ts";

export interface Carrier extends AsyncDisposable {
  readonly network: MachineNetwork;
  /** Resolves when the guest reaches the server, and what it may outside. */
  serve(handler: RequestListener): Promise<void>;
}

export const WAYS = ["raw-user", "user", "raw-tap", "namespace"] as const;
export type Way = (typeof WAYS)[number];
