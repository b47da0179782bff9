/**
 * What a link to a machine says in its fragment, which browsers send to nobody:
 *
 *     /link#task=TASK&run=0&kind=display&mode=view&ticket=SECRET
 *     /link#vm=ID&worker=WORKER&kind=console&mode=view&ticket=SECRET
 *
 * Pure.
 */
/** The machine of a run, or one that stays. */
export type MachinePlace =
  | { readonly task: string; readonly run: number }
  /** On the host of a worker; default: the one that answers. */
  | { readonly vm: string; readonly worker?: string | undefined };

export interface MachineWay {
  readonly kind: "display" | "shell" | "console";
  readonly mode: "view" | "control";
}

export type LinkTarget = MachinePlace & MachineWay & { readonly ticket: string };

/** @returns undefined where it is no link, or was cut off. */
export function parseLink(hash: string): LinkTarget | undefined {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const [kind, ticket] = ["kind", "ticket"].map((name) => fields.get(name) ?? "");
  const place = placeOf(fields);
  if (place === undefined || !ticket) return undefined;
  if (kind !== "display" && kind !== "shell" && (kind !== "console" || !("vm" in place))) return undefined;
  const mode = kind === "shell" || fields.get("mode") === "control" ? "control" : "view";
  return { ...place, kind, mode, ticket };
}

function placeOf(fields: URLSearchParams): MachinePlace | undefined {
  const [task, run, vm, worker] = ["task", "run", "vm", "worker"].map((name) => fields.get(name) ?? "");
  if (vm) return { vm, ...(worker ? { worker } : {}) };
  return task && /^\d{1,6}$/.test(run ?? "") ? { task, run: Number(run) } : undefined;
}

/** Address below the API. @param rest Below that of the machine. */
export function placePath(place: MachinePlace, rest: string, query = new URLSearchParams()): string {
  const all = new URLSearchParams(query);
  if ("vm" in place && place.worker !== undefined) all.set("worker", place.worker);
  const base =
    "vm" in place
      ? `/vms/${encodeURIComponent(place.vm)}`
      : `/tasks/${encodeURIComponent(place.task)}/runs/${place.run}`;
  const text = all.toString();
  return `${base}${rest}${text === "" ? "" : `?${text}`}`;
}
