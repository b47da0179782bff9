/**
 * The port to what happens on a queue, as it happens, whoever does it: for those who look at it.
 *
 * Events may be lost, and those of different processes may come in another order than they happened: who needs the truth
 * asks for it, and of two events of one task the one with the later `time` counts.
 */
import type { TaskState } from "./task.ts";

/** A task is in another state, or has another run, than before. */
export interface TaskEvent {
  readonly kind: "task";
  readonly taskId: string;
  readonly state: TaskState;
  /** Of its last run; undefined while it has none. */
  readonly runId?: number;
  /** Name of the task queue. */
  readonly queue: string;
  readonly name?: string;
  /** ISO 8601, by the clock of the queue. */
  readonly time: string;
}

/** A run of a worker is at something else. */
export interface PhaseEvent {
  readonly kind: "phase";
  readonly taskId: string;
  readonly runId: number;
  readonly phase: string;
  readonly workerId: string;
}

/** A worker does something else about new tasks; `gone`: it has ended. */
export interface WorkerEvent {
  readonly kind: "worker";
  readonly workerId: string;
  readonly state: string;
}

/** Images of a worker's store have changed. */
export interface ImageEvent {
  readonly kind: "image";
  readonly workerId: string;
  /** Such as `pulled`, `tagged`, `removed`, `warmed`. */
  readonly change: string;
  /** Name or digest. */
  readonly image: string;
}

/** A machine that stays, on the host of a worker, is another than before. */
export interface MachineEvent {
  readonly kind: "machine";
  readonly workerId: string;
  /** Its id. */
  readonly machine: string;
  readonly change: "made" | "changed" | "removed";
  readonly state: string;
}

export type QueueEvent = TaskEvent | PhaseEvent | WorkerEvent | ImageEvent | MachineEvent;

export interface QueueListener {
  /** Quick, and does not throw. */
  onEvent(event: QueueEvent): void;
  /** Events may have been missed. */
  onGap?(): void;
}

export interface QueueEvents {
  /**
   * Resolves when what happens from now on is told, until the result is disposed.
   *
   * @throws {QueueError}
   */
  watch(listener: QueueListener): Promise<AsyncDisposable>;

  /** Tells everybody who watches, of this process and others. What cannot be told is lost. */
  publish(event: Exclude<QueueEvent, TaskEvent>): void;
}
