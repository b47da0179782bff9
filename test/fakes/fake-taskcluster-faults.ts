/** What goes wrong between the fake queue and its clients, as a test orders it. */
import type { IncomingMessage, ServerResponse } from "node:http";

export type Fault =
  /** Answered before anything is done. */
  | { readonly kind: "status"; readonly status: number; readonly body?: object | string }
  /** Never answered. */
  | { readonly kind: "hang" }
  /** The connection is cut before anything is done. */
  | { readonly kind: "cut" }
  /** The connection is cut once the first bytes of the body are there. */
  | { readonly kind: "cut-body" }
  /** Done, but the answer does not arrive. */
  | { readonly kind: "lose-answer" }
  /** Answered with something that is not Taskcluster's. */
  | { readonly kind: "page" }
  /** Done, and answered when this settles. */
  | { readonly kind: "wait"; readonly until: Promise<unknown> };

export class FakeFaults {
  readonly #queued = new Map<string, Fault[]>();

  /** The next `times` requests to the method `call` fail. */
  add(call: string, fault: Fault, times = 1): void {
    const faults = this.#queued.get(call) ?? [];
    faults.push(...Array.from({ length: times }, () => fault));
    this.#queued.set(call, faults);
  }

  clear(call: string): void {
    this.#queued.delete(call);
  }

  next(call: string): Fault | undefined {
    return this.#queued.get(call)?.shift();
  }
}

/** False if the request is to be handled all the same. */
export function applyFault(fault: Fault, request: IncomingMessage, response: ServerResponse): boolean {
  switch (fault.kind) {
    case "hang":
      return true;
    case "cut":
      request.socket.destroy();
      return true;
    case "cut-body":
      request.once("data", () => request.socket.destroy());
      return true;
    case "status": {
      const body = fault.body ?? { code: "InternalServerError", message: "Internal Server Error, incidentId 1" };
      const isText = typeof body === "string";
      response.writeHead(fault.status, { "content-type": isText ? "application/xml" : "application/json" });
      response.end(isText ? body : JSON.stringify(body));
      return true;
    }
    case "page":
      response.writeHead(200, { "content-type": "text/html" }).end("<html>Please log in</html>");
      return true;
    default:
      return false;
  }
}
