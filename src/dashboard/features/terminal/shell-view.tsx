import { useEffect, useRef } from "preact/hooks";
import { toast } from "../../ui/toasts.tsx";
import type { OpenSocket } from "../machine/access.ts";
import { Emulator } from "./emulator.ts";
import { ShellConnection, type ShellState } from "./shell-connection.ts";

/** What the bar above a shell does with it. */
export interface ShellHandle {
  readonly copy: () => Promise<void>;
  readonly paste: () => Promise<void>;
  readonly focus: () => void;
}

interface ShellViewProps {
  open: OpenSocket;
  label: string;
  isShown: boolean;
  isForScreenReader: boolean;
  onState: (state: ShellState) => void;
  onHandle: (handle: ShellHandle) => void;
  onLeave: () => void;
}

/** One shell; it lives as long as this is mounted, shown or not. */
export function ShellView({ open, label, isShown, isForScreenReader, onState, onHandle, onLeave }: ShellViewProps) {
  const target = useRef<HTMLDivElement>(null);
  const emulator = useRef<Emulator>(undefined);
  const listeners = useRef({ onState, onHandle, onLeave });
  listeners.current = { onState, onHandle, onLeave };

  useEffect(() => {
    if (target.current === null) return undefined;
    let shell: ShellConnection | undefined;
    const own = new Emulator({
      ...{ target: target.current, isForScreenReader },
      onInput: (bytes) => {
        if (shell?.write(bytes) === false) toast("The shell does not read: what was typed or pasted is lost.", "error");
      },
      onResize: (size) => shell?.resize(size),
      onLeave: () => listeners.current.onLeave(),
    });
    shell = new ShellConnection(own.size, { open, onOutput: (bytes) => own.write(bytes) });
    const stop = shell.state.subscribe((state) => {
      listeners.current.onState(state);
      const last = lastLine(state);
      if (last !== undefined) void own.write(`\r\n\x1b[2m${last}\x1b[0m\r\n`);
    });
    emulator.current = own;
    listeners.current.onHandle({
      copy: () => navigator.clipboard.writeText(own.selection),
      paste: async () => own.paste(await navigator.clipboard.readText()),
      focus: () => own.focus(),
    });
    own.focus();
    return () => {
      stop();
      shell?.close();
      own.close();
    };
  }, [open]);
  useEffect(() => emulator.current?.setScreenReader(isForScreenReader), [isForScreenReader]);
  useEffect(() => {
    if (isShown) emulator.current?.focus();
  }, [isShown]);
  return <section class="shell" ref={target} hidden={!isShown} aria-label={label} data-takes-keys />;
}

function lastLine(state: ShellState): string | undefined {
  if (state.kind === "exited") return state.success ? "[the shell has ended]" : "[the shell has ended with an error]";
  return state.kind === "broken" ? `[${state.message}]` : undefined;
}
