/** The serial console of a machine: what it prints when it boots, and a login where its image has one there. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { styled } from "../../ui/styled.tsx";
import { toast } from "../../ui/toasts.tsx";
import type { Mode, OpenSocket } from "../machine/access.ts";
import { Emulator } from "../terminal/emulator.ts";
import { href } from "../terminal/terminal.css";
import { ConsoleConnection, type ConsoleState } from "./console-connection.ts";

interface ConsoleProps {
  /** It is mounted anew for another one. */
  mode: Mode;
  open: OpenSocket;
  /** More buttons. */
  children?: ComponentChildren;
}

export const Console = styled(href, ({ mode, open, children }: ConsoleProps) => {
  const target = useRef<HTMLDivElement>(null);
  const bar = useRef<HTMLDivElement>(null);
  const emulator = useRef<Emulator>(undefined);
  const [state, setState] = useState<ConsoleState>({ kind: "connecting" });
  const [attempt, setAttempt] = useState(1);
  const isControl = mode === "control";

  useEffect(() => {
    if (target.current === null) return undefined;
    let connection: ConsoleConnection | undefined;
    const own = new Emulator({
      ...{ target: target.current, isForScreenReader: false, onResize: () => {} },
      onInput: (bytes) => {
        if (isControl) connection?.write(bytes as Uint8Array<ArrayBuffer>);
      },
      onLeave: () => bar.current?.querySelector<HTMLElement>("button")?.focus(),
    });
    connection = new ConsoleConnection({ open, onOutput: (bytes) => void own.write(bytes) });
    const stop = connection.state.subscribe((next) => {
      setState(next);
      if (next.kind === "broken") void own.write(`\r\n\x1b[2m[${next.message}]\x1b[0m\r\n`);
    });
    emulator.current = own;
    if (isControl) own.focus();
    return () => {
      stop();
      connection?.close();
      own.close();
    };
  }, [open, isControl, attempt]);

  return (
    <section class="shells" aria-label="Serial console of the machine">
      <div class="shells-bar" ref={bar} tabIndex={-1}>
        <span class="console-mode">
          <Icon name={isControl ? "keyboard" : "eye"} />
          {isControl ? "Control" : "View only"}
        </span>
        <span class="quiet-text small" role="status">
          {WORDS[state.kind]}
        </span>
        <div class="actions">
          {children}
          {state.kind === "broken" ? (
            <Button icon="rerun" onPress={() => setAttempt(attempt + 1)}>
              Connect again
            </Button>
          ) : undefined}
          <Button
            icon="copy"
            label="Copy what is selected"
            onPress={async () => {
              await navigator.clipboard.writeText(emulator.current?.selection ?? "");
              toast("Copied.", "success");
            }}
          />
        </div>
      </div>
      <div class="shells-body">
        <section class="shell" ref={target} aria-label="Console" data-takes-keys />
      </div>
      <p class="quiet-text small">
        <kbd>Ctrl</kbd>
        <kbd>Alt</kbd>
        <kbd>Shift</kbd> together give the keyboard back to this page.
      </p>
    </section>
  );
});

const WORDS = { connecting: "connecting …", open: "connected", broken: "not connected" } as const;
