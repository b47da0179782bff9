/** Where things are if nobody says otherwise: system directories for root, XDG directories for others. */
import { isAbsolute, join } from "node:path";
import type { Surroundings } from "./host-facts.ts";

type Who = Pick<Surroundings, "env" | "uid" | "home">;

/** The XDG specification tells to ignore relative paths. */
function xdgDirectory({ env }: Who, name: string): string | undefined {
  const value = env[name];
  return value !== undefined && isAbsolute(value) ? value : undefined;
}

export function defaultStateDir(who: Who): string {
  if (who.uid === 0) return "/var/lib/boxcar";
  return join(xdgDirectory(who, "XDG_STATE_HOME") ?? join(who.home, ".local/state"), "boxcar");
}

export function defaultRunDir(who: Who): string {
  if (who.uid === 0) return "/run/boxcar";
  const runtime = xdgDirectory(who, "XDG_RUNTIME_DIR");
  return runtime === undefined ? `/tmp/boxcar-${who.uid}` : join(runtime, "boxcar");
}

/** The configuration file that is read if it is there. */
export function defaultConfigFile(who: Who): string {
  if (who.uid === 0) return "/etc/boxcar/worker.yml";
  return join(xdgDirectory(who, "XDG_CONFIG_HOME") ?? join(who.home, ".config"), "boxcar/worker.yml");
}
