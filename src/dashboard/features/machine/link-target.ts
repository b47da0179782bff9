/**
 * What a link to a machine says in its fragment, which browsers send to nobody:
 *
 *     /link#task=TASK&run=0&kind=display&mode=view&ticket=SECRET
 *
 * Pure.
 */
export interface LinkTarget {
  readonly task: string;
  readonly run: number;
  readonly kind: "display" | "shell";
  readonly mode: "view" | "control";
  readonly ticket: string;
}

/** @returns undefined where it is no link, or was cut off. */
export function parseLink(hash: string): LinkTarget | undefined {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const [task, run, kind, ticket] = ["task", "run", "kind", "ticket"].map((name) => fields.get(name) ?? "");
  if (!task || !ticket || !/^\d{1,6}$/.test(run ?? "") || (kind !== "display" && kind !== "shell")) return undefined;
  const mode = kind === "shell" || fields.get("mode") === "control" ? "control" : "view";
  return { task, run: Number(run), kind, mode, ticket };
}
