/** The sixteen colours of a terminal, with enough contrast on our backgrounds; the rest comes from the page. */
import type { ITheme } from "@xterm/xterm";

const LIGHT: ITheme = {
  ...{ background: "#ffffff", foreground: "#182023", cursor: "#0b6b63", cursorAccent: "#ffffff" },
  selectionBackground: "#bfe5df",
  ...{ black: "#182023", red: "#ad2318", green: "#17653a", yellow: "#7d4d00" },
  ...{ blue: "#1a54a8", magenta: "#86298b", cyan: "#0b6168", white: "#536065" },
  ...{ brightBlack: "#536065", brightRed: "#c0392b", brightGreen: "#1f7a47", brightYellow: "#8f5a00" },
  ...{ brightBlue: "#2563c4", brightMagenta: "#9b3aa0", brightCyan: "#0f727a", brightWhite: "#303b3f" },
};

const DARK: ITheme = {
  ...{ background: "#0b0e0f", foreground: "#e3e9ea", cursor: "#56cfc0", cursorAccent: "#06201d" },
  selectionBackground: "#1d5a53",
  ...{ black: "#66757b", red: "#ff9f96", green: "#86dba5", yellow: "#efc470" },
  ...{ blue: "#93bfff", magenta: "#e7a6ea", cyan: "#7fd8e0", white: "#c9d2d4" },
  ...{ brightBlack: "#9aa8ad", brightRed: "#ffb8b1", brightGreen: "#a4e8bd", brightYellow: "#f7d892" },
  ...{ brightBlue: "#b3d2ff", brightMagenta: "#f0c2f2", brightCyan: "#a5e6ec", brightWhite: "#ffffff" },
};

export function terminalTheme(isDark: boolean): ITheme {
  return isDark ? DARK : LIGHT;
}

const PREFERENCE = matchMedia("(prefers-color-scheme: dark)");

/** Of the page as it is shown now. */
export function isDarkNow(): boolean {
  const chosen = document.documentElement.dataset["theme"];
  return chosen === undefined ? PREFERENCE.matches : chosen === "dark";
}

/** @returns how to stop. */
export function watchDark(listener: (isDark: boolean) => void): () => void {
  const tell = () => listener(isDarkNow());
  const observer = new MutationObserver(tell);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  PREFERENCE.addEventListener("change", tell);
  return () => {
    observer.disconnect();
    PREFERENCE.removeEventListener("change", tell);
  };
}
