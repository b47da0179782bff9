/**
 * The records of all machines of a host, shared by processes any of which may be killed at any point.
 *
 *   <id>/record.json   replaced as a whole, and on the disk before anybody is told
 *   <id>/…             what the backend keeps of the machine
 *   names/<name>       a link to the id; made after the record, removed before it
 *   locks/<id>         who may change the machine: its supervisor while it runs, else the command that is at it
 *
 * A machine whose record is being made or removed, and whose lock nobody has, was left by a dead process: what is left
 * of it is removed. *Owns* nothing; locks belong to who acquired them.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, readlink, rename, rm, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../base/errors.ts";
import type { VmRecord } from "../generated/vm-record.ts";
import { ignoreMissing, syncDirectory, writeDurably } from "../host/durable-file.ts";
import { FileLocks } from "../host/file-locks.ts";
import type { Owner } from "../host/owner.ts";
import { requirePrivate } from "../host/private-directory.ts";
import { VmError } from "./errors.ts";
import { formatRecord, parseRecord } from "./record.ts";
import { called, isVmId, requireVmName } from "./refs.ts";
import { repair } from "./states.ts";

const RECORD = "record.json";
const NEW_RECORD = "record.new";
const ID_BYTES = 6;
const NAMES_LOCK = "names";

/** A record, and whether somebody alive has the machine. */
export interface VmEntry {
  readonly record: VmRecord;
  /** Its supervisor, or a command that is changing it. */
  readonly holder: Owner | undefined;
}

export class VmIndex {
  readonly directory: string;
  readonly #locks: FileLocks;

  private constructor(directory: string) {
    this.directory = directory;
    this.#locks = new FileLocks(join(directory, "locks"));
  }

  /**
   * @param directory Absolute path; made if it is not there, for its owner only.
   * @throws {WorkerError} `directory-not-private`
   */
  static async open(directory: string): Promise<VmIndex> {
    for (const name of ["names", "locks"]) await mkdir(join(directory, name), { recursive: true, mode: 0o700 });
    await requirePrivate(directory);
    return new VmIndex(directory);
  }

  /** The machine's own folder. */
  folderOf(id: string): string {
    return join(this.directory, id);
  }

  /** Every machine, the oldest first. Records that cannot be read are left out. */
  async list(): Promise<VmEntry[]> {
    const entries: VmEntry[] = [];
    for (const id of await this.#ids()) {
      const record = await this.tryRead(id).catch((error: unknown) => {
        if (codeOf(error) === "vm-record-broken") return undefined;
        throw error;
      });
      if (record !== undefined) entries.push({ record, holder: await this.holder(id) });
    }
    return entries.sort((a, b) => (a.record.created < b.record.created ? -1 : 1));
  }

  /** Undefined: there is no such machine. @throws {VmError} `vm-record-broken` */
  async tryRead(id: string): Promise<VmRecord | undefined> {
    const text = await readFile(join(this.folderOf(id), RECORD), "utf8").catch(ignoreMissing);
    return text === undefined ? undefined : parseRecord(text, id);
  }

  /** Who has the machine now. */
  async holder(id: string): Promise<Owner | undefined> {
    return await this.#locks.holder(id);
  }

  /** Waits until nobody else makes, or starts, one: for what is decided by all of them. @throws `signal.reason` */
  async acquireTurn(to: "make" | "start", signal?: AbortSignal): Promise<AsyncDisposable> {
    return await this.#locks.acquire(`to-${to}`, { signal });
  }

