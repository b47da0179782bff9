/** Disks that were put into the machine of a guest. */
import type { ActionBoard, ActionOptions } from "./action-board.ts";
import { MAX_JSON_BYTES, throwIfRefused } from "./file-actions.ts";
import { readBody, readJson } from "./request-body.ts";
import { ServiceError } from "./service-error.ts";

export interface GuestMount {
  readonly serial: string;
  /** Of the disk. The guest waits until it has this size, for it may just have been put in. */
  readonly sizeBytes: number;
  /** Made if it is not there; a relative one starts in the working directory of the task. */
  readonly path: string;
  readonly readOnly?: boolean;
  /** Of the root of the file system, and of the folders made for it; default: the image's user for tasks, or root. */
  readonly owner?: string | undefined;
}

/** All that a task has written may have to go to the disk first. */
const UNMOUNT_TIMEOUT_MS = 300_000;

export async function mountDisk(board: ActionBoard, disk: GuestMount, options: ActionOptions): Promise<void> {
  const { serial, path, owner, sizeBytes, readOnly = false } = disk;
  const action = { type: "mount", serial, sizeBytes, path, readOnly, ...(owner === undefined ? {} : { owner }) };
  await board.start<void>(
    action,
    async (request, resolve) => {
      const isMissing = request.headers["x-taskcluster-worker-error"] === "disk-not-found";
      throwIfRefused(request, isMissing ? serial : path);
      await readBody(request, MAX_JSON_BYTES);
      resolve();
    },
    options,
  );
}

export async function unmountDisk(
  board: ActionBoard,
  serial: string,
  options: ActionOptions,
): Promise<{ clean: boolean }> {
  return board.start(
    { type: "unmount", serial },
    async (request, resolve) => {
      throwIfRefused(request, serial);
      const body = await readJson(request, MAX_JSON_BYTES);
      const { clean } = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
      if (typeof clean !== "boolean") throw new ServiceError("InvalidPayload", "clean must be true or false");
      resolve({ clean });
    },
    { timeoutMs: UNMOUNT_TIMEOUT_MS, ...options },
  );
}
