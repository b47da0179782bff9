/** What may stand where the cursor is, by what the commands say of themselves. Pure. */
import type { Argument, Command, Option } from "commander";

export interface Candidate {
  text: string;
  description: string;
}

export type NameKind = "images" | "caches" | "recipes" | "registries" | "machines" | "snapshots" | "sources";

/** What shells complete better than we. */
export type PathKind = "files" | "folders" | "tasks";

export interface Completion {
  candidates: Candidate[];
  /** Names of what belong here too. */
  names: NameKind | undefined;
  paths: PathKind | undefined;
  /** What `--config` names in the words before. */
  config: string | undefined;
}

/** What stands in the place of a value in the help → what it is. */
const PATHS: Readonly<Record<string, PathKind>> = {
  archive: "files",
  arguments: "tasks",
  dir: "folders",
  file: "files",
  "file...": "files",
};

/** @param words What stands behind `boxcar`, up to the cursor; the last one is being written, and may be empty. */
export function complete(program: Command, words: readonly string[]): Completion {
  const { command, option, position, isOver, config } = walk(program, words.slice(0, -1));
  const word = words.at(-1) ?? "";
  const nothing: Completion = { candidates: [], names: undefined, paths: undefined, config };
  if (isOver) return nothing;
  if (option !== undefined) return { ...nothing, ...ofValue(option.argChoices, placeholderOf(option), word) };
  if (word.startsWith("-")) return { ...nothing, candidates: matching(optionsOf(command), word) };
  const commands = command.createHelp().visibleCommands(command);
  if (commands.length > 0) {
    const names = commands.map((found) => ({ text: found.name(), description: found.description() }));
    return { ...nothing, candidates: matching(names, word) };
  }
  const argument = argumentAt(command, position);
  return argument === undefined ? nothing : { ...nothing, ...ofValue(argument.argChoices, argument.name(), word) };
}

interface Place {
  command: Command;
  /** The option whose value is being written. */
  option: Option | undefined;
  /** How many arguments the command has already. */
  position: number;
  /** What follows is not ours: the command of a task. */
  isOver: boolean;
  config: string | undefined;
}

function walk(program: Command, words: readonly string[]): Place {
  const place: Place = { command: program, option: undefined, position: 0, isOver: false, config: undefined };
  for (const word of words) {
    if (place.option !== undefined) {
      if (place.option.long === "--config") place.config = word;
      place.option = undefined;
    } else if (word === "--") {
      return { ...place, isOver: true };
    } else if (word.startsWith("-")) {
      place.option = allOptions(place.command).find((option) => isNamed(option, word) && option.required);
    } else if (word !== "help") {
      const found = place.command.commands.find((sub) => sub.name() === word || sub.aliases().includes(word));
      if (found === undefined) place.position++;
      else place.command = found;
    }
  }
  return place;
}

function isNamed({ long, short }: Option, word: string): boolean {
  return word === long || word === short;
}

/** Also those of the commands above: they may stand anywhere. */
function allOptions(command: Command): Option[] {
  const above = command.parent === null ? [] : allOptions(command.parent).filter(({ long }) => long !== "--version");
  return [...command.options, ...above];
}

function optionsOf(command: Command): Candidate[] {
  const own = allOptions(command).map(({ long, short, description }) => ({ text: long ?? short ?? "", description }));
  return [...own, { text: "--help", description: "display help for command" }];
}

function placeholderOf({ flags }: Option): string {
  return /<(.*)>/.exec(flags)?.[1] ?? "";
}

function argumentAt(command: Command, position: number): Argument | undefined {
  const last = command.registeredArguments.at(-1);
  return command.registeredArguments[position] ?? (last?.variadic ? last : undefined);
}

function ofValue(choices: readonly string[] | undefined, placeholder: string, word: string): Partial<Completion> {
  if (choices !== undefined) {
    return {
      candidates: matching(
        choices.map((text) => ({ text, description: "" })),
        word,
      ),
    };
  }
  // An image may be a path as well.
  if (placeholder === "image" || placeholder === "other-image")
    return word.includes("/") ? { paths: "files" } : { names: "images" };
  if (placeholder === "recipe") return word.includes("/") ? { paths: "tasks" } : { names: "recipes" };
  if (placeholder === "registry") return { paths: "folders", ...(word.includes("/") ? {} : { names: "registries" }) };
  if (placeholder === "machine" || placeholder === "target") return { names: "machines" };
  if (placeholder === "snapshot") return { names: "snapshots" };
  // A machine, a saved one, or the folder of one.
  if (placeholder === "source") return word.includes("/") ? { paths: "folders" } : { names: "sources" };
  if (placeholder === "cache") return { names: "caches" };
  return { paths: PATHS[placeholder] };
}

function matching(candidates: readonly Candidate[], word: string): Candidate[] {
  return candidates.filter(({ text }) => text.startsWith(word));
}
