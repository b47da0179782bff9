/** Package sources of one release, made from those of another. Pure. */

const SUITES_FIELD = /^Suites:.*(?:\n[ \t].*)*/gim;
const SUITE_OF_LINE = /^([ \t]*deb(?:-src)?[ \t]+(?:\[[^\]\n]*\][ \t]+)?\S+[ \t]+)(\S+)/gm;

/**
 * @param text A file of apt, in either format.
 * @returns undefined: it does not name the release it is for.
 */
export function sourcesOfRelease(text: string, from: string, to: string): string | undefined {
  const suite = new RegExp(`(?<![^\\s:])${from}(?=$|[-/\\s])`, "gm");
  const found = { any: false };
  const renamed = (suites: string) =>
    suites.replaceAll(suite, () => {
      found.any = true;
      return to;
    });
  const result = text
    .replaceAll(SUITES_FIELD, renamed)
    .replaceAll(SUITE_OF_LINE, (_line, before: string, name: string) => before + renamed(name));
  return found.any ? result : undefined;
}
