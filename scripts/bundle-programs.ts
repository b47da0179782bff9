/**
 * Programs as they are shipped: each in one file, with what it needs of `node_modules`.
 *
 * The schemas' validators are compiled here: to do that at each start would take longer than all the rest.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import standalone from "ajv/dist/standalone/index.js";
import { type Plugin, type RolldownOutput, rolldown } from "rolldown";
import { addWithReferences, createAjv } from "../src/schema/ajv.ts";
import { readSchema, SCHEMA_URN_PREFIX, type SchemaId } from "../src/schema/schema-files.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const VALIDATORS = join(ROOT, "src/schema/validators.ts");

/** What they start in threads. */
const THREADS = {
  "codec-worker": "src/image/zstd/codec-worker.ts",
  "data-map-worker": "src/image/archive/data-map-worker.ts",
};

/** @param programs Name → source, relative to the root. */
export async function bundlePrograms(programs: Readonly<Record<string, string>>): Promise<RolldownOutput["output"]> {
  const build = await rolldown({
    cwd: ROOT,
    input: { ...programs, ...THREADS },
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
