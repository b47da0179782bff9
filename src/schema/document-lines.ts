/** Where in the text of a YAML or JSON file the things stand that issues are about. */
import { isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { stepsOfPath } from "./document-path.ts";

/** Both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/**
 * @param text Has been read without a mistake.
 * @returns Finds the place of a path; of what is not there, that of the nearest thing around it.
 */
export function placesIn(text: string): (path: string) => Place | undefined {
  const lineCounter = new LineCounter();
  const { contents } = parseDocument(text, { lineCounter, logLevel: "silent" });
  return (path) => {
    const offset = offsetOf(contents, stepsOfPath(path));
    if (offset === undefined) return undefined;
    const { line, col } = lineCounter.linePos(offset);
    return { line, column: col };
  };
}

function offsetOf(root: Node | null, steps: readonly (string | number)[]): number | undefined {
  let offset: number | undefined;
  let node: unknown = root;
  for (const step of steps) {
    const found = childOf(node, step);
    if (found === undefined) break;
    offset = found.offset ?? offset;
    node = found.value;
  }
  return offset;
}

/** Of a key, the offset is its own, since that is what people look for. */
function childOf(node: unknown, step: string | number): { offset: number | undefined; value: unknown } | undefined {
  if (isSeq(node) && typeof step === "number") {
    const value = node.items[step];
    return value === undefined ? undefined : { offset: startOf(value), value };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(step));
  return pair && { offset: startOf(pair.key), value: pair.value };
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
