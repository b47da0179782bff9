/**
 * A machine that goes on somewhere else: as a copy of another one, or with another host.
 *
 * Its agent is told by the wake line. Until it has heard of it, what it says belongs to the life before, of which this
 * host knows nothing: so every life has a name, and the agent says it with all it asks.
 */
import { randomBytes } from "node:crypto";
import type { GuestTask } from "./guest-task.ts";

/** One of several copies of a machine, each of which runs another command. */
export interface GuestFork {
  /** The name of the checkpoint it was made from. */
  readonly checkpoint: string;
  /** Counted from 0. */
  readonly index: number;
  readonly count: number;
}

export interface GuestMove {
  /** Letters, digits, "-" and "_", at most 64. */
  readonly life: string;
  /** The command that ran is killed, and forgotten; the agent asks for the next. Default: it goes on. */
  readonly fork?: GuestFork | undefined;
  /** Where it goes on: what the guest is asked to describe its shells by. Not for a fork. */
  readonly task?: GuestTask | undefined;
  /** What comes before that position in the log is not asked for again; default 0. Not for a fork. */
  readonly logOffset?: number | undefined;
  /** The checkpoint it goes on from: who asked for that is told that it is there. Not for a fork. */
  readonly checkpoint?: string | undefined;
}

/** A life nobody had before. */
export function createMove(move: Omit<GuestMove, "life"> = {}): GuestMove {
  return { ...move, life: randomBytes(16).toString("hex") };
}

/** The task as each fork gets it: what the environment says of the fork the task cannot change. */
export function withFork(task: GuestTask, fork: GuestFork | undefined): GuestTask {
  if (fork === undefined) return task;
  const env = {
    ...task.env,
    BOXCAR_FORK_INDEX: String(fork.index),
    BOXCAR_FORK_COUNT: String(fork.count),
    BOXCAR_CHECKPOINT: fork.checkpoint,
  };
  return { ...task, env };
}

const AGENT_NAME = /^boxcar-agent\/([\w.+-]{1,64})$/;

/** The version of Boxcar's agent by the name it gives itself; undefined for other guest tools. */
export function agentVersionOf(userAgent: string | undefined): string | undefined {
  return AGENT_NAME.exec(userAgent ?? "")?.[1];
}

/**
 * Whether a request is of this life of the machine. Other guest tools know of no lives: where their task goes on there
 * is nothing to confuse.
 */
export function isOfLife(
  move: GuestMove | undefined,
  headers: { readonly "user-agent"?: string | undefined; readonly "x-boxcar-life"?: string | string[] | undefined },
): boolean {
  if (move === undefined || headers["x-boxcar-life"] === move.life) return true;
  return move.fork === undefined && agentVersionOf(headers["user-agent"]) === undefined;
}
