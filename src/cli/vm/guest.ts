/** Commands that reach into the guest of a machine. */
import { join, resolve } from "node:path";
import type { Duplex, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { codeOf, InvalidInputError, messageOf } from "../../base/errors.ts";
import { runInForeground } from "../../host/foreground.ts";
import { letOutputThrough } from "../../host/terminal.ts";
import type { Hypervisor, LiveVm } from "../../hypervisor/hypervisor.ts";
import { tookTooLong } from "../../hypervisor/live-vm.ts";
import { boxcarCommand } from "../boxcar-program.ts";
import { absoluteConfigFile } from "../config.ts";
import { type CliContext, EXIT } from "../context.ts";
import { joinShell } from "../operate/shell.ts";
import { parsePlace } from "./flags.ts";
import type { Invocation } from "./look.ts";
import { openHypervisor } from "./open-hypervisor.ts";

export interface RunFlags {
  user?: string;
  cwd?: string;
  env?: string[];
  timeout?: number;
  interactive?: boolean;
  tty?: boolean;
}

/** A machine that runs and has called home: who has just started it need not wait himself. */
export async function ready(hypervisor: Hypervisor, ref: string, signal: AbortSignal): Promise<LiveVm> {
  const live = await hypervisor.open(ref);
  await live.waitForGuest(signal);
  return live;
}

export async function shell(
  ref: string,
  words: readonly string[],
  flags: RunFlags,
  { context, command }: Invocation,
): Promise<void> {
  await using opened = await openHypervisor(context, command);
  const live = await ready(opened.hypervisor, ref, context.signal);
  const tty = flags.tty !== false && context.stdin.isTTY === true && context.stdout.isTTY === true;
  await joinShell(await live.openShell({ ...whereOf(flags), tty, command: words }, context.signal), tty, context);
}

/** The exit code is that of the command. */
export async function exec(
  ref: string,
  words: readonly string[],
  flags: RunFlags,
  { context, command }: Invocation,
): Promise<void> {
  await using opened = await openHypervisor(context, command);
  const { signal } = context;
  const live = await ready(opened.hypervisor, ref, signal);
  const { timeout: timeoutMs } = flags;
  try {
    if (flags.interactive === true) return await execWithStdin(live, words, flags, context);
    const onOutput = (chunk: Buffer) => void context.stdout.write(chunk);
    context.setExitCode(await live.exec(words, { ...whereOf(flags), timeoutMs, onOutput, signal }));
  } catch (error) {
    if (codeOf(error) !== "vm-timeout") throw error;
    context.stderr.write(`boxcar: ${messageOf(error)}\n`);
    context.setExitCode(TIMED_OUT);
  }
}

/** As of timeout(1). */
const TIMED_OUT = 124;

function whereOf({ user, cwd, env }: RunFlags) {
  return {
    ...(user === undefined ? {} : { user }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
  };
}

/** A shell says whether its command failed, and not how: that is written down beside it. */
const TELLING = '"$@"; code=$?; [ $code -eq 0 ] || echo $code >"$0"; exit $code';

async function execWithStdin(
  live: LiveVm,
  words: readonly string[],
  flags: RunFlags,
  context: CliContext,
): Promise<void> {
  const { signal } = context;
  const file = `/tmp/.boxcar-exit-${crypto.randomUUID()}`;
  const command = ["sh", "-c", TELLING, file, ...words];
  let failed = false;
  const watching: CliContext = {
    ...context,
    setExitCode: (code) => {
      failed = code === EXIT.failed;
      context.setExitCode(code);
    },
  };
  const socket = await live.openShell({ ...whereOf(flags), tty: false, command }, signal);
  const { timeout } = flags;
  // Who hangs up has it ended.
  const timer = timeout === undefined ? undefined : AbortSignal.timeout(timeout);
  timer?.addEventListener("abort", () => socket.terminate(), { once: true });
  try {
    await joinShell(socket, false, watching);
  } catch (error) {
    signal.throwIfAborted();
    throw timeout !== undefined && timer?.aborted ? tookTooLong(words, timeout) : error;
  }
  if (!failed) return;
  const text = await live
    .getFile(file, signal)
    .then(buffer)
    .catch(() => undefined);
  await live.exec(["rm", "-f", file], { onOutput: () => {}, signal }).catch(() => {});
  const code = Number(text?.toString("utf8").trim());
  if (Number.isInteger(code) && code > 0 && code < 256) context.setExitCode(code);
}

const LEAVE = 0x1d;

/** Ctrl-] leaves. */
export async function attachConsole(ref: string, { context, command }: Invocation): Promise<void> {
  await using opened = await openHypervisor(context, command);
  const stream = await (await opened.hypervisor.open(ref)).openConsole(context.signal);
  const isTerminal = context.stdin.isTTY === true && context.stdout.isTTY === true;
  if (isTerminal) {
    context.stderr.write("boxcar: Ctrl-] leaves the console\r\n");
    await letOutputThrough(context.signal);
  }
  using _raw = isTerminal ? rawMode(context.stdin) : undefined;
  const gone = new Promise<void>((done) => stream.once("close", done));
  const onData = (chunk: Buffer) => {
    const at = isTerminal ? chunk.indexOf(LEAVE) : -1;
    stream.write(at === -1 ? chunk : chunk.subarray(0, at));
    if (at !== -1) stream.destroy();
  };
  context.stdin.on("data", onData);
  stream.on("error", () => {});
  stream.on("end", () => stream.destroy());
  stream.on("data", (chunk: Buffer) => {
    if (context.stdout.write(chunk)) return;
    stream.pause();
    context.stdout.once("drain", () => stream.resume());
  });
  const onAbort = () => stream.destroy();
  context.signal.addEventListener("abort", onAbort, { once: true });
  await gone;
  context.stdin.off("data", onData);
  context.stdin.destroy();
  if (isTerminal) context.stderr.write("\r\nboxcar: left the console; the machine goes on\r\n");
}

function rawMode(stdin: Readable): Disposable {
  const input = stdin as Readable & { setRawMode?: (raw: boolean) => unknown };
  input.setRawMode?.(true);
  return { [Symbol.dispose]: () => void input.setRawMode?.(false) };
}

/** Joins stdin and stdout with a port of the guest, as for the ProxyCommand of ssh. */
export async function connect(ref: string, port: number, { context, command }: Invocation): Promise<void> {
  await using opened = await openHypervisor(context, command);
  const stream: Duplex = await (await opened.hypervisor.open(ref)).connect(port, context.signal);
  stream.on("error", () => {});
  const output = pipeline(stream, context.stdout, { end: false });
  // A websocket has no half that could be closed, and the answer may come after the end of the question.
  pipeline(context.stdin, stream, { end: false }).catch(() => {});
  await output.catch(() => {});
  context.stdin.destroy();
}

/** @returns the exit code of ssh. */
export async function ssh(
  target: string,
  words: readonly string[],
  { identity, port = 22 }: { identity?: string; port?: number },
  { context, command }: Invocation,
): Promise<void> {
  const at = target.lastIndexOf("@");
  const [user, ref] = at === -1 ? ["root", target] : [target.slice(0, at), target.slice(at + 1)];
  await using opened = await openHypervisor(context, command);
  const { record } = await opened.hypervisor.inspect(ref);
  await opened.hypervisor.open(record.id);
  const proxy = boxcarCommand(absoluteConfigFile(context, command), "vm", "connect", record.id, String(port));
  const knownHosts = join(opened.hypervisor.index.folderOf(record.id), "known_hosts");
  const options = [
    `ProxyCommand=${proxy.map(quoted).join(" ")}`,
    `HostKeyAlias=boxcar-${record.id}`,
    ...["StrictHostKeyChecking=accept-new", `UserKnownHostsFile=${knownHosts}`],
  ].flatMap((option) => ["-o", option]);
  const key = identity === undefined ? [] : ["-i", resolve(context.cwd, identity)];
  context.setExitCode(await runInForeground(["ssh", ...options, ...key, `${user}@${record.id}`, ...words]));
}

export interface SyncFlags {
  delete?: boolean;
  exclude?: string[];
  chown?: string;
}

/** rsync, whose far end the agent starts: it has to be installed on both sides. */
export async function sync(
  source: string,
  target: string,
  { delete: removes, exclude = [], chown }: SyncFlags,
  { context, command }: Invocation,
): Promise<void> {
  const remote = [source, target].map(parsePlace).filter(({ machine }) => machine !== undefined);
  if (remote.length !== 1) throw mistake("<from> <to>", "one of both must be in a machine, as NAME:PATH");
  await using opened = await openHypervisor(context, command);
  await ready(opened.hypervisor, remote[0]?.machine ?? "", context.signal);
  const inGuest = boxcarCommand(absoluteConfigFile(context, command), "vm", "exec", "-i").map(quoted).join(" ");
  // rsync puts the name and its own far end behind it; what follows "--" is no option of ours.
  const transport = ["sh", "-c", quoted(`name=$1; shift; exec ${inGuest} "$name" -- "$@"`), "sh"].join(" ");
  const options = [
    ...["-a", "--blocking-io", "-e", transport],
    ...(removes === true ? ["--delete"] : []),
    ...exclude.map((pattern) => `--exclude=${pattern}`),
    ...(chown === undefined ? [] : [`--chown=${chown}`]),
  ];
  context.setExitCode(await runInForeground(["rsync", ...options, source, target]));
}

function mistake(path: string, message: string): InvalidInputError {
  return new InvalidInputError("The command line", [{ path, message }], "task");
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
