/**
 * JSON from an image, with as many values and as deep as such a document can sensibly be: what a few million brackets
 * become takes a hundred times their bytes, and an error for each wrong value even more. Pure.
 */
import { InvalidInputError, messageOf } from "../base/errors.ts";

export interface JsonLimits {
  /** Lists, objects, and what is in them. */
  maxValues: number;
  maxDepth: number;
}

/** @throws {@link InvalidInputError} blaming the image. */
export function parseModestJson(text: string, subject: string, limits: JsonLimits): unknown {
  const refuse = (message: string) => new InvalidInputError(subject, [{ path: "", message }], "image");
  const excess = findExcess(text, limits);
  if (excess !== undefined) throw refuse(excess);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refuse(`is not JSON: ${messageOf(error)}`);
  }
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const OPENING = [0x5b, 0x7b];
const CLOSING = [0x5d, 0x7d];

function findExcess(text: string, { maxValues, maxDepth }: JsonLimits): string | undefined {
  let [values, depth, inString] = [1, 0, false];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i++;
    else if (code === QUOTE) inString = !inString;
    else if (inString) continue;
    else if (code === COMMA) values++;
    else if (OPENING.includes(code)) {
      values++;
      depth++;
    } else if (CLOSING.includes(code)) depth--;
    if (depth > maxDepth) return `is nested more than ${maxDepth} deep`;
    if (values > maxValues) return `holds more than ${maxValues} values`;
  }
  return undefined;
}
