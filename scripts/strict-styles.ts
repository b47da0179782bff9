/**
 * xterm.js puts styles into the page as text, which the page's content security policy forbids. In the bundle it has a
 * constructed style sheet instead of each `<style>`, and sets the styles of an element one by one.
 */
import { fileURLToPath } from "node:url";
import type { Plugin } from "rolldown";

const LIBRARY = /\/@xterm\/xterm\/lib\/xterm\.mjs$/;
const HELPER = fileURLToPath(new URL("../src/dashboard/features/terminal/strict-styles.ts", import.meta.url));
/** What is replaced, and how often it is there: another version of the library must be looked at again. */
const CHANGES = [
  { from: /[\w.]+\.createElement\("style"\)/g, to: "createStyleElement()", count: 3 },
  { from: /(\w+)\.setAttribute\("style",/g, to: "setStyle($1,", count: 1 },
] as const;

export function strictStyles(): Plugin {
  return {
    name: "strict-styles",
    transform(code, id) {
      if (!LIBRARY.test(id)) return undefined;
      const changed = CHANGES.reduce((text, { from, to, count }) => {
        const found = text.match(from)?.length ?? 0;
        if (found !== count)
          throw new Error(`${from} is ${found} times in ${id}, not ${count} times: check its styles`);
        return text.replaceAll(from, to);
      }, code);
      return { code: `import { createStyleElement, setStyle } from ${JSON.stringify(HELPER)};\n${changed}`, map: null };
    },
  };
}