  /**
   * The right to change a machine, whose record is right then: what a dead process has left is put right first.
   *
   * @throws {VmError} `vm-busy`: somebody else has it; `vm-not-found`: it is gone.
   */
  async lock(id: string): Promise<VmLock> {
    const lock = await this.#locks.tryAcquire(id);
    if (lock === undefined) throw await this.#busy(id);
    try {
      const record = await this.#putRight(id);
      if (record !== undefined) return this.#locked(record, lock);
      throw new VmError("vm-not-found", `there is no machine ${id} any more`);
    } catch (error) {
      await lock[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * A new machine, in the state `creating`: its folder, its record, its name. Whoever gets it makes the rest, or removes
   * it again.
   *
   * @throws {VmError} `vm-name-taken`, `vm-name-invalid`; nothing is left then.
   */
  async create(draft: (id: string, folder: string) => VmRecord): Promise<VmLock> {
    const id = randomBytes(ID_BYTES).toString("hex");
    const record = draft(id, this.folderOf(id));
    if (record.name !== undefined) requireVmName(record.name);
    const lock = await this.#locks.tryAcquire(id);
    if (lock === undefined) throw await this.#busy(id);
    try {
      await mkdir(this.folderOf(id), { mode: 0o700 });
      await this.#write(record);
      if (record.name !== undefined) await this.#takeName(record.name, id);
      return this.#locked(record, lock);
    } catch (error) {
      await this.#removeFolder(id);
      await lock[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Puts right what dead processes have left; machines that somebody has are left alone.
   *
   * @returns what was done, in the order it was done.
   */
  async reclaim(): Promise<{ id: string; done: "removed" | "stopped" }[]> {
    const done: { id: string; done: "removed" | "stopped" }[] = [];
    for (const id of await this.#ids()) {
      const before = await this.tryRead(id).catch(() => null);
      // Nobody knows what a record means that cannot be read; what there is of it may still be wanted.
      if (before === null || (before !== undefined && repair(before, new Date()).kind === "none")) continue;
      await using lock = await this.#locks.tryAcquire(id);
      if (lock === undefined) continue;
      const record = await this.#putRight(id);
      done.push({ id, done: record === undefined ? "removed" : "stopped" });
    }
    for (const name of await readdir(join(this.directory, "locks"))) await this.#locks.reclaim(name);
    return done;
  }

  /** Under the lock. Undefined: nothing is left of it. */
  async #putRight(id: string): Promise<VmRecord | undefined> {
    const record = await this.tryRead(id);
    if (record === undefined) {
      await this.#removeFolder(id);
      return undefined;
    }
    const what = repair(record, new Date());
    switch (what.kind) {
      case "none":
        return record;
      case "write":
        await this.#write(what.record);
        return what.record;
      case "remove":
        await this.#remove(record);
        return undefined;
    }
  }

  #locked(record: VmRecord, lock: AsyncDisposable): VmLock {
    return new VmLock(record, {
      write: (next) => this.#write(next),
      remove: (last) => this.#remove(last),
      release: () => Promise.resolve(lock[Symbol.asyncDispose]()),
    });
  }

  async #write(record: VmRecord): Promise<void> {
    const folder = this.folderOf(record.id);
    const part = join(folder, NEW_RECORD);
    await rm(part, { force: true });
    await writeDurably(part, formatRecord(record));
    await rename(part, join(folder, RECORD));
    await syncDirectory(folder);
  }

  /** Files before the record, so that whatever interrupts it, somebody can go on. */
  async #remove(record: VmRecord): Promise<void> {
    const { id, name, runDirectory } = record;
    if (record.removing !== true) await this.#write({ ...record, removing: true });
    if (name !== undefined) await this.#giveName(name, id);
    await rm(runDirectory, { recursive: true, force: true });
    const folder = this.folderOf(id);
    for (const file of await readdir(folder)) {
      if (file !== RECORD) await rm(join(folder, file), { recursive: true, force: true });
    }
    await this.#removeFolder(id);
  }

  async #removeFolder(id: string): Promise<void> {
    await rm(this.folderOf(id), { recursive: true, force: true });
    await syncDirectory(this.directory);
  }

  async #takeName(name: string, id: string): Promise<void> {
    await using _names = await this.#locks.acquire(NAMES_LOCK);
    const link = join(this.directory, "names", name);
    for (;;) {
      try {
        await symlink(id, link);
        return await syncDirectory(join(this.directory, "names"));
      } catch (error) {
        if (codeOf(error) !== "EEXIST") throw error;
      }
      await this.#requireDead(name, await readlink(link));
      await unlink(link);
    }
  }

  /** @throws {VmError} `vm-name-taken` */
  async #requireDead(name: string, holderId: string): Promise<void> {
    // Before the record: who is at it may complete it, and let go of it, at any moment.
    const isHeld = (await this.holder(holderId)) !== undefined;
    const record = await this.tryRead(holderId).catch(() => null);
    if (record === undefined) return;
    const isLeft = record !== null && repair(record, new Date()).kind === "remove";
    // What a dead process has left is removed by the next reclaim; its name is free already.
    if (isLeft && !isHeld) return;
    const whose = `the machine ${holderId} has it`;
    throw new VmError("vm-name-taken", `the name ${name} is taken: ${whose}; "boxcar vm rm ${name}" removes that`);
  }

  /** Who has it in the meantime keeps it. */
  async #giveName(name: string, id: string): Promise<void> {
    await using _names = await this.#locks.acquire(NAMES_LOCK);
    const link = join(this.directory, "names", name);
    if ((await readlink(link).catch(ignoreMissing)) === id) await unlink(link);
  }

  async #ids(): Promise<string[]> {
    return (await readdir(this.directory)).filter(isVmId);
  }

  async #busy(id: string): Promise<VmError> {
    const [record, holder] = await Promise.all([this.tryRead(id).catch(() => undefined), this.holder(id)]);
    const name = called(record ?? { id });
    const who = holder === undefined ? "another command" : `another process (${holder.pid})`;
    return new VmError("vm-busy", `${who} is changing the machine ${name} at the moment; try again`);
  }
}

interface LockMeans {
  write(record: VmRecord): Promise<void>;
  remove(record: VmRecord): Promise<void>;
  release(): Promise<void>;
}

/** The right to change one machine. *Owns* its lock. */
export class VmLock implements AsyncDisposable {
  #record: VmRecord;
  readonly #means: LockMeans;

  constructor(record: VmRecord, means: LockMeans) {
    this.#record = record;
    this.#means = means;
  }

  /** As it is on the disk. */
  get record(): VmRecord {
    return this.#record;
  }

  /** Resolves when the disk has it. */
  async write(record: VmRecord): Promise<void> {
    await this.#means.write(record);
    this.#record = record;
  }

  /** Removes the machine with all its files; only the lock is left. */
  async remove(): Promise<void> {
    await this.#means.remove(this.#record);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#means.release();
  }
}
