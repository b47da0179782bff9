/** Places inside a document, as people write them: `machine.memory`, `artifacts[2].name`, `env["my var"]`. */

const PLAIN_KEY = /^[A-Za-z_$][A-Za-z0-9_$-]*$/;
const MAX_SHOWN = 60;

/** `text` in quotes, cut if it is long, control characters escaped. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
}

/** `path` with one more step; a number is a position in a list. */
export function joinPath(path: string, step: string | number): string {
  if (typeof step === "number") return `${path}[${step}]`;
  if (!PLAIN_KEY.test(step) || step.length > MAX_SHOWN) return `${path}[${quoted(step)}]`;
  return path === "" ? step : `${path}.${step}`;
}

/** The path of a JSON pointer (RFC 6901); a step of digits is taken for a position in a list. */
export function pathOfPointer(pointer: string): string {
  const steps = pointer.split("/").slice(1);
  return steps
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce((path, step) => joinPath(path, /^\d+$/.test(step) ? Number(step) : step), "");
}

const STEP = /\.?(?<key>[A-Za-z_$][A-Za-z0-9_$-]*)|\[(?<index>\d+)\]|\[(?<text>"(?:[^"\\]|\\.)*")\]/gy;

/** The steps that {@link joinPath} made a path of; a long one stays cut. */
export function stepsOfPath(path: string): (string | number)[] {
  return [...path.matchAll(STEP)].map(({ groups: { key, index, text } = {} }) => {
    if (index !== undefined) return Number(index);
    return key ?? (JSON.parse(text ?? '""') as string);
  });
}
