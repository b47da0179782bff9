/**
 * The one door from `unknown` to a type: everything that comes from outside as
 * JSON or YAML passes here.
 */

import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { type Blame, InvalidInputError } from "../base/errors.ts";
import { fillDefaults } from "./fill-defaults.ts";
import { issuesFrom } from "./issues.ts";
import { readSchema, referencedSchemas, SCHEMA_URN_PREFIX, type SchemaId, type SchemaTypes } from "./schema-files.ts";

export interface ParseOptions {
  /** What the document is, as the first words of the error: "The task payload". */
  subject: string;
  /** Who wrote it. */
  blame: Blame;
}

/** Keywords of ours that validate nothing. */
const ANNOTATIONS = ["x-secret", "x-rule"];

let sharedAjv: Ajv2020 | undefined;

function ajv(): Ajv2020 {
  if (sharedAjv === undefined) {
    sharedAjv = new Ajv2020({
      allErrors: true,
      verbose: true,
      allowUnionTypes: true,
      // Every command pays for this at its start. The schemas are ours, and a test checks them against the
      // meta-schema; the optimizer takes longer than it saves on documents of this size.
      meta: false,
      validateSchema: false,
      code: { optimize: false },
    });
    sharedAjv.addVocabulary(ANNOTATIONS);
    addFormats.default(sharedAjv, ["date-time"]);
  }
  return sharedAjv;
}

function addWithReferences(id: SchemaId): void {
  const schema = readSchema(id);
  if (ajv().schemas[SCHEMA_URN_PREFIX + id] !== undefined) return;
  ajv().addSchema(schema);
  for (const referenced of referencedSchemas(schema)) addWithReferences(referenced);
}

const validators = new Map<SchemaId, ValidateFunction>();

/** Compiled at the first use: most commands need one or two schemas. */
function validatorOf(id: SchemaId): ValidateFunction {
  let validator = validators.get(id);
  if (validator === undefined) {
    addWithReferences(id);
    validator = ajv().getSchema(SCHEMA_URN_PREFIX + id);
    if (validator === undefined) throw new Error(`schema ${id} was added but is not there`);
    validators.set(id, validator);
  }
  return validator;
}

/**
 * A copy of `data` with the schema's own defaults filled in; defaults behind a
 * `$ref` (the fields of a machine) are left to whoever merges the layers.
 *
 * @throws {@link InvalidInputError} with every issue found.
 */
export function parseAs<K extends SchemaId>(schemaId: K, data: unknown, options: ParseOptions): SchemaTypes[K] {
  const validate = validatorOf(schemaId);
  if (!validate(data)) {
    throw new InvalidInputError(options.subject, issuesFrom(validate.errors ?? []), options.blame);
  }
  const result = structuredClone(data);
  fillDefaults(readSchema(schemaId), result);
  return result as SchemaTypes[K];
}
