/** Ways to a machine. */
import type { ApiLink } from "../../../generated/api.ts";
import { ApiFailure, send, socketUrl } from "../../core/api.ts";
import { type LinkTarget, type MachinePlace, type MachineWay, placePath } from "./link-target.ts";

export type Mode = "view" | "control";

/** Gives the address of a websocket that is good for one connection. @throws {ApiFailure} */
export type OpenSocket = (query?: URLSearchParams) => Promise<string>;

/** To look at its screen, or its console: for that it is enough to be logged in. */
export function openToView(place: MachinePlace, kind: "display" | "console" = "display"): OpenSocket {
  return () => Promise.resolve(socketUrl(placePath(place, `/${kind}`, new URLSearchParams({ mode: "view" }))));
}

/** Asks the server for a ticket each time: it says why, where there is none. */
export function openByTicket(target: MachinePlace & MachineWay): OpenSocket {
  return async (query) => {
    const { kind, mode } = target;
    const { ticket } = await send<ApiLink>("POST", placePath(target, "/links"), { kind, mode });
    return addressOf({ ...target, ticket }, query);
  };
}

const USED = "it works once, and within a minute; ask for a new one";

/** Has one ticket, and no other. */
export function openByLink(target: LinkTarget): OpenSocket {
  let isUsed = false;
  return (query) => {
    if (isUsed) return Promise.reject(new ApiFailure(410, "link-used", USED));
    isUsed = true;
    return Promise.resolve(addressOf(target, query));
  };
}

function addressOf(target: LinkTarget, query?: URLSearchParams): string {
  const all = new URLSearchParams(query);
  all.set("ticket", target.ticket);
  return socketUrl(placePath(target, `/${target.kind}`, all));
}

/** Whether another attempt can succeed. */
export function isFinal({ status }: ApiFailure): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}
