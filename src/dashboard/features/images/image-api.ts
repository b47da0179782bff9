/** Requests about the images of one worker. */
import type { ApiJob, ApiRemovedImage } from "../../../generated/api.ts";
import { apiPath, send } from "../../core/api.ts";

/** @param worker Undefined: the one that answers. @param rest Below `/images`. */
export function imagePath(worker: string | undefined, rest = ""): string {
  return `/images${rest}${worker === undefined ? "" : `?worker=${encodeURIComponent(worker)}`}`;
}

export function pull(worker: string | undefined, source: string, tag: string): Promise<ApiJob> {
  return send("POST", imagePath(worker, "/pull"), { source, ...(tag === "" ? {} : { tag }) });
}

export function warm(worker: string | undefined, image: string): Promise<ApiJob> {
  return send("POST", imagePath(worker, "/warm"), { image });
}

export function tag(worker: string | undefined, image: string, name: string): Promise<unknown> {
  return send("POST", imagePath(worker, "/tag"), { image, tag: name });
}

export function remove(worker: string | undefined, reference: string): Promise<ApiRemovedImage> {
  return send("DELETE", imagePath(worker, apiPath`/${reference}`));
}
