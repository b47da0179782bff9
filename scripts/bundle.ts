/**
 * Bundles the command line into dist/command/: reading hundreds of small files takes most of the time that a short
 * command has. The library, dist/index.js, stays as tsc made it.
 *
 * The schemas' validators are compiled here: to do that at each start would take longer than all the rest.
 *
 * The files lie as deep as those of src/<folder>/, so that paths relative to `import.meta.url` hold in both. What is
 * there already is not written again, and what an earlier build made is left for a day: a `boxcar` that runs now may
 * still load it.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import standalone from "ajv/dist/standalone/index.js";
import { type Plugin, type RolldownOutput, rolldown } from "rolldown";
import { addWithReferences, createAjv } from "../src/schema/ajv.ts";
import { SCHEMA_URN_PREFIX, type SchemaId } from "../src/schema/schema-files.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const TARGET = join(ROOT, "dist/command");
const VALIDATORS = join(ROOT, "src/schema/validators.ts");
const DAY_MS = 86_400_000;

async function bundle(): Promise<RolldownOutput["output"]> {
  const build = await rolldown({
    cwd: ROOT,
    input: { main: "src/main.ts", "codec-worker": "src/image/zstd/codec-worker.ts" },
    platform: "node",
    // One brings a library of its own; Node warns of what the other does, unless it is in a package.
    external: ["sharp", "taskcluster-client"],
    plugins: [compiledValidators()],
  });
  const { output } = await build.generate({ entryFileNames: "[name].js", chunkFileNames: "[name]-[hash].js" });
  await build.close();
  return output;
}

/** Stands in for src/schema/validators.ts. */
function compiledValidators(): Plugin {
  return { name: "compiled-validators", load: (id) => (id === VALIDATORS ? validatorsModule() : undefined) };
}

function validatorsModule(): string {
  const ids = readdirSync(join(ROOT, "schemas")).map((file) => file.replace(".schema.json", "") as SchemaId);
  const ajv = createAjv({ source: true, esm: true, optimize: true });
  for (const id of ids) addWithReferences(ajv, id);
  const names = new Map(ids.map((id) => [id, id.replaceAll("-", "_")]));
  const code = standalone.default(
    ajv,
    Object.fromEntries([...names].map(([id, name]) => [name, SCHEMA_URN_PREFIX + id])),
  );
  const entries = [...names].map(([id, name]) => `${JSON.stringify(id)}: ${name}`);
  return `${code}\nconst all = { ${entries.join(", ")} };\nexport const validatorOf = (id) => all[id];\n`;
}

/** The licences of the packages that are in the bundle: most want to be where their code is. */
function licences(output: RolldownOutput["output"]): string {
  const modules = output.flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
  const folders = modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []);
  return [...new Set(folders)]
    .sort()
    .map(licenceOf)
    .join(`\n\n${"-".repeat(80)}\n\n`);
}

function licenceOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file));
  return [
    `${name} ${version} (${license})`,
    ...files.map((file) => readFileSync(join(folder, file), "utf8").trim()),
  ].join("\n\n");
}

/** In one step, so that nobody reads half a file. */
function replace(name: string, content: string): void {
  const file = join(TARGET, name);
  if (existsSync(file) && readFileSync(file, "utf8") === content) return;
  mkdirSync(dirname(file), { recursive: true });
  const part = `${file}.${process.pid}`;
  writeFileSync(part, content);
  renameSync(part, file);
}

/** What was current until this build stays for a day, for programs that run and have not loaded it yet. */
function removeOld(current: ReadonlySet<string>): void {
  const now = new Date();
  for (const name of current) utimesSync(join(TARGET, name), now, now);
  for (const name of readdirSync(TARGET)) {
    const file = join(TARGET, name);
    if (!current.has(name) && statSync(file).mtimeMs < Date.now() - DAY_MS) rmSync(file, { force: true });
  }
}

const output = await bundle();
const files = new Map(output.map((file) => [file.fileName, file.type === "chunk" ? file.code : String(file.source)]));
files.set("LICENCES.txt", licences(output));
// The entries last: whoever starts meanwhile finds what they load.
for (const [name, content] of [...files].reverse()) replace(name, content);
removeOld(new Set(files.keys()));
