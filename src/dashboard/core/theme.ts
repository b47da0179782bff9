import { effect, signal } from "@preact/signals";
import { applyTheme, storedTheme, storeTheme, THEMES, type Theme } from "./theme-setting.ts";

export const theme = signal<Theme>(storedTheme());

effect(() => applyTheme(theme.value));

export function setTheme(next: Theme): void {
  storeTheme(next);
  theme.value = next;
}

export function nextTheme(): Theme {
  return THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
}
