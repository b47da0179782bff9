/**
 * `from: iso`: an empty disk, and a CD that installs a system on it.
 *
 *   boot from the CD ──guest restarts──▶ boot from the disk ──guest restarts──▶ … ──guest powers off──▶ installed
 *
 * Then, if the recipe has more to do, the installed system is started as any image's is.
 */
import { mkdir, open, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { makeFolderCd } from "../../host/cd-image.ts";
import type { Cdrom } from "../../vm/cdroms.ts";
import { requireCdromPlaces } from "../../vm/cdroms.ts";
import { type ResolvedMachine, resolveMachine } from "../../vm/limits.ts";
import type { BuildContext } from "../build-context.ts";
import { fetchSource } from "../fetch-source.ts";
import { BuildMachine } from "../machine/build-machine.ts";
import { BuildMachineError } from "../machine/errors.ts";
import { keepForInspection } from "../machine/keep.ts";
import { requireOrderlyEnd } from "../machine/power-off.ts";
import { announce, provisionImage } from "../machine/provision-image.ts";
import { Screen } from "../machine/screen.ts";
import { TimeLimit } from "../machine/time-limit.ts";
import { isIdle, workOf } from "../machine/work.ts";
import type { BuildSource, MutableImage } from "../mutable-image.ts";
import type { ParsedRecipe, RecipeBase, RecipeSource } from "../recipe.ts";
import { type KeyPresses, planKeys } from "./keystrokes.ts";
import { typeKeys } from "./type-keys.ts";

const GIB = 1_024 ** 3;
const DEFAULT_SIZE_BYTES = 32 * GIB;
/** An installer that only ever restarts is not going to be done. */
const MAX_RESTARTS = 20;

type IsoBase = RecipeBase & { kind: "iso" };

export async function buildFromIso(base: IsoBase, recipe: ParsedRecipe, context: BuildContext): Promise<MutableImage> {
  const { config, directory } = context;
  const keys = planKeys(base.keys);
  const machine = { ...recipe.machine, version: 2 } as const;
  const hardware = resolveMachine({ image: machine, config: config.machine }, config.machineOptions);
  const { cdroms, sources } = await fetchCds(base, context);
  requireCdromPlaces(hardware, cdroms, "cdrom");
  const sizeBytes = recipe.sizeBytes ?? Math.min(DEFAULT_SIZE_BYTES, config.images.maxSizeBytes);
  // The machine keeps its variables and the like beside its disk.
  const own = join(directory, "machine");
  await mkdir(own, { recursive: true });
  const file = join(own, "disk.img");
  await makeEmptyDisk(file, sizeBytes);
  await install({ recipe, hardware, cdroms, keys, file, context });
  const image: MutableImage = {
    ...{ directory, machine, packages: [], sources },
    disk: { file, format: "raw" },
  };
  const work = { ...workOf(recipe), installAgent: false };
  return isIdle(work) ? image : await provisionImage(recipe.name, image, work, context);
}

async function fetchCds(
  { source, second }: IsoBase,
  context: BuildContext,
): Promise<{ cdroms: Cdrom[]; sources: BuildSource[] }> {
  const cds = await Promise.all(
    [source, second]
      .filter((cd) => cd !== undefined)
      .map(async (cd, index) => await openCd(cd, join(context.directory, `cd${index}.iso`), context)),
  );
  return {
    cdroms: cds.map(({ file }) => ({ file, drive: "board" })),
    sources: cds.map((cd) => cd.source),
  };
}

/** A folder becomes a CD. */
async function openCd(cd: RecipeSource, target: string, context: BuildContext) {
  const { config, signal, report } = context;
  const isFolder = cd.kind === "file" && (await stat(cd.path).catch(() => undefined))?.isDirectory() === true;
  const options = { kind: "iso", target, maxBytes: config.images.maxSizeBytes, context } as const;
  if (!isFolder) return await fetchSource(cd, options);
  report.stage(`making a CD of ${cd.path}`);
  await makeFolderCd({ file: target, label: "SECOND", directory: cd.path, signal });
  const made = await fetchSource({ kind: "file", path: target, sha256: undefined }, options);
  return { file: target, source: { kind: "file", name: basename(cd.path), ...digestOf(made.source) } as const };
}

function digestOf({ sha256 }: BuildSource) {
  return sha256 === undefined ? {} : { sha256 };
}

async function makeEmptyDisk(file: string, bytes: number): Promise<void> {
  await using disk = await open(file, "wx", 0o600);
  await disk.truncate(bytes);
}

interface Installation {
  recipe: ParsedRecipe;
  hardware: ResolvedMachine;
  cdroms: readonly Cdrom[];
  keys: readonly KeyPresses[];
  file: string;
  context: BuildContext;
}

async function install(installation: Installation): Promise<void> {
  const { recipe, file, context } = installation;
  using limit = new TimeLimit(recipe.timeoutMs, context.signal);
  let current: BuildMachine | undefined;
  await using screen =
    context.vnc === undefined ? undefined : await Screen.serve(context.vnc, () => current?.vm.vncSocket);
  if (screen !== undefined) announce(screen, context);
  for (let starts = 0; starts <= MAX_RESTARTS; starts++) {
    context.report.stage(starts === 0 ? "installing: starting from the CD" : "installing: starting from the disk");
    await using machine = await startInstaller(installation, starts === 0, limit.signal);
    current = machine;
    try {
      if (await runInstaller(machine, starts === 0 ? installation.keys : [], limit.signal)) return;
    } catch (error) {
      if (context.keepOnFailure && !context.signal.aborted) {
        await keepForInspection(error, { machine, diskFile: file, screen, context });
      }
      throw error;
    }
  }
  const message = `the installer restarted its machine more than ${MAX_RESTARTS} times; it has to power it off when it is done`;
  throw new BuildMachineError("build-machine-failed", message);
}

function startInstaller(installation: Installation, isFirst: boolean, signal: AbortSignal): Promise<BuildMachine> {
  const { recipe, hardware, cdroms, file, context } = installation;
  return BuildMachine.start({
    ...{ name: recipe.name, machine: hardware, cdroms, network: recipe.network, context, signal },
    disk: { diskFile: file, format: "raw", directBoot: undefined },
    bootFrom: isFirst ? "cdrom" : "disk",
    isRestart: !isFirst,
  });
}

/** @returns whether it is done: the guest has powered its machine off, and not restarted it. */
async function runInstaller(machine: BuildMachine, keys: readonly KeyPresses[], signal: AbortSignal): Promise<boolean> {
  const typing = typeKeys(machine.vm, keys, signal);
  const [end] = await Promise.all([machine.waitForEnd(signal), typing]);
  if (end.cause === "guest-reset" && end.orderly) return false;
  requireOrderlyEnd(end);
  return true;
}
