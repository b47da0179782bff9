/** Why a proxy has no answer of its upstream. */
import { type Blame, WorkerError } from "../../base/errors.ts";

export type ProxyErrorCode =
  | "proxy-bad-request"
  | "proxy-refused"
  | "proxy-too-large"
  | "proxy-busy"
  | "upstream-unreachable"
  | "upstream-timeout"
  | "upstream-redirect"
  | "upstream-too-large";

const STATUS: Readonly<Record<ProxyErrorCode, number>> = {
  "proxy-bad-request": 400,
  "proxy-refused": 403,
  "proxy-too-large": 413,
  "proxy-busy": 503,
  "upstream-unreachable": 502,
  "upstream-timeout": 504,
  "upstream-redirect": 502,
  "upstream-too-large": 502,
};

const BLAME: Readonly<Record<string, Blame>> = { proxy: "task", upstream: "upstream" };

export class ProxyError extends WorkerError {
  declare readonly code: ProxyErrorCode;

  constructor(code: ProxyErrorCode, message: string, cause?: unknown) {
    super(message, { code, blame: BLAME[code.split("-", 1)[0] ?? ""] ?? "worker", cause });
  }

  /** What the guest is answered. */
  get status(): number {
    return STATUS[this.code];
  }
}
