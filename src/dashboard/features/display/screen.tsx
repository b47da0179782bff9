/** A screen with what one does to it: keys, clipboard, full screen. */
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { plural } from "../../core/format.ts";
import { Button } from "../../ui/button.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Menu } from "../../ui/menu.tsx";
import { styled } from "../../ui/styled.tsx";
import type { Mode, OpenSocket } from "../machine/access.ts";
import { useHidden } from "../machine/use-hidden.ts";
import { Clipboard } from "./clipboard.tsx";
import { DisplayConnection } from "./connection.ts";
import { href } from "./display.css";
import { COMBINATIONS, CTRL_ALT_DEL } from "./keysyms.ts";
import { ScreenState } from "./screen-state.tsx";
import { TouchKeyboard } from "./touch-keyboard.tsx";

interface ScreenProps {
  /** It is mounted anew for another one. */
  mode: Mode;
  open: OpenSocket;
  /** Who looks at it now. */
  viewers?: number;
  /** More buttons. */
  children?: ComponentChildren;
}

/** Nobody has looked at it for that long: it is disconnected until somebody does. */
const HIDDEN_MS = 60_000;
const HAS_TOUCH = matchMedia("(pointer: coarse)").matches;

export const Screen = styled(href, ({ mode, open, viewers, children }: ScreenProps) => {
  const frame = useRef<HTMLElement>(null);
  const target = useRef<HTMLDivElement>(null);
  const leave = useRef<HTMLDivElement>(null);
  const [connection, setConnection] = useState<DisplayConnection>();
  const [received, setReceived] = useState("");
  const [panel, setPanel] = useState<"clipboard" | "keyboard">();
  const isControl = mode === "control";

  useEffect(() => {
    if (target.current === null) return undefined;
    const own = new DisplayConnection({ target: target.current, mode, open, onClipboard: setReceived });
    setConnection(own);
    return () => own.close();
  }, [mode, open]);
  useHidden(
    HIDDEN_MS,
    useCallback(() => connection?.pause(), [connection]),
    useCallback(() => connection?.resume(), [connection]),
  );

  const isConnected = connection?.state.value.kind === "connected";
  const toggle = (name: "clipboard" | "keyboard") => setPanel(panel === name ? undefined : name);
  return (
    <section class="screen" ref={frame} aria-label="Screen of the machine">
      <div class="screen-bar" ref={leave} tabIndex={-1}>
        <span class="screen-mode">
          <Icon name={isControl ? "keyboard" : "eye"} />
          {isControl ? "Control" : "View only"}
        </span>
        {viewers === undefined ? undefined : <span class="quiet-text small">{plural(viewers, "viewer")}</span>}
        <div class="actions">
          {children}
          {isControl ? (
            <>
              <Button isDisabled={!isConnected} onPress={() => connection?.press(CTRL_ALT_DEL.keys)}>
                Ctrl-Alt-Del
              </Button>
              <Menu
                label="Send keys"
                icon="dots"
                items={COMBINATIONS.map(({ label, keys }) => ({
                  label,
                  onPress: () => {
                    connection?.press(keys);
                    connection?.focus();
                  },
                }))}
              />
              {HAS_TOUCH ? (
                <Button
                  icon="keyboard"
                  label="On-screen keyboard"
                  isPressed={panel === "keyboard"}
                  onPress={() => toggle("keyboard")}
                />
              ) : undefined}
              <Button
                icon="clipboard"
                label="Clipboard"
                isPressed={panel === "clipboard"}
                onPress={() => toggle("clipboard")}
              />
            </>
          ) : undefined}
          <Button icon="expand" label="Full screen" onPress={() => toggleFullScreen(frame.current)} />
        </div>
      </div>
      {panel === "clipboard" && connection !== undefined ? (
        <Clipboard received={received} onSend={(text) => connection.sendClipboard(text)} />
      ) : undefined}
      {panel === "keyboard" && connection !== undefined ? (
        <TouchKeyboard onType={(keys) => connection.type(keys)} />
      ) : undefined}
      <div class="screen-body">
        <div
          class="screen-target"
          ref={target}
          data-takes-keys
          data-state={connection?.state.value.kind}
          onKeyDownCapture={(event) => {
            if (!(event.ctrlKey && event.altKey && event.shiftKey)) return;
            connection?.blur();
            leave.current?.focus();
          }}
        />
        {connection === undefined ? undefined : <ScreenState connection={connection} />}
      </div>
      {isControl ? (
        <p class="quiet-text small screen-hint">
          Click into the screen to type. <kbd>Ctrl</kbd>
          <kbd>Alt</kbd>
          <kbd>Shift</kbd> together give the keyboard back to this page.
        </p>
      ) : undefined}
    </section>
  );
});

async function toggleFullScreen(frame: HTMLElement | null): Promise<void> {
  if (document.fullscreenElement === null) await frame?.requestFullscreen();
  else await document.exitFullscreen();
}
