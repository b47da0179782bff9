/** What a guest wrote to its console, fit for a log. Pure: the guest may have written anything. */

const MAX_LINES = 15;
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences of a terminal begin with one.
const ESCAPE_SEQUENCE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007]*\u0007|[@-Z\\-_])/g;

/** The last lines as an appendix to a sentence; "" if there are none. */
export function describeConsole(tail: string): string {
  const lines = tail
    .replaceAll(ESCAPE_SEQUENCE, "")
    .split(/\r?\n/)
    .map((line) => line.replaceAll(/\p{Cc}/gu, " ").trimEnd())
    .filter((line) => line !== "")
    .slice(-MAX_LINES);
  if (lines.length === 0) return "";
  return `\nThe end of its console:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}
