/** Records of saved machines, as documents, and whether they contradict themselves. Pure. */
import { InvalidInputError, type Issue } from "../base/errors.ts";
import type { MachineSnapshot } from "../generated/machine-snapshot.ts";
import { type ParseOptions, parseAs } from "../schema/parse.ts";
import { boardFilesOf } from "./board-files.ts";
import { CONSOLE_FILE, cdromFile, dataDiskFile, layerFile, MEMORY_FILE, STATE_FILE } from "./saved-machine.ts";

/** Enough for every field; a record has no lists without a limit. */
export const MAX_RECORD_BYTES = 1_048_576;

/** @throws {@link InvalidInputError} for one that is of another version or contradicts itself. */
export function parseRecord(text: string, options: ParseOptions): MachineSnapshot {
  const record = parseAs("machine-snapshot", parseJson(text, options), options);
  const issues = findRecordIssues(record);
  if (issues.length > 0) throw new InvalidInputError(options.subject, issues, options.blame);
  return record;
}

function parseJson(text: string, { subject, blame }: ParseOptions): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidInputError(subject, [{ path: "", message: "is no JSON" }], blame);
  }
}

function findRecordIssues(record: MachineSnapshot): Issue[] {
  const issue = (path: string, message: string): Issue => ({ path, message });
  const names = record.files.map(({ name }) => name);
  const needed = neededFiles(record);
  const known = [...needed, CONSOLE_FILE];
  const { source, kind, machine } = record;
  const isSized = [machine.memory, machine.threads, machine.cores, machine.sockets].every((size) => size !== undefined);
  return [
    ...(new Set(names).size === names.length ? [] : [issue("files", "names a file twice")]),
    ...needed.filter((name) => !names.includes(name)).map((name) => issue("files", `lacks ${name}`)),
    ...names.filter((name) => !known.includes(name)).map((name) => issue("files", `has ${name}, which nothing needs`)),
    ...(isSized ? [] : [issue("machine", "must say its memory, threads, cores and sockets")]),
    ...((kind === "vm" ? source.vm : source.task) === undefined
      ? [issue("source", `must have ${kind === "vm" ? "vm" : "task"}, because its kind is ${kind}`)]
      : []),
  ];
}

/** All files without which it does not go on. */
export function neededFiles({ machine, layers, dataDisks = [], cdroms = [] }: MachineSnapshot): string[] {
  return [
    MEMORY_FILE,
    STATE_FILE,
    ...Array.from({ length: layers }, (_, number) => layerFile(number)),
    ...dataDisks.map(dataDiskFile),
    ...cdroms.map((_, index) => cdromFile(index)),
    ...boardFilesOf(machine),
  ];
}
