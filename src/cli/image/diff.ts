/** `boxcar image diff`: what differs between two images. */
import { InvalidInputError } from "../../base/errors.ts";
import { Scope } from "../../base/scope.ts";
import { tryParseDuration } from "../../base/units.ts";
import { diffImages } from "../../builder/inspect/diff-images.ts";
import { type ImageDiff, isPartial, SECTIONS, type Section } from "../../builder/inspect/image-diff.ts";
import type { Config } from "../../config/config.ts";
import { type CliContext, EXIT, print, printJson } from "../context.ts";
import { openStore } from "../store.ts";
import { describeDiff } from "./describe-diff.ts";
import { openSide } from "./diff-side.ts";
import { openInspector } from "./open-inspector.ts";

export interface DiffFlags {
  machine?: boolean;
  provenance?: boolean;
  packages?: boolean;
  files?: boolean;
  inspector?: string;
  timeout: string;
  all?: boolean;
  json?: boolean;
}

export async function diff(a: string, b: string, flags: DiffFlags, config: Config, context: CliContext): Promise<void> {
  const timeoutMs = requireDuration(flags.timeout);
  const found = await compare(a, b, { flags, timeoutMs, config, context });
  if (flags.json) printJson(context, found);
  else print(context, describeDiff(found, { isWhole: flags.all ?? false }));
  const exitCode = exitCodeOf(found);
  if (exitCode === UNDECIDED) context.stderr.write(`boxcar: ${UNDECIDED_MESSAGE}\n`);
  context.setExitCode(exitCode);
}

const UNDECIDED = 2;
const UNDECIDED_MESSAGE =
  "what could be compared is the same, but not all could be, so nobody knows; the list says what is left open";

/** Pure; as diff(1) has them. */
export function exitCodeOf(found: ImageDiff): number {
  if (!found.same) return EXIT.failed;
  return isPartial(found) ? UNDECIDED : EXIT.ok;
}

interface Comparison {
  flags: DiffFlags;
  timeoutMs: number;
  config: Config;
  context: CliContext;
}

async function compare(a: string, b: string, { flags, timeoutMs, config, context }: Comparison): Promise<ImageDiff> {
  await using scope = new Scope();
  const images = scope.use(await openStore(config));
  const work = { store: images, config, context };
  const one = scope.use(await openSide(a, work));
  const other = scope.use(await openSide(b, work));
  return await diffImages(one, other, {
    sections: sectionsOf(flags),
    openInspector: () => openInspector({ scope, images, inspector: flags.inspector, config, context }),
    timeoutMs,
    signal: context.signal,
  });
}

/** Those that are named; if none is, all. */
export function sectionsOf(flags: Partial<Record<Section, boolean>>): ReadonlySet<Section> {
  const named = SECTIONS.filter((section) => flags[section] === true);
  return new Set(named.length > 0 ? named : SECTIONS.filter((section) => flags[section] !== false));
}

function requireDuration(text: string): number {
  const timeoutMs = tryParseDuration(text);
  if (timeoutMs !== undefined && timeoutMs > 0) return timeoutMs;
  const message = `${JSON.stringify(text)} is no duration, such as "10 minutes"`;
  throw new InvalidInputError("The command line", [{ path: "--timeout", message }], "task");
}
