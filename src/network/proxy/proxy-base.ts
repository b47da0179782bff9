/** What requests to a proxy are appended to. Pure. */
import { WorkerError } from "../../base/errors.ts";
import { proxyNameFault } from "./proxy-name.ts";

/** The URL of a server, with a slash at its end. @throws {WorkerError} `proxy-invalid` */
export function parseProxyBase(name: string, url: string): URL {
  const fault = proxyNameFault(name);
  if (fault !== undefined) throw invalid(`the proxy ${JSON.stringify(name)}: its name ${fault}`);
  const base = URL.parse(url);
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw invalid(`the proxy ${name}: give an http:// or https:// URL`);
  }
  if (base.username + base.password + base.search + base.hash !== "") {
    throw invalid(`the proxy ${name}: its URL must have no credentials, query and fragment; use headers`);
  }
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return base;
}

function invalid(message: string): WorkerError {
  return new WorkerError(message, { code: "proxy-invalid", blame: "host" });
}
