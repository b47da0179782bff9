/** What can go wrong between the host and one guest. */
import { type Blame, WorkerError } from "../base/errors.ts";

export type GuestErrorCode =
  | "file-not-found"
  | "not-a-file"
  | "not-a-folder"
  | "permission-denied"
  | "list-too-long"
  | "file-too-large"
  | "unsafe-path"
  | "folder-refused"
  | "disk-not-found"
  | "mount-failed"
  | "guest-io-error"
  | "guest-not-answering"
  | "guest-transfer-broken"
  | "guest-protocol-error"
  | "too-many-shells"
  | "not-supported-by-guest"
  | "guest-session-closed";

const BLAME: Readonly<Record<GuestErrorCode, Blame>> = {
  "file-not-found": "task",
  "not-a-file": "task",
  "not-a-folder": "task",
  "permission-denied": "task",
  "list-too-long": "task",
  "file-too-large": "task",
  "unsafe-path": "task",
  "folder-refused": "task",
  "disk-not-found": "image",
  "mount-failed": "task",
  "guest-io-error": "task",
  "guest-not-answering": "image",
  "guest-transfer-broken": "image",
  "guest-protocol-error": "image",
  "too-many-shells": "task",
  "not-supported-by-guest": "image",
  "guest-session-closed": "host",
};

/** The guest could not, or did not, do what it was asked for; or sent what must not be used. */
export class GuestError extends WorkerError {
  declare readonly code: GuestErrorCode;

  constructor(code: GuestErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, { code, blame: BLAME[code], cause: options.cause });
  }
}

/** The values of the header X-Taskcluster-Worker-Error, and what to say of them. */
const REFUSALS: Readonly<Record<string, readonly [GuestErrorCode, (path: string) => string]>> = {
  "file-not-found": ["file-not-found", (path) => `${path} does not exist in the guest`],
  "not-a-file": ["not-a-file", (path) => `${path} is not a regular file in the guest`],
  "not-a-folder": ["not-a-folder", (path) => `${path} is not a folder in the guest`],
  "permission-denied": ["permission-denied", (path) => `the guest may not open ${path}`],
  "list-too-long": ["list-too-long", (path) => `${path} holds too many files to list`],
  "disk-not-found": ["disk-not-found", (serial) => `the guest has no disk ${serial}; does its kernel have virtio_blk?`],
  "mount-failed": [
    "mount-failed",
    (path) => `the guest could not mount a disk at ${path}; its kernel may lack ext4, or the disk be damaged`,
  ],
  "unknown-action": [
    "not-supported-by-guest",
    () => "the agent in the image is too old for this; build the image anew",
  ],
};

/** The error a guest stands for with its header; `subject` is the path it was asked for. */
export function refusalOf(header: string, subject: string): GuestError {
  const known = Object.hasOwn(REFUSALS, header) ? REFUSALS[header] : undefined;
  if (known === undefined) return new GuestError("guest-io-error", `the guest could not read or write ${subject}`);
  const [code, describe] = known;
  return new GuestError(code, describe(subject));
}
