/** A machine that stays, in words. Pure. */
import type { ApiVm } from "../../../generated/api.ts";
import { formatBytes } from "../../core/format.ts";

export function vmTitle({ name, id }: Pick<ApiVm, "name" | "id">): string {
  return name ?? id;
}

export function isLive({ state }: Pick<ApiVm, "state">): boolean {
  return state === "running" || state === "paused";
}

/** `1 CPU, 512 MiB`. */
export function vmSize({ cpus, memoryMiB }: Pick<ApiVm, "cpus" | "memoryMiB">): string {
  return `${cpus} CPU${cpus === 1 ? "" : "s"}, ${formatBytes(memoryMiB * 2 ** 20)}`;
}

/** What its image is called; a digest is shortened. */
export function imageName({ image: { reference } }: Pick<ApiVm, "image">): string {
  return /^sha256:[0-9a-f]{64}$/.test(reference) ? reference.slice(0, 19) : reference;
}

/** `127.0.0.1:8080 → 80`. */
export function portText({ host, hostPort, guestPort }: ApiVm["ports"][number]): string {
  return `${host}:${hostPort === 0 ? "any" : hostPort} → ${guestPort}`;
}
