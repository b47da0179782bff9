/** The command of a task, as a script or as arguments. Pure. */
import type { Json } from "./document-text.ts";

export type CommandStyle = "script" | "arguments";

const SHELLS = /^(?:\/(?:usr\/)?bin\/)?(?:sh|bash|dash|zsh|ash)$/;

/** The script, and what runs it; undefined where it is no script. */
export function scriptOf(command: Json | undefined): { shell: readonly string[]; script: string } | undefined {
  const list = argumentsOf(command);
  const [program = "", ...rest] = list ?? [];
  const script = rest.at(-1);
  const flags = rest.slice(0, -1);
  if (script === undefined || !SHELLS.test(program) || !flags.every(isFlag) || !/c$/.test(flags.at(-1) ?? "")) {
    return undefined;
  }
  return { shell: [program, ...flags], script };
}

/** A list of texts, or undefined. */
export function argumentsOf(command: Json | undefined): readonly string[] | undefined {
  if (!Array.isArray(command)) return undefined;
  const list = command as readonly Json[];
  return list.every((one): one is string => typeof one === "string") ? list : undefined;
}

export function commandOfScript(script: string, shell: readonly string[] = ["sh", "-ec"]): string[] {
  return [...shell, script];
}

/** One argument a line. */
export function commandOfLines(lines: string): string[] {
  return lines.split("\n");
}

function isFlag(text: string): boolean {
  return /^-[a-z]+$/.test(text);
}
