/**
 * The one door from `unknown` to a type: everything that comes from outside as
 * JSON or YAML passes here.
 */
import { type Blame, InvalidInputError } from "../base/errors.ts";
import { fillDefaults } from "./fill-defaults.ts";
import { issuesFrom } from "./issues.ts";
import { readSchema, type SchemaId, type SchemaTypes } from "./schema-files.ts";
import { validatorOf } from "./validators.ts";

export interface ParseOptions {
  /** What the document is, as the first words of the error: "The task payload". */
  subject: string;
  /** Who wrote it. */
  blame: Blame;
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

/**
 * A copy of `data`, which is what one of the definitions of a schema describes, with its defaults filled in.
 *
 * @throws {@link InvalidInputError} with every issue found.
 */
export function parseDefinition(id: SchemaId, definition: string, data: unknown, options: ParseOptions): unknown {
  const validate = validatorOf(id, definition);
  if (!validate(data)) {
    throw new InvalidInputError(options.subject, issuesFrom(validate.errors ?? []), options.blame);
  }
  const result = structuredClone(data);
  fillDefaults({ ...readSchema(id), ...readSchema(id).$defs?.[definition] }, result);
  return result;
}
