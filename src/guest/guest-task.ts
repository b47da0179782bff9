/** What a guest is asked to run. */
export interface GuestTask {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Name or number; the image's default if it is left out. */
  readonly user?: string;
  readonly tty?: boolean;
  readonly runId?: number;
  /** If it fails, it stands still at its end with all that it had, until {@link GuestSession.letGo}. */
  readonly hold?: boolean;
}

/** The same as the guest is told it; where the task is one command there are no further fields. */
export interface GuestCommand extends GuestTask {
  /** Counted from 1; the guest says it again in what it sends for this command. */
  readonly step?: number;
  /** There will be another command, so ask again. */
  readonly more?: true;
  /** Where in the log its output begins; default 0. */
  readonly logStart?: number;
}
