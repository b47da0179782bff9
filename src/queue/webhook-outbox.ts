/**
 * The port to messages about tasks that are to be sent: written by the queue in the very step in which a task changes,
 * and kept until they are settled.
 *
 *   written ──take()──▶ taken, for a while ──settle()──▶ over
 *      ▲                   └── nobody settled it in time, or it is to be sent again ──┘
 *
 * Any number of workers take messages of one hook; each message is one worker's at a time.
 */
import type { Run, TaskState } from "./task.ts";

export interface Hook {
  /** The same for the same address and task queue, whoever says so. */
  readonly id: string;
  readonly url: string;
  /** Such as `task.failed`. */
  readonly events: readonly string[];
  /** Undefined: every task queue. */
  readonly queue: string | undefined;
}

export interface HookMessage {
  readonly hook: string;
  readonly taskId: string;
  readonly runId: number;
  readonly state: TaskState;
  readonly queue: string;
  readonly name: string | undefined;
  /** As it was then. */
  readonly run: Run | undefined;
  /** When it happened. */
  readonly time: Date;
  /** This one counted. */
  readonly attempt: number;
  /** Since the first attempt. */
  readonly triedForMs: number;
}

export interface WebhookOutbox {
  /** From now on there are messages for these hooks; those that were disabled are no more. @throws {QueueError} */
  register(hooks: readonly Hook[]): Promise<void>;
  /** Somebody still sends what is for them; hooks that nobody names for a week are forgotten. @throws {QueueError} */
  keep(ids: readonly string[]): Promise<void>;
  /** What is due, the longest due first; it is due again after `leaseMs`. @throws {QueueError} */
  take(hook: string, count: number, leaseMs: number): Promise<HookMessage[]>;
  /**
   * Says what came of an attempt; nothing happens where the message is somebody else's by now.
   *
   * @param againInMs Undefined: it is over.
   * @throws {QueueError}
   */
  settle(message: HookMessage, againInMs?: number): Promise<void>;
  /** There are no messages for it until it is registered again, and those that wait are dropped. @throws {QueueError} */
  disable(hook: string): Promise<void>;
}
