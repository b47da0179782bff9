/** What people do with machines that stay, for all doors of the worker. */
import type { IncomingMessage } from "node:http";
import type { Audit } from "../../access/audit.ts";
import type { Role } from "../../access/role.ts";
import { Tickets } from "../../access/tickets.ts";
import type { QueueEvents } from "../../queue/queue-events.ts";
import type { TaskQueue } from "../../queue/task-queue.ts";
import type { Route } from "../../web/api/route.ts";
import type { SocketRoute } from "../../web/api/socket-route.ts";
import { VmAccess } from "../../web/machines/long-lived/vm-access.ts";
import { type HypervisorSource, VmDesk } from "../../web/machines/long-lived/vm-desk.ts";
import { vmRoutes } from "../../web/machines/long-lived/vm-routes.ts";
import { vmSockets } from "../../web/machines/long-lived/vm-sockets.ts";
import { VmWatch } from "../../web/machines/long-lived/vm-watch.ts";
import { ScreenCamera } from "../../web/machines/screen-camera.ts";

export interface VmApiOptions {
  hypervisor: HypervisorSource;
  workerId: string;
  /** Undefined where others have the queue: then nobody knows who submitted a task. */
  tasks: Pick<TaskQueue, "show"> | undefined;
  events: Pick<QueueEvents, "publish">;
  /** As the configuration has them: `features.onFailure.roles`. */
  resumeRoles: readonly Role[];
  audit: Audit;
  /** Default: the other end of the connection. */
  addressOf?: (request: IncomingMessage) => string | undefined;
}

/** *Owns* the watch over the machines. */
export interface VmApi extends AsyncDisposable {
  readonly routes: readonly Route[];
  readonly sockets: readonly SocketRoute[];
}

export function createVmApi(options: VmApiOptions): VmApi {
  const {
    hypervisor,
    workerId,
    tasks,
    events,
    resumeRoles,
    audit,
    addressOf = ({ socket }) => socket.remoteAddress,
  } = options;
  const desk = new VmDesk(hypervisor);
  // A task that is gone has no submitter any more.
  const submitterOf = async (taskId: string) => (await tasks?.show(taskId).catch(() => undefined))?.submitter;
  const access = new VmAccess({ desk, submitterOf, resumeRoles, tickets: new Tickets() });
  const watch = new VmWatch({
    hypervisor,
    onChange: ({ event: change, id: machine, state }) =>
      events.publish({ kind: "machine", workerId, machine, change, state }),
  });
  return {
    routes: vmRoutes({ desk, access, workerId, camera: new ScreenCamera(), onLook: () => watch.look() }),
    sockets: vmSockets({ access, audit, addressOf }),
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),
  };
}
