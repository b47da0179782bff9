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
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import standalone from "ajv/dist/standalone/index.js";
import { type Plugin, type RolldownOutput, rolldown } from "rolldown";
import { addWithReferences, createAjv } from "../src/schema/ajv.ts";
import { readSchema, SCHEMA_URN_PREFIX, type SchemaId } from "../src/schema/schema-files.ts";
import { BuildFolder } from "./build-folder.ts";
import { licencesOf } from "./bundle-licences.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const TARGET = join(ROOT, "dist/command");
const VALIDATORS = join(ROOT, "src/schema/validators.ts");

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
  // What is asked of the HTTP API is checked, not what it answers.
  const requests = Object.keys(readSchema("api").$defs ?? {}).filter((name) => name.endsWith("Request"));
  const references = [...ids, ...requests.map((name) => `api#/$defs/${name}`)];
  const names = new Map(references.map((reference) => [reference, reference.replaceAll(/[^a-z0-9]/gi, "_")]));
  const code = standalone.default(
    ajv,
    Object.fromEntries([...names].map(([reference, name]) => [name, SCHEMA_URN_PREFIX + reference])),
  );
  const entries = [...names].map(([reference, name]) => `${JSON.stringify(reference)}: ${name}`);
  const lookUp = '(id, definition) => all[definition === undefined ? id : id + "#/$defs/" + definition]';
  return `${code}\nconst all = { ${entries.join(", ")} };\nexport const validatorOf = ${lookUp};\n`;
}

const folder = new BuildFolder(TARGET);
const output = await bundle();
const files = new Map(output.map((file) => [file.fileName, file.type === "chunk" ? file.code : String(file.source)]));
files.set("LICENCES.txt", licencesOf(output.flatMap((file) => (file.type === "chunk" ? file.moduleIds : []))));
// The entries last: whoever starts meanwhile finds what they load.
for (const [name, content] of [...files].reverse()) folder.write(name, content);
folder.removeOld(new Set(files.keys()));
