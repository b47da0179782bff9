import { now } from "../../core/clock.ts";
import { formatSeconds } from "../../core/format.ts";
import { Button } from "../../ui/button.tsx";
import { Icon, type IconName } from "../../ui/icon.tsx";
import type { DisplayConnection, DisplayState } from "./connection.ts";

/** Over the screen, while there is none. */
export function ScreenState({ connection }: { connection: DisplayConnection }) {
  const state = connection.state.value;
  if (state.kind === "connected") return null;
  const { icon, title, text } = describe(state);
  return (
    <div class="screen-state" role="status">
      <Icon name={icon} />
      <p>{title}</p>
      {text === undefined ? undefined : <p class="quiet-text small">{text}</p>}
      {state.kind === "connecting" || !canRetry(state) ? undefined : (
        <Button icon="rerun" onPress={() => connection.retry()}>
          Connect now
        </Button>
      )}
    </div>
  );
}

function canRetry(state: DisplayState): boolean {
  return !(state.kind === "ended" && state.status === 410);
}

function describe(state: Exclude<DisplayState, { kind: "connected" }>): {
  icon: IconName;
  title: string;
  text?: string;
} {
  switch (state.kind) {
    case "paused":
      return { icon: "pause", title: "Paused", text: "Nobody was looking at this page." };
    case "waiting":
      return { icon: "clock", title: "The connection is broken", text: `The next attempt is ${soon(state.untilMs)}.` };
    case "ended":
      return { icon: "ban", title: titleOf(state.status), text: state.message };
    default:
      return { icon: "screen", title: "Connecting …" };
  }
}

function soon(untilMs: number): string {
  // Read for the signal: it is drawn again every second.
  void now.value;
  const waitMs = untilMs - Date.now();
  return waitMs < 1_000 ? "now" : `in ${formatSeconds(waitMs)}`;
}

function titleOf(status: number): string {
  if (status === 410) return "This link has been used, or has expired";
  if (status === 403) return "You may not do that";
  if (status === 404 || status === 409) return "The machine is not there";
  return "There is no picture";
}
