/** Short messages that go by themselves; read aloud as they come. */
import { signal } from "@preact/signals";
import { Icon } from "./icon.tsx";

type Kind = "info" | "success" | "error";

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly kind: Kind;
}

const SHOWN_MS = 6_000;
const ERROR_SHOWN_MS = 12_000;
const MOST = 4;

const toasts = signal<readonly Toast[]>([]);
let count = 0;

export function toast(text: string, kind: Kind = "info"): void {
  const id = count++;
  toasts.value = [...toasts.value.slice(1 - MOST), { id, text, kind }];
  setTimeout(() => dismiss(id), kind === "error" ? ERROR_SHOWN_MS : SHOWN_MS);
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id);
}

export function Toasts() {
  return (
    <section class="toasts" aria-live="polite" aria-label="Messages">
      {toasts.value.map(({ id, text, kind }) => (
        <div key={id} class={`toast ${kind}`}>
          <Icon name={kind === "error" ? "warning" : kind === "success" ? "check" : "clock"} />
          <p>{text}</p>
          <button type="button" class="button quiet icon-only" aria-label="Dismiss" onClick={() => dismiss(id)}>
            <Icon name="cross" />
          </button>
        </div>
      ))}
    </section>
  );
}
