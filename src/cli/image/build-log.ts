/** What a build tells the person who waits for it: its stages and how long they took, and the log of its machine. */
import { formatDuration } from "../../base/units.ts";
import type { BuildReport } from "../../builder/build-context.ts";
import type { ProgressBar } from "../progress-bar.ts";

export class BuildLog implements BuildReport {
  readonly #name: string;
  readonly #bar: ProgressBar;
  readonly #isVerbose: boolean;
  readonly #now: () => number;
  readonly #begin: number;
  #stage: { text: string; begin: number } | undefined;

  constructor(name: string, bar: ProgressBar, isVerbose: boolean, now: () => number = () => performance.now()) {
    this.#name = name;
    this.#bar = bar;
    this.#isVerbose = isVerbose;
    this.#now = now;
    this.#begin = now();
  }

  stage(text: string): void {
    const before = this.#endStage();
    this.#stage = { text, begin: this.#now() };
    this.#bar.say(`${this.#name}: ${text}${before}`);
  }

  progress(doneBytes: number, totalBytes: number | undefined): void {
    this.#bar.show(this.#stage?.text ?? this.#name, { doneBytes, totalBytes });
  }

  line(text: string): void {
    this.#bar.say(`  ${text}`);
  }

  detail(text: string): void {
    if (this.#isVerbose) this.line(text);
  }

  note(text: string): void {
    this.#bar.say(text);
  }

  /** @param result What has come out. */
  end(result: string): void {
    const before = this.#endStage();
    this.#bar.say(`${this.#name}: done in ${formatDuration(this.#now() - this.#begin)}${before}, ${result}`);
  }

  /** What is said of the stage that is over. */
  #endStage(): string {
    const stage = this.#stage;
    this.#stage = undefined;
    return stage === undefined ? "" : ` (${stage.text}: ${formatDuration(this.#now() - stage.begin)})`;
  }
}
