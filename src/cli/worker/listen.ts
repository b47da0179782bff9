/** The doors of a worker: its own socket, and an address of the network, if it is to have one. */
import type { Scope } from "../../base/scope.ts";
import { isOfMany } from "../../web/access/client-address.ts";
import { Certificate } from "../../web/server/certificate.ts";
import { HttpService } from "../../web/server/service.ts";
import { warnOfOpenDoor } from "./access-api.ts";
import { type ApiParts, createApi } from "./api.ts";
import { controlSocket } from "./control-socket.ts";
import type { FleetMember } from "./fleet-member.ts";

export interface ListenParts extends ApiParts {
  fleet: FleetMember;
  /** Owns what is opened. */
  scope: Scope;
}

/** @throws {WorkerError} `address-in-use`, `cannot-listen` */
export async function listen(parts: ListenParts): Promise<void> {
  const { config, logger, scope, fleet } = parts;
  const local = scope.use(createApi(parts, "socket"));
  scope.use(await HttpService.listen({ path: controlSocket(config) }, local.handler, local.upgrade));
  const address = config.worker.http.listen;
  if (address === undefined) return;
  const api = scope.use(createApi(parts, "host"));
  warnOfOpenDoor(config, logger);
  const { tls: files, proxies } = config.worker.http;
  const connections = { isTrusted: isOfMany(proxies) };
  const certificate = files === undefined ? undefined : scope.use(await Certificate.open({ files, logger }));
  const service = scope.use(await HttpService.listen(address, api.handler, api.upgrade, { certificate, connections }));
  await fleet.listens(service.port);
  logger.log("info", `listens on ${files === undefined ? "http" : "https"}://${address.host}:${service.port}`);
}
