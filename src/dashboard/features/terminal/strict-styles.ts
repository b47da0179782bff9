/** Styles as the page's content security policy allows them; scripts/strict-styles.ts puts these into xterm.js. */

/** Stands for a `<style>`: its text is that of a style sheet of the page, until it is removed. */
export function createStyleElement(): HTMLElement {
  const sheet = new CSSStyleSheet();
  const element = document.createElement("span");
  element.hidden = true;
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  Object.defineProperties(element, {
    textContent: { set: (text: string) => sheet.replaceSync(text) },
    remove: {
      value: () => {
        document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
        HTMLElement.prototype.remove.call(element);
      },
    },
  });
  return element;
}

/** Like `setAttribute("style", text)`. */
export function setStyle(element: HTMLElement, text: string): void {
  element.style.cssText = text;
}
