/** What a guest wrote to its console, fit for a log. Pure: the guest may have written anything. */

const MAX_LINES = 15;
/** What follows it, the state of the processor, says less. */
const PANIC = "Kernel panic";
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences of a terminal begin with one.
const ESCAPE_SEQUENCE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007]*\u0007|[@-Z\\-_])/g;

/** The last lines, or those from a kernel panic on, as an appendix to a sentence; "" if there are none. */
export function describeConsole(tail: string): string {
  const lines = tail
    .replaceAll(ESCAPE_SEQUENCE, "")
    .split(/\r?\n/)
    .map((line) => line.replaceAll(/\p{Cc}/gu, " ").trimEnd())
    .filter((line) => line !== "");
  if (lines.length === 0) return "";
  const panic = lines.findLastIndex((line) => line.includes(PANIC));
  const shown = panic === -1 ? lines.slice(-MAX_LINES) : lines.slice(panic, panic + MAX_LINES);
  return `\nThe end of its console:\n${shown.map((line) => `  ${line}`).join("\n")}`;
}
