/** One line. What the guest wrote is text, whatever it looks like. */

import { formatBytes } from "../../core/format.ts";
import { type MarkedPiece, markMatches } from "./highlight.ts";
import type { LogLine } from "./log-line.ts";
import { type Colour, RGB, type Style } from "./sgr.ts";

interface LogRowProps {
  /** From 1. */
  number: number;
  line: LogLine;
  wanted: string;
  isSelected: boolean;
  isCurrent: boolean;
  onSelect: (number: number, isExtended: boolean) => void;
}

export function LogRow({ number, line, wanted, isSelected, isCurrent, onSelect }: LogRowProps) {
  const kinds = ["log-line", line.isWorkers ? "workers" : "", isSelected ? "selected" : "", isCurrent ? "current" : ""];
  return (
    <div class={kinds.filter((kind) => kind !== "").join(" ")}>
      <a
        class="log-number"
        href={`#L${number}`}
        tabIndex={-1}
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey) return;
          event.preventDefault();
          onSelect(number, event.shiftKey);
        }}
      >
        {number}
      </a>
      <span class="log-text">
        {markMatches(line.pieces, wanted).map(renderPiece)}
        {line.cutBytes > 0 ? <span class="log-cut"> … {formatBytes(line.cutBytes)} more in this line</span> : undefined}
      </span>
    </div>
  );
}

function renderPiece({ text, style, isMatch }: MarkedPiece, index: number) {
  const { names, colours } = looks(style);
  const Tag = isMatch ? "mark" : "span";
  if (names === "" && colours === undefined && !isMatch) return text;
  return (
    <Tag key={index} class={names} {...(colours === undefined ? {} : { style: colours })}>
      {text}
    </Tag>
  );
}

/** The sixteen colours are those of the theme; all others are what the guest says. */
function looks(style: Style): { names: string; colours: { color?: string; backgroundColor?: string } | undefined } {
  const names: string[] = [];
  const [foreground, background] = style.isInverse
    ? [style.background, style.foreground]
    : [style.foreground, style.background];
  if (style.isInverse && foreground === undefined) names.push("f-inverse");
  if (style.isInverse && background === undefined) names.push("b-inverse");
  if (foreground !== undefined && foreground < 16) names.push(`f${foreground}`);
  if (background !== undefined && background < 16) names.push(`b${background}`);
  if (style.isBold) names.push("bold");
  if (style.isDim) names.push("dim");
  if (style.isItalic) names.push("italic");
  if (style.isUnderlined) names.push("underlined");
  if (style.isStruck) names.push("struck");
  const color = cssColour(foreground);
  const backgroundColor = cssColour(background);
  if (color === undefined && backgroundColor === undefined) return { names: names.join(" "), colours: undefined };
  return {
    names: names.join(" "),
    colours: {
      ...(color === undefined ? {} : { color }),
      ...(backgroundColor === undefined ? {} : { backgroundColor }),
    },
  };
}

/** Undefined: a class has it. The cube and the greys are those of xterm. */
function cssColour(colour: Colour): string | undefined {
  if (colour === undefined || colour < 16) return undefined;
  if (colour >= RGB) return `#${(colour - RGB).toString(16).padStart(6, "0")}`;
  if (colour >= 232) {
    const grey = 8 + (colour - 232) * 10;
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const index = colour - 16;
  const level = (part: number) => (part === 0 ? 0 : 55 + part * 40);
  return `rgb(${level(Math.floor(index / 36))} ${level(Math.floor(index / 6) % 6)} ${level(index % 6)})`;
}
