/** One line of a log, as a terminal would leave it. Pure: text and styles, never markup. */
import { applySgr, type Style } from "./sgr.ts";

export interface Piece {
  readonly text: string;
  readonly style: Style;
}

/** CSI, OSC and other strings up to their end, and two-character escapes; ECMA-48 5.4, 5.6. */
export const ESCAPE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about.
  /\u001b(?:\[(?<parameters>[0-?]*)[ -/]*(?<final>[@-~])?|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~]|)/g;

// biome-ignore lint/suspicious/noControlCharactersInRegex: what is not to be seen.
const CONTROLS = /[\u0000-\u0007\u000b-\u001a\u001c-\u001f\u007f]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what makes a line more than its text.
const SPECIAL = /[\b\t\r\u001b]/;
const TAB = 8;

/** Cells of a line while it is written; a style for each. */
class Cells {
  readonly #texts: string[] = [];
  readonly #styles: Style[] = [];
  #column = 0;

  return(): void {
    this.#column = 0;
  }

  back(): void {
    this.#column = Math.max(0, this.#column - 1);
  }

  write(text: string, style: Style): void {
    for (const character of text) this.#put(character, style);
  }

  tab(style: Style): void {
    const spaces = TAB - (this.#column % TAB);
    for (let count = 0; count < spaces; count++) this.#put(" ", style);
  }

  /** EL, ECMA-48 8.3.41: 0 from here to the end, 1 from the beginning to here, 2 all. */
  erase(part: string, style: Style): void {
    if (part === "2") this.#texts.length = 0;
    else if (part === "1") this.#blank(Math.min(this.#column + 1, this.#texts.length), style);
    else this.#texts.length = Math.min(this.#texts.length, this.#column);
    this.#styles.length = this.#texts.length;
  }

  pieces(): Piece[] {
    const pieces: Piece[] = [];
    let begin = 0;
    for (let index = 1; index <= this.#texts.length; index++) {
      const style = this.#styles[begin];
      if (style === undefined || (index < this.#texts.length && this.#styles[index] === style)) continue;
      pieces.push({ text: this.#texts.slice(begin, index).join(""), style });
      begin = index;
    }
    return pieces;
  }

  #put(character: string, style: Style): void {
    // After an erasure one may write beyond the end.
    while (this.#texts.length < this.#column) {
      this.#texts.push(" ");
      this.#styles.push(style);
    }
    this.#texts[this.#column] = character;
    this.#styles[this.#column] = style;
    this.#column++;
  }

  #blank(count: number, style: Style): void {
    for (let index = 0; index < count; index++) {
      this.#texts[index] = " ";
      this.#styles[index] = style;
    }
  }
}

/**
 * @param text Without its line end.
 * @param begin The style the line before has left.
 */
export function renderLine(text: string, begin: Style): Piece[] {
  // Most lines.
  if (!SPECIAL.test(text)) {
    const visible = text.replace(CONTROLS, "");
    return visible === "" ? [] : [{ text: visible, style: begin }];
  }
  const cells = new Cells();
  let style = begin;
  let position = 0;
  for (const match of text.matchAll(ESCAPE)) {
    writeText(cells, text.slice(position, match.index), style);
    position = match.index + match[0].length;
    const { parameters = "", final } = match.groups ?? {};
    if (final === "m") style = applySgr(style, parameters);
    else if (final === "K") cells.erase(parameters, style);
    else if (final === "G" && (parameters === "" || parameters === "1")) cells.return();
  }
  writeText(cells, text.slice(position), style);
  return cells.pieces();
}

function writeText(cells: Cells, text: string, style: Style): void {
  for (const part of text.split(/([\b\t\r])/)) {
    if (part === "\r") cells.return();
    else if (part === "\b") cells.back();
    else if (part === "\t") cells.tab(style);
    else if (part !== "") cells.write(part.replace(CONTROLS, ""), style);
  }
}

/** What is left of a text when its escapes are gone; for searching. */
export function withoutEscapes(text: string): string {
  return text.includes("\u001b") ? text.replace(ESCAPE, "") : text;
}
