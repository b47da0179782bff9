/** Does in a guest what a recipe says, one after the other, with all that is printed in the log of the build. */
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { formatDuration } from "../../base/units.ts";
import type { GuestSession } from "../../guest/guest-session.ts";
import type { ExecResult } from "../../guest/process-actions.ts";
import { AGENT_COMMAND, AGENT_FILE, AGENT_UNIT } from "../agent-unit.ts";
import type { BuildReport, GuestPrograms } from "../build-context.ts";
import { describeCommand, FIRST_BOOT_FILE, FIRST_BOOT_UNIT, firstBootScript } from "../first-boot.ts";
import type { InstalledPackage } from "../mutable-image.ts";
import type { RecipeCommand, RecipeFile, RecipeUser } from "../recipe.ts";
import { BuildMachineError } from "./errors.ts";
import {
  ADD_USER,
  CLEAN_UP,
  DISCARD_ALL,
  DISCARD_DELETED,
  ENABLE_UNIT,
  INSTALL_PACKAGES,
  LIST_PACKAGES,
  OWN_FILE,
  PUT_INIT_ASIDE,
  WHO_RUNS_FIRST_BOOT,
} from "./guest-scripts.ts";
import { LineSplitter } from "./line-splitter.ts";
import type { MachineWork } from "./work.ts";

/** Lines of a failed command that are in the error too. */
const TAIL_LINES = 20;
const MAX_TAIL_LINE = 500;
const MAX_PACKAGES = 100_000;
const MAX_LIST_BYTES = 16 * 1_024 ** 2;

const INIT_FILE = "/usr/lib/boxcar/boxcar-init";

const ENVIRONMENT = { DEBIAN_FRONTEND: "noninteractive" } as const;

export interface GuestWorkOptions {
  guest: GuestSession;
  programs: GuestPrograms;
  report: BuildReport;
  signal: AbortSignal;
}

export class GuestWork {
  readonly #options: GuestWorkOptions;

  constructor(options: GuestWorkOptions) {
    this.#options = options;
  }

  /** @throws {BuildMachineError} `build-command-failed` with what was run, how it ended and what it printed last. */
  async do({ packages, users, files, firstBoot, commands, installAgent }: MachineWork): Promise<void> {
    await this.#quietly(DISCARD_DELETED);
    if (installAgent) await this.#installAgent();
    if (packages.length > 0) await this.#run(`install ${packages.join(" ")}`, script(INSTALL_PACKAGES, ...packages));
    for (const user of users) await this.#addUser(user);
    for (const file of files) await this.#putFile(file);
    if (firstBoot.length > 0) await this.#putFirstBoot(firstBoot);
    for (const command of commands) await this.#run(describeCommand(command), command);
  }

  /** Takes out what tells machines apart, and what nobody needs. */
  async cleanUp({ discardAll }: { discardAll: boolean }): Promise<void> {
    await this.#quietly(CLEAN_UP);
    if (discardAll) await this.#quietly(DISCARD_ALL);
  }

  /** What is installed, as far as the guest knows. */
  async listPackages(): Promise<InstalledPackage[]> {
    const options = { ...this.#limits, maxOutputBytes: MAX_LIST_BYTES };
    const { exitCode, output } = await this.#options.guest.exec(
      { command: script(LIST_PACKAGES), user: "root" },
      options,
    );
    return exitCode === 0 ? parsePackages(output.toString("utf8")) : [];
  }

