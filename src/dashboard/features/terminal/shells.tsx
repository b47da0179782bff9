/** Shells in one machine, each with a tab. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { styled } from "../../ui/styled.tsx";
import { toast } from "../../ui/toasts.tsx";
import type { OpenSocket } from "../machine/access.ts";
import type { ShellState } from "./shell-connection.ts";
import { type ShellHandle, ShellView } from "./shell-view.tsx";
import { href } from "./terminal.css";

interface ShellsProps {
  open: OpenSocket;
  /** One shell only, that of a link. */
  isSingle?: boolean;
}

interface Shell {
  readonly id: number;
  readonly state: ShellState;
}

const MAX_SHELLS = 8;
const SETTING = "boxcar.screen-reader";

export const Shells = styled(href, ({ open, isSingle = false }: ShellsProps) => {
  const [shells, setShells] = useState<readonly Shell[]>([{ id: 1, state: { kind: "connecting" } }]);
  const [current, setCurrent] = useState(1);
  const [isForScreenReader, setForScreenReader] = useState(readSetting);
  const handles = useMemo(() => new Map<number, ShellHandle>(), []);
  const bar = useRef<HTMLDivElement>(null);
  const shown = shells.find(({ id }) => id === current);

  const add = () => {
    const id = Math.max(0, ...shells.map((shell) => shell.id)) + 1;
    setShells([...shells, { id, state: { kind: "connecting" } }]);
    setCurrent(id);
  };
  const remove = (id: number) => {
    const rest = shells.filter((shell) => shell.id !== id);
    handles.delete(id);
    setShells(rest);
    if (id === current) setCurrent(rest.at(-1)?.id ?? 0);
  };
  useEffect(() => storeSetting(isForScreenReader), [isForScreenReader]);

  return (
    <section class="shells" aria-label="Shells in the machine">
      <div class="shells-bar" ref={bar} tabIndex={-1}>
        {isSingle ? undefined : (
          <ul class="shell-tabs" aria-label="Shells">
            {shells.map(({ id, state }) => (
              <li key={id} class={id === current ? "current" : undefined}>
                <button type="button" aria-pressed={id === current} onClick={() => setCurrent(id)}>
                  <span class={`dot ${state.kind}`} aria-hidden="true" />
                  Shell {id}
                  <span class="visually-hidden">, {words(state)}</span>
                </button>
                <Button kind="quiet" icon="cross" label={`Close shell ${id}`} onPress={() => remove(id)} />
              </li>
            ))}
          </ul>
        )}
        {isSingle ? undefined : (
          <Button icon="plus" isDisabled={shells.length >= MAX_SHELLS} onPress={add}>
            New shell
          </Button>
        )}
        <span class="quiet-text small" role="status">
          {shown === undefined ? "" : words(shown.state)}
        </span>
        <div class="actions">
          <Button
            icon="copy"
            label="Copy what is selected"
            onPress={async () => {
              await handles.get(current)?.copy();
              toast("Copied.", "success");
            }}
          />
          <Button icon="clipboard" label="Paste" onPress={() => handles.get(current)?.paste()} />
          <Button
            icon="eye"
            label="For screen readers"
            isPressed={isForScreenReader}
            onPress={() => setForScreenReader(!isForScreenReader)}
          />
        </div>
      </div>
      <div class="shells-body">
        {shells.map(({ id }) => (
          <ShellView
            key={id}
            label={`Shell ${id}`}
            open={open}
            isShown={id === current}
            isForScreenReader={isForScreenReader}
            onState={(state) => setShells((all) => all.map((one) => (one.id === id ? { id, state } : one)))}
            onHandle={(handle) => handles.set(id, handle)}
            onLeave={() => bar.current?.querySelector<HTMLElement>("button")?.focus()}
          />
        ))}
        {shells.length === 0 ? (
          <div class="shells-none">
            <Icon name="terminal" />
            <p>No shell is open.</p>
          </div>
        ) : undefined}
      </div>
      <p class="quiet-text small">
        <kbd>Ctrl</kbd>
        <kbd>Shift</kbd>
        <kbd>C</kbd> copies. <kbd>Ctrl</kbd>
        <kbd>Alt</kbd>
        <kbd>Shift</kbd> together give the keyboard back to this page.
      </p>
    </section>
  );
});

function words(state: ShellState): string {
  switch (state.kind) {
    case "exited":
      return state.success ? "has ended" : "has ended with an error";
    case "broken":
      return "not connected";
    case "open":
      return "connected";
    default:
      return "connecting …";
  }
}

function readSetting(): boolean {
  try {
    return localStorage.getItem(SETTING) === "on";
  } catch {
    return false;
  }
}

function storeSetting(isOn: boolean): void {
  try {
    if (isOn) localStorage.setItem(SETTING, "on");
    else localStorage.removeItem(SETTING);
  } catch {}
}
