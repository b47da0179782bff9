/** Which page an address is. Pure. */

/** The first parts of all paths; the server answers these with the page. */
export const PAGES = ["", "tasks", "machines", "workers", "images", "submit", "audit", "login", "link"] as const;

export const TASK_TABS = ["log", "display", "terminal", "artifacts", "screenshots", "network", "definition"] as const;

export type TaskTab = (typeof TASK_TABS)[number];

export const MACHINE_TABS = ["terminal", "display", "console"] as const;

export type MachineTab = (typeof MACHINE_TABS)[number];

export type Route =
  | { readonly page: Exclude<(typeof PAGES)[number], ""> | "overview" }
  | { readonly page: "machine"; readonly machine: string; readonly tab: MachineTab }
  | { readonly page: "task"; readonly task: string; readonly run: number | "latest"; readonly tab: TaskTab }
  | { readonly page: "worker"; readonly worker: string }
  | { readonly page: "image"; readonly image: string }
  | { readonly page: "none" };

export function parseRoute(path: string): Route {
  const [first = "", ...rest] = path.split("/").filter((part) => part !== "");
  if (first === "tasks" && rest.length > 0) return parseTask(rest);
  if (first === "machines" && rest.length > 0) return parseMachine(rest);
  const [one, ...more] = rest;
  if (first === "workers" && one !== undefined && more.length === 0) return { page: "worker", worker: decode(one) };
  if (first === "images" && one !== undefined && more.length === 0) return { page: "image", image: decode(one) };
  if (rest.length > 0) return { page: "none" };
  if (first === "") return { page: "overview" };
  const page = PAGES.find((known) => known === first);
  return page === undefined || page === "" ? { page: "none" } : { page };
}

function parseTask([task = "", runs, run = "latest", tab = "log", ...more]: readonly string[]): Route {
  const known = TASK_TABS.find((name) => name === tab);
  const isRun = run === "latest" || /^\d{1,6}$/.test(run);
  if ((runs !== undefined && runs !== "runs") || !isRun || known === undefined || more.length > 0) {
    return { page: "none" };
  }
  return { page: "task", task: decode(task), run: run === "latest" ? run : Number(run), tab: known };
}

function parseMachine([machine = "", tab = "terminal", ...more]: readonly string[]): Route {
  const known = MACHINE_TABS.find((name) => name === tab);
  if (known === undefined || more.length > 0) return { page: "none" };
  return { page: "machine", machine: decode(machine), tab: known };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @param options.run Default: the latest. */
export function taskPath(task: string, { run, tab }: { run?: number | "latest"; tab?: TaskTab } = {}): string {
  const base = `/tasks/${encodeURIComponent(task)}`;
  if (tab !== undefined && tab !== "log") return `${base}/runs/${run ?? "latest"}/${tab}`;
  return run === undefined || run === "latest" ? base : `${base}/runs/${run}`;
}

/** Of a machine that stays. @param options.worker Default: the one that answers. */
export function machinePath(
  id: string,
  { worker, tab }: { worker?: string | undefined; tab?: MachineTab } = {},
): string {
  const rest = tab === undefined || tab === "terminal" ? "" : `/${tab}`;
  return `/machines/${encodeURIComponent(id)}${rest}${worker === undefined ? "" : `?worker=${encodeURIComponent(worker)}`}`;
}

/** Where to go after the login: a path of ours, or the overview. */
export function returnPath(search: string): string {
  const path = new URLSearchParams(search).get("returnTo") ?? "/";
  // "//host" and "/\host" lead elsewhere.
  return /^\/(?![/\\])/.test(path) ? path : "/";
}
