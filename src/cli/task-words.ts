/** How a command line names a task: by a file, or a command after `--`. */
import type { Command } from "commander";

/** What stands before `--` is a file, what stands after it a command. */
export function splitWords(
  words: readonly string[],
  argv: readonly string[],
  command: Command,
): { taskFile: string | undefined; taskCommand: readonly string[] } {
  const dashes = argv.indexOf("--");
  const taskCommand = dashes === -1 ? [] : argv.slice(dashes + 1);
  const files = words.slice(0, words.length - taskCommand.length);
  if (files.length > 1) {
    command.error(`error: one task file, please, not ${files.length}; a command comes after --`);
  }
  if (words.length === 0) command.error("error: give a task file, or a command after --");
  return { taskFile: files[0], taskCommand };
}
