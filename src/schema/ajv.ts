/** Ajv as Boxcar uses it. */
import { Ajv2020, type CodeOptions } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { readSchema, referencedSchemas, SCHEMA_URN_PREFIX, type SchemaId } from "./schema-files.ts";

/** Keywords of ours that validate nothing. */
const ANNOTATIONS = ["x-secret", "x-rule"];

export function createAjv(code: CodeOptions = {}): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    allowUnionTypes: true,
    // The schemas are ours, and a test checks them against the meta-schema; the optimizer takes longer than it saves
    // on documents of this size.
    meta: false,
    validateSchema: false,
    code: { optimize: false, ...code },
  });
  ajv.addVocabulary(ANNOTATIONS);
  addFormats.default(ajv, ["date-time"]);
  return ajv;
}

export function addWithReferences(ajv: Ajv2020, id: SchemaId): void {
  const schema = readSchema(id);
  if (ajv.schemas[SCHEMA_URN_PREFIX + id] !== undefined) return;
  ajv.addSchema(schema);
  for (const referenced of referencedSchemas(schema)) addWithReferences(ajv, referenced);
}
