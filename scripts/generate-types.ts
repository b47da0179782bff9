/**
 * Writes src/generated/ from schemas/: one file of types per schema, and the
 * default values of a machine.
 *
 * `--check` writes nothing and fails if a file is not what it would write.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { compile } from "json-schema-to-typescript";

const SCHEMAS = new URL("../schemas/", import.meta.url);
const GENERATED = new URL("../src/generated/", import.meta.url);
const URN = /^urn:boxcar:schema:([a-z0-9-]+)(?:#\/\$defs\/([A-Za-z0-9]+))?$/;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Schema = { [key: string]: Json };

/** What the compiler adds to the comment of every definition. */
const BOILERPLATE =
  / \*\n \* This interface was referenced by `\w+`'s JSON-Schema\n \* via the `definition` "\w+"\.\n/g;

/** Where the type of the whole document is not simply the name of its file. */
const ROOT_NAMES: Readonly<Record<string, string>> = { image: "ImageProvenance" };

function pascalCase(text: string): string {
  return text.replace(/(?:^|-)([a-z0-9])/g, (_, first: string) => first.toUpperCase());
}

function rootName(schemaName: string): string {
  return ROOT_NAMES[schemaName] ?? pascalCase(schemaName);
}

/** `$defs/overrides` of machine → MachineOverrides; a plain noun such as `$defs/chipset` → MachineChipset. */
function definitionName(schemaName: string, definition: string): string {
  return rootName(schemaName) + definition.charAt(0).toUpperCase() + definition.slice(1);
}

/** A copy in which references to other documents are names of types to import, collected in `imports`. */
function withImports(node: Json, imports: Map<string, Set<string>>): Json {
  if (Array.isArray(node)) return node.map((item) => withImports(item, imports));
  if (node === null || typeof node !== "object") return node;
  const match = typeof node["$ref"] === "string" ? URN.exec(node["$ref"]) : null;
  if (match !== null) {
    const [, schemaName = "", definition] = match;
    const type = definition === undefined ? rootName(schemaName) : definitionName(schemaName, definition);
    imports.set(schemaName, (imports.get(schemaName) ?? new Set()).add(type));
    return node["description"] === undefined
      ? { tsType: type }
      : { tsType: type, description: node["description"] as Json };
  }
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, withImports(value, imports)]));
}

async function typesOf(schemaName: string, schema: Schema): Promise<string> {
  const imports = new Map<string, Set<string>>();
  const prepared = withImports(schema, imports) as Schema;
  const { $id: _id, $schema: _schema, title: _title, ...rest } = prepared;
  const body = isObject(rest)
    ? await compileAs(schemaName, isLibrary(rest) ? withNames(schemaName, rest) : rest)
    : await compileApart(schemaName, rest);
  const importLines = [...imports]
    .sort()
    .map(([from, types]) => `import type { ${[...types].sort().join(", ")} } from "./${from}.ts";\n`);
  const head = importLines.length > 0 ? `${importLines.join("")}\n` : "";
  return `${header(schemaName)}${head}${body.trimStart().replaceAll(BOILERPLATE, "")}`;
}

function isObject({ type = "object" }: Schema): boolean {
  return type === "object";
}

/** Definitions for others to refer to, and nothing else. */
function isLibrary({ properties, $defs }: Schema): boolean {
  return properties === undefined && $defs !== undefined;
}

function compileAs(schemaName: string, schema: Schema): Promise<string> {
  return compile({ ...schema, title: rootName(schemaName) } as object, rootName(schemaName), {
    bannerComment: "",
    customName: (_schema, definition) =>
      definition === undefined ? undefined : definitionName(schemaName, definition),
    ignoreMinAndMaxItems: true,
    unreachableDefinitions: true,
    additionalProperties: false,
    style: { printWidth: 120 },
  });
}

/** The compiler forgets the definitions of what is no object, so these are compiled as those of an empty one. */
async function compileApart(schemaName: string, { $defs = {}, ...root }: Schema): Promise<string> {
  const named = withNames(schemaName, root);
  const definitions = await compileAs(schemaName, { type: "object", $defs });
  const empty = new RegExp(`\\n?export interface ${rootName(schemaName)} \\{\\}\\n`);
  return `${await compileAs(schemaName, named)}\n${definitions.replace(empty, "")}`;
}

/** A copy in which references to definitions of the same document are the names of their types. */
function withNames(schemaName: string, schema: Schema): Schema {
  return JSON.parse(JSON.stringify(schema), (_key, value: Json) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
    const { $ref: reference, description } = value;
    if (typeof reference !== "string") return value;
    const tsType = definitionName(schemaName, reference.replace("#/$defs/", ""));
    return description === undefined ? { tsType } : { tsType, description };
  }) as Schema;
}

function header(schemaName: string): string {
  return `// Generated from schemas/${schemaName}.schema.json by scripts/generate-types.ts; never edited.\n\n`;
}

/** The `default` of every field of a machine, as a constant. */
function machineDefaults(machine: Schema): string {
  const definitions = machine["$defs"] as Record<string, Schema>;
  const lines = Object.entries(machine["properties"] as Record<string, Schema>).flatMap(([key, { $ref }]) => {
    const value = definitions[String($ref).replace("#/$defs/", "")]?.["default"];
    return value === undefined ? [] : [`  ${key}: ${JSON.stringify(value)},\n`];
  });
  return `${header("machine")}import type { Machine } from "./machine.ts";

/** What a field of a machine is where nobody says otherwise; fields without one depend on the worker's limits. */
export const MACHINE_DEFAULTS = {
${lines.join("")}} as const satisfies Partial<Machine>;
`;
}

async function generate(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const names = readdirSync(SCHEMAS).flatMap((file) => /^(.+)\.schema\.json$/.exec(file)?.[1] ?? []);
  for (const name of names.sort()) {
    const schema = JSON.parse(readFileSync(new URL(`${name}.schema.json`, SCHEMAS), "utf8")) as Schema;
    files.set(`${name}.ts`, await typesOf(name, schema));
    if (name === "machine") files.set("machine-defaults.ts", machineDefaults(schema));
  }
  return files;
}

function currentText(file: string): string | undefined {
  try {
    return readFileSync(new URL(file, GENERATED), "utf8");
  } catch {
    return undefined;
  }
}

/** The files of src/generated/ that are missing, outdated or have no schema. */
function outdated(files: ReadonlyMap<string, string>): string[] {
  const stray = readdirSync(GENERATED).filter((file) => !files.has(file));
  return [...files.keys()].filter((file) => currentText(file) !== files.get(file)).concat(stray);
}

const files = await generate();
if (process.argv.includes("--check")) {
  const wrong = outdated(files);
  if (wrong.length > 0) {
    console.error(`src/generated/ does not match schemas/ (${wrong.join(", ")}); run: npm run types`);
    process.exitCode = 1;
  }
} else {
  for (const file of outdated(files)) {
    const text = files.get(file);
    if (text !== undefined) writeFileSync(new URL(file, GENERATED), text);
    else console.error(`src/generated/${file} has no schema; remove it`);
  }
}
