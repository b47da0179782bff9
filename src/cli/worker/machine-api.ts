/** What people do with machines that run here, for all doors of the worker: a link made at one is good at the others. */
import type { IncomingMessage } from "node:http";
import type { Audit } from "../../access/audit.ts";
import { Tickets } from "../../access/tickets.ts";
import type { TaskQueue } from "../../queue/task-queue.ts";
import type { Route } from "../../web/api/route.ts";
import type { SocketRoute } from "../../web/api/socket-route.ts";
import { displaySocketRoute } from "../../web/machines/display-socket.ts";
import { MachineAccess } from "../../web/machines/machine-access.ts";
import { machineRoutes } from "../../web/machines/machine-routes.ts";
import { ScreenCamera } from "../../web/machines/screen-camera.ts";
import { sharedMachineRoutes, sharedMachineSockets } from "../../web/machines/shared-machine.ts";
import { shellSocketRoute } from "../../web/machines/shell-socket.ts";
import type { TaskMachines } from "../../worker/lookup/task-machines.ts";

export interface MachineApiOptions {
  machines: TaskMachines;
  /** Undefined where others have the queue: then nobody knows who submitted a task. */
  tasks: Pick<TaskQueue, "show"> | undefined;
  audit: Audit;
  /** Default: the other end of the connection. */
  addressOf?: (request: IncomingMessage) => string | undefined;
}

export interface MachineApi {
  readonly routes: readonly Route[];
  readonly sockets: readonly SocketRoute[];
}

export function createMachineApi({
  machines,
  tasks,
  audit,
  addressOf = ({ socket }) => socket.remoteAddress,
}: MachineApiOptions): MachineApi {
  const tickets = new Tickets();
  const camera = new ScreenCamera();
  const access = new MachineAccess({
    tickets,
    lookup: (key) => machines.find(key),
    submitterOf: async (taskId) => (await tasks?.show(taskId))?.submitter,
  });
  const sessions = { access, audit, addressOf };
  const shared = { audit, addressOf, camera, findBySecret: (secret: string) => machines.findBySecret(secret) };
  return {
    routes: [...machineRoutes({ access, tickets, camera }), ...sharedMachineRoutes(shared)],
    sockets: [displaySocketRoute(sessions), shellSocketRoute(sessions), ...sharedMachineSockets(shared)],
  };
}
