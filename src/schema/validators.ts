/**
 * The schemas' validators, compiled at the first use: most callers need one or two.
 *
 * The command line has them compiled already: there, scripts/bundle.ts puts what Ajv makes in the place of this module.
 */
import type { ValidateFunction } from "ajv";
import { addWithReferences, createAjv } from "./ajv.ts";
import { SCHEMA_URN_PREFIX, type SchemaId } from "./schema-files.ts";

let ajv: ReturnType<typeof createAjv> | undefined;

/** @param definition One of the schema's own `$defs`, whose name ends in `Request`; default: the whole. */
export function validatorOf(id: SchemaId, definition?: string): ValidateFunction {
  ajv ??= createAjv();
  addWithReferences(ajv, id);
  const pointer = definition === undefined ? "" : `#/$defs/${definition}`;
  const validator = ajv.getSchema(SCHEMA_URN_PREFIX + id + pointer);
  if (validator === undefined) throw new Error(`schema ${id}${pointer} was added but is not there`);
  return validator;
}
