/** What a terminal is given of what others have written: it takes more than text. Pure. */

/**
 * C0 but for line breaks and tabs, DEL, C1 (whose first is another CSI), and what turns the direction of text around, so
 * that it reads otherwise than it is.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const ACTIVE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

export function printable(text: string): string {
  return text.replaceAll(ACTIVE, "?");
}

/** The same document, in JSON. */
export function printableJson(json: string): string {
  return json.replaceAll(ACTIVE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