  /** What it comes to does not matter. */
  async #quietly(text: string): Promise<void> {
    await this.#options.guest.exec({ command: script(text), user: "root", cwd: "/" }, this.#limits);
  }

  get #limits() {
    return { signal: this.#options.signal };
  }

  async #installAgent(): Promise<void> {
    const agent = await readFile(this.#options.programs.agentBinary);
    await this.#write(AGENT_FILE, agent, 0o755);
    await this.#quietly(`ln -sf ${AGENT_FILE} ${AGENT_COMMAND}`);
    await this.#putUnit(AGENT_UNIT);
  }

  async #addUser({ name, uid, shell, groups, authorizedKeys }: RecipeUser): Promise<void> {
    const words = [name, uid === undefined ? "" : String(uid), shell, groups.join(","), authorizedKeys.join("\n")];
    await this.#run(`add the user ${name}`, script(ADD_USER, ...words));
  }

  async #putFile({ path, content, mode, user, group }: RecipeFile): Promise<void> {
    this.#options.report.line(`put ${path}`);
    // A stream is sent once, and the file it comes from may be large.
    const body = "text" in content ? Buffer.from(content.text) : createReadStream(content.file);
    await this.#write(path, body, mode & 0o777);
    const permissions = mode.toString(8).padStart(4, "0");
    await this.#run(`own ${path}`, script(OWN_FILE, path, `${user}:${group}`, permissions), { quiet: true });
  }

  async #putFirstBoot(commands: readonly RecipeCommand[]): Promise<void> {
    this.#options.report.line(`put ${FIRST_BOOT_FILE}`);
    await this.#write(FIRST_BOOT_FILE, Buffer.from(firstBootScript(commands)), 0o755);
    const question = { command: script(WHO_RUNS_FIRST_BOOT, FIRST_BOOT_FILE), user: "root" };
    const { output } = await this.#options.guest.exec(question, this.#limits);
    const who = output.toString("latin1").trim();
    if (who === "systemd") await this.#putUnit(FIRST_BOOT_UNIT);
    // Of an image from before there was a first boot.
    if (who === "old-init") {
      await this.#quietly(PUT_INIT_ASIDE);
      await this.#write(INIT_FILE, await readFile(this.#options.programs.initBinary), 0o755);
    }
  }

  async #putUnit({ name, text }: { name: string; text: string }): Promise<void> {
    await this.#write(`/etc/systemd/system/${name}`, Buffer.from(text), 0o644);
    await this.#run(`enable ${name}`, script(ENABLE_UNIT, name), { quiet: true });
  }

  async #write(path: string, content: Parameters<GuestSession["putFile"]>[1], mode: number): Promise<void> {
    // Until it is written, or the build is over: the file may be large.
    const timeoutMs = 2 ** 31 - 1;
    await this.#options.guest.putFile(path, content, { mode, user: "root", timeoutMs, ...this.#limits });
  }

  async #run(title: string, command: readonly string[], { quiet = false } = {}): Promise<void> {
    const { guest, report } = this.#options;
    if (!quiet) report.line(`$ ${title}`);
    const tail: string[] = [];
    const lines = new LineSplitter((line) => {
      report.line(line);
      tail.push(line.slice(0, MAX_TAIL_LINE));
      if (tail.length > TAIL_LINES) tail.shift();
    });
    const begin = performance.now();
    const result = await guest.exec(
      { command, env: ENVIRONMENT, user: "root", cwd: "/" },
      { ...this.#limits, maxOutputBytes: 0, onOutput: (chunk) => lines.write(chunk) },
    );
    lines.end();
    const took = formatDuration(performance.now() - begin);
    if (result.exitCode !== 0) throw commandError(title, result, took, tail);
    if (!quiet) report.line(`done in ${took}`);
  }
}

function commandError(title: string, { exitCode, signal }: ExecResult, took: string, tail: readonly string[]) {
  const how = signal === undefined ? `failed with exit code ${exitCode}` : `was ended by ${signal}`;
  const printed = tail.length === 0 ? "; it printed nothing" : `; the last it printed:\n${tail.join("\n")}`;
  return new BuildMachineError("build-command-failed", `"${title}" ${how} after ${took}${printed}`);
}

function script(text: string, ...words: readonly string[]): readonly string[] {
  return ["sh", "-c", text, "sh", ...words];
}

/** A name and a version a line, or on two lines; what looks otherwise is left out. */
export function parsePackages(text: string): InstalledPackage[] {
  const joined = text.replaceAll(/\n (?=\S)/g, " ");
  return joined
    .split("\n", MAX_PACKAGES)
    .map((line) => /^([\w.+-]{1,200}) (\S{1,200})$/.exec(line))
    .flatMap((match) => (match === null ? [] : [{ name: match[1] as string, version: match[2] as string }]))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
