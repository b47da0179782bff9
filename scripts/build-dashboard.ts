/**
 * Builds the dashboard, src/dashboard/, into dist/dashboard/:
 *
 *   index.html           the page: names the files of the first load
 *   manifest.json        every file that may be asked for; src/web/dashboard-files.ts serves these and nothing else
 *   assets/NAME-HASH.EXT scripts and style sheets, one chunk a page, each also packed as .br and .gz
 *   LICENCES.txt         of the packages that are in the bundle
 *
 * What an earlier build made is left for a day: a page that is open now may still load it.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { bundle as bundleCss } from "lightningcss";
import { type OutputChunk, type Plugin, rolldown } from "rolldown";
import { PAGES } from "../src/dashboard/core/routes.ts";
import { BuildFolder } from "./build-folder.ts";
import { licencesOf } from "./bundle-licences.ts";
import { strictStyles } from "./strict-styles.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const SOURCE = join(ROOT, "src/dashboard");
const TARGET = join(ROOT, "dist/dashboard");
/** Below that a packed file saves less than its header costs. */
const MIN_PACKED_BYTES = 512;

const folder = new BuildFolder(TARGET);

interface Built {
  readonly name: string;
  readonly content: string;
}

async function buildScripts(): Promise<{ chunks: OutputChunk[]; styles: Built[] }> {
  const styles = new Map<string, Built>();
  const build = await rolldown({
    cwd: ROOT,
    input: { main: join(SOURCE, "main.tsx") },
    platform: "browser",
    tsconfig: join(SOURCE, "tsconfig.json"),
    plugins: [styleSheets(styles), strictStyles()],
  });
  const { output } = await build.generate({
    format: "esm",
    minify: true,
    // What nearly every page needs is one file, and not a file for each few that share something.
    codeSplitting: { groups: [{ name: "base", test: /\/dashboard\/(?:core|ui)\/|\/node_modules\/@?preact\// }] },
    entryFileNames: "assets/[name]-[hash].js",
    chunkFileNames: "assets/[name]-[hash].js",
  });
  await build.close();
  return { chunks: output.filter((file) => file.type === "chunk"), styles: [...styles.values()] };
}

/** Runs before the page is drawn, so that it does not flash in the wrong colours. */
async function buildTheme(): Promise<Built> {
  const build = await rolldown({ cwd: ROOT, input: join(SOURCE, "theme-boot.ts"), platform: "browser" });
  const { output } = await build.generate({ format: "iife", minify: true });
  await build.close();
  return hashed("theme.js", output[0].code);
}

/** An import of a style sheet gives the path of the finished file. */
function styleSheets(styles: Map<string, Built>): Plugin {
  return {
    name: "style-sheets",
    load(id) {
      if (!id.endsWith(".css")) return undefined;
      const style = buildStyle(id);
      styles.set(id, style);
      return { code: `export const href = ${JSON.stringify(`/${style.name}`)};`, moduleType: "js" };
    },
  };
}

/** With everything it imports. */
function buildStyle(file: string): Built {
  const { code } = bundleCss({ filename: file, minify: true });
  return hashed(basename(file), code.toString());
}

function hashed(name: string, content: string): Built {
  const hash = createHash("sha256").update(content).digest("base64url").slice(0, 8);
  const [, stem, extension] = /^(.*)(\.[^.]+)$/.exec(name) ?? ["", name, ""];
  return { name: `assets/${stem}-${hash}${extension}`, content };
}

/** The entry and what it imports at once; the rest is loaded by the pages that need it. */
function firstLoad(chunks: readonly OutputChunk[]): string[] {
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    for (const imported of byName.get(name)?.imports ?? []) visit(imported);
  };
  for (const chunk of chunks) if (chunk.isEntry) visit(chunk.fileName);
  return [...found];
}

function page(
  template: string,
  { scripts, theme, style }: { scripts: string[]; theme: string; style: string },
): string {
  const [entry, ...preloaded] = scripts;
  const head = [
    `<script src="/${theme}"></script>`,
    `<link rel="stylesheet" href="/${style}" />`,
    `<script type="module" src="/${entry}"></script>`,
    ...preloaded.map((name) => `<link rel="modulepreload" href="/${name}" />`),
  ];
  return template.replace("<!-- assets -->", head.join("\n    "));
}

/** @returns the names of all that was written. */
function writePacked(name: string, content: string): string[] {
  folder.write(name, content);
  const bytes = Buffer.from(content);
  if (bytes.length < MIN_PACKED_BYTES) return [name];
  folder.write(
    `${name}.br`,
    brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
  );
  folder.write(`${name}.gz`, gzipSync(bytes, { level: 9 }));
  return [name, `${name}.br`, `${name}.gz`];
}

const [{ chunks, styles }, theme] = await Promise.all([buildScripts(), buildTheme()]);
const style = buildStyle(join(SOURCE, "styles/main.css"));
const icon: Built = { name: "favicon.svg", content: readFileSync(join(SOURCE, "favicon.svg"), "utf8") };
const scripts = chunks.map(({ fileName, code }): Built => ({ name: fileName, content: code }));
const html: Built = {
  name: "index.html",
  content: page(readFileSync(join(SOURCE, "index.html"), "utf8"), {
    scripts: firstLoad(chunks),
    theme: theme.name,
    style: style.name,
  }),
};
// The page last: whoever asks meanwhile finds what it names.
const files = [...scripts, ...styles, style, theme, icon, html];
const written = new Map(files.map(({ name, content }) => [name, writePacked(name, content)]));
folder.write("LICENCES.txt", licencesOf(chunks.flatMap(({ moduleIds }) => moduleIds)));
const manifest = {
  page: html.name,
  pages: PAGES,
  firstLoad: [html.name, theme.name, style.name, ...firstLoad(chunks)],
  files: Object.fromEntries(written),
};
folder.write("manifest.json", `${JSON.stringify(manifest, undefined, 2)}\n`);
folder.removeOld(new Set([...written.values()].flat()), "assets");
