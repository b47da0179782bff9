/** Ways to the machine of a run. */
import type { ApiLink } from "../../../generated/api.ts";
import { ApiFailure, apiPath, send, socketUrl } from "../../core/api.ts";
import type { LinkTarget } from "./link-target.ts";

export type Mode = "view" | "control";

/** Gives the address of a websocket that is good for one connection. @throws {ApiFailure} */
export type OpenSocket = (query?: URLSearchParams) => Promise<string>;

/** To look at its screen: for that it is enough to be logged in. */
export function openToView({ task, run }: Pick<LinkTarget, "task" | "run">): OpenSocket {
  return () => Promise.resolve(socketUrl(`${apiPath`/tasks/${task}/runs/${run}/display`}?mode=view`));
}

/** Asks the server for a ticket each time: it says why, where there is none. */
export function openByTicket(target: Pick<LinkTarget, "task" | "run" | "kind" | "mode">): OpenSocket {
  return async (query) => {
    const { task, run, kind, mode } = target;
    const { ticket } = await send<ApiLink>("POST", apiPath`/tasks/${task}/runs/${run}/links`, { kind, mode });
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

function addressOf({ task, run, kind, ticket }: Omit<LinkTarget, "mode">, query?: URLSearchParams): string {
  const all = new URLSearchParams(query);
  all.set("ticket", ticket);
  return socketUrl(`${apiPath`/tasks/${task}/runs/${run}/${kind}`}?${all}`);
}

/** Whether another attempt can succeed. */
export function isFinal({ status }: ApiFailure): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}
