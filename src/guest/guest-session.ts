/**
 * The host's view of one guest: its task, its log, and what can be asked of it.
 *
 * *Owns* what is pending between the two; *borrows* the log sink. The metadata service of the machine is the other
 * side of it: it turns the guest's requests into calls of `task`, `log` and `actions`. Disposal fails everything that
 * is pending or asked for later; the connections belong to whoever serves them.
 */
import type { Readable, Writable } from "node:stream";
import { ActionBoard, type ActionOptions } from "./action-board.ts";
import { type GuestMount, mountDisk, unmountDisk } from "./disk-actions.ts";
import { type GuestFile, openBody, type PutFileOptions, putFile, type TransferOptions } from "./file-actions.ts";
import { type FolderOptions, type GuestFolder, listFolder, openFolder, openFolderByFiles } from "./folder-actions.ts";
import { type GuestCheckpointOptions, GuestCheckpoints } from "./guest-checkpoints.ts";
import { GuestError } from "./guest-errors.ts";
import { agentVersionOf, type GuestMove, isOfLife, withFork } from "./guest-move.ts";
import type { GuestResult } from "./guest-result.ts";
import type { GuestShell, ShellOptions } from "./guest-shell.ts";
import { GuestShells } from "./guest-shells.ts";
import type { GuestTask } from "./guest-task.ts";
import { GuestTaskState } from "./guest-task-state.ts";
import { LogReceiver } from "./log-receiver.ts";
import {
  type ExecCommand,
  type ExecOptions,
  type ExecResult,
  exec,
  type KillOptions,
  killProcess,
  letGo,
} from "./process-actions.ts";

export interface GuestSessionOptions extends GuestCheckpointOptions {
  /** May come later, by {@link GuestSession.setTask}. */
  task?: GuestTask | undefined;
  /** Gets the bytes of the task's log as they come; not ended. When it is full the guest has to wait. */
  log: Writable;
  maxLogBytes?: number | undefined;
  /** The log has reached `maxLogBytes`; what follows is thrown away. */
  onLogLimit?: (() => void) | undefined;
  /**
   * The machine goes on where another one was; then its guest is to be told by {@link WakeLine.move}. As a fork it gets
   * its next task; else the command it has goes on, there is none to hand out, and `resolved` is how that one ended.
   */
  move?: GuestMove | undefined;
}

export class GuestSession implements AsyncDisposable {
  /** For the metadata service of this machine. */
  readonly actions = new ActionBoard();
  /** For the metadata service of this machine. */
  readonly log: LogReceiver;
  /** For the metadata service of this machine. */
  readonly task: GuestTaskState;
  /** For the metadata service of this machine. */
  readonly checkpoints: GuestCheckpoints;
  /** What the guest is to be told by the wake line; undefined: it begins here. */
  readonly move: GuestMove | undefined;
  /** The guest has called home. Rejects if the session is closed before. */
  readonly firstContact: Promise<void>;
  readonly #shells = new GuestShells(this.actions);
  readonly #contact = Promise.withResolvers<void>();
  #agentVersion: string | undefined;
  #contacted = false;

  constructor(options: GuestSessionOptions) {
    const { move } = options;
    const goesOn = move !== undefined && move.fork === undefined ? move : undefined;
    this.move = move;
    this.task = new GuestTaskState({ goesOn });
    this.checkpoints = new GuestCheckpoints(options);
    this.log = new LogReceiver({
      sink: options.log,
      maxBytes: options.maxLogBytes,
      onLimit: options.onLogLimit,
      position: goesOn?.logOffset,
    });
    this.firstContact = this.#contact.promise;
    this.firstContact.catch(() => {});
    if (options.task !== undefined) this.setTask(options.task);
  }

  /** The guest has fetched its task. Rejects if the session is closed before. */
  get started(): Promise<void> {
    return this.task.started;
  }

  /** The guest has said how its task ended; its log has arrived by then. Rejects if the session is closed before. */
  get resolved(): Promise<GuestResult> {
    return this.task.resolved;
  }

  /** Of Boxcar's own agent; undefined before the first contact and for other guest tools. */
  get agentVersion(): string | undefined {
    return this.#agentVersion;
  }

  setTask(task: GuestTask): void {
    this.task.setTask(withFork(task, this.move?.fork));
  }

  /**
   * Has the guest run a command of its task, and resolves with how it ended; its log has arrived by then. If there is
   * to be `more`, the next one may be run after that, in the same machine: what this one left running lives on. Rejects
   * if the session is closed before.
   *
   * @throws {GuestError} `not-supported-by-guest`: other guest tools than Boxcar's agent run one command only.
   */
  async run(task: GuestTask, { more = false }: { more?: boolean } = {}): Promise<GuestResult> {
    if (this.task.hasBegun) this.#requireOwnAgent();
    return this.task.run(withFork(task, this.move?.fork), more);
  }

  /** For the metadata service: whether such a request is of this life of the machine, see {@link GuestMove}. */
  isOfThisLife(headers: Parameters<typeof isOfLife>[1]): boolean {
    return isOfLife(this.move, headers);
  }

  /** For the metadata service: a request came, from tools of that name. */
  noteContact(userAgent: string | undefined): void {
    this.#contacted = true;
    this.#agentVersion ??= agentVersionOf(userAgent);
    this.#contact.resolve();
  }

  /**
   * Opens a file of the guest; a relative path starts in the working directory of the task. So do those below.
   *
   * @throws {GuestError} `file-not-found`, `not-a-file`, `permission-denied`, `file-too-large`, `guest-not-answering`
   */
  async getFile(path: string, options: TransferOptions = {}): Promise<GuestFile> {
    const { stream, sizeBytes } = await openBody(this.actions, { type: "get-artifact", path }, options);
    return { stream, sizeBytes };
  }

  /**
   * Opens a folder of the guest: its regular files, links not followed.
   *
   * @throws {GuestError} `file-not-found`, `not-a-folder`, `guest-not-answering`
   */
  async getFolder(path: string, options: FolderOptions = {}): Promise<GuestFolder> {
    const open = this.#hasOtherTools() ? openFolderByFiles : openFolder;
    return open(this.actions, path, options);
  }

  /** The regular files below a folder of the guest, relative to it. */
  async listFolder(path: string, options: ActionOptions = {}): Promise<string[]> {
    return listFolder(this.actions, path, options);
  }

  /** Writes a file in the guest, at once and as a whole; makes the folders above it. */
  async putFile(path: string, content: Uint8Array | Readable, options: PutFileOptions = {}): Promise<void> {
    this.#requireOwnAgent();
    return putFile(this.actions, path, content, options);
  }

  /**
   * Mounts a disk that was put into the machine, as soon as the guest sees it.
   *
   * @throws {GuestError} `disk-not-found`, `mount-failed`, `guest-io-error`, `not-supported-by-guest`
   */
  async mount(disk: GuestMount, options: ActionOptions = {}): Promise<void> {
    this.#requireOwnAgent();
    return mountDisk(this.actions, disk, options);
  }

  /**
   * Has the guest write all of a disk to it. If somebody still uses the disk it stays mounted, and whoever writes to it
   * waits for ever.
   *
   * @returns whether its file system is whole, and as an orderly end leaves it; if not, it is damaged or as after a
   *   crash, and not worth keeping.
   */
  async unmount(serial: string, options: ActionOptions = {}): Promise<{ clean: boolean }> {
    this.#requireOwnAgent();
    return unmountDisk(this.actions, serial, options);
  }

  /** Runs a command beside the task, and waits for its end. */
  async exec(command: ExecCommand, options: ExecOptions = {}): Promise<ExecResult> {
    this.#requireOwnAgent();
    return exec(this.actions, command, options);
  }

  /**
   * Opens a shell beside the task, or after it. The caller owns it; it ends with the machine at the latest.
   *
   * @throws {GuestError} `too-many-shells`: 32 are open; `not-supported-by-guest`, `guest-not-answering`
   */
  async openShell(options: ShellOptions = {}): Promise<GuestShell> {
    return this.#shells.open(withTask(options, this.task.latest));
  }

  /** How many shells are open, those that begin included. */
  get shellCount(): number {
    return this.#shells.count;
  }

  /**
   * Ends the task: SIGTERM, after the grace SIGKILL, until nothing is left. The result of the command that runs
   * follows; a command that is given later fails without being started.
   */
  async killProcess(options: KillOptions = {}): Promise<{ found: number | undefined; left: number | undefined }> {
    return killProcess(this.actions, options);
  }

  /** Has the command that failed and is held be gone; see {@link GuestResult.held}. */
  async letGo(options: ActionOptions = {}): Promise<void> {
    this.#requireOwnAgent();
    return letGo(this.actions, options);
  }

  /** Fails all that is pending with `reason`. */
  close(reason?: unknown): void {
    const error = reason ?? new GuestError("guest-session-closed", "the machine of this guest was given back");
    this.actions.close(error);
    this.#shells.close(error);
    this.task.close(error);
    this.checkpoints.close(error);
    this.#contact.reject(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #hasOtherTools(): boolean {
    return this.#contacted && this.#agentVersion === undefined;
  }

  #requireOwnAgent(): void {
    if (!this.#hasOtherTools()) return;
    throw new GuestError("not-supported-by-guest", "the guest tools in the image cannot do this; use Boxcar's agent");
  }
}

/** A shell in which the task could be gone on with. The terminal is not that of the task, if it has one. */
function withTask(options: ShellOptions, task: GuestTask | undefined): ShellOptions {
  if (task === undefined) return options;
  const { TERM, ...rest } = task.env;
  const env = options.tty === true || TERM === undefined ? rest : task.env;
  return { ...options, user: options.user ?? task.user, env: { ...env, ...options.env } };
}
