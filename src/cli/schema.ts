/** `boxcar schema`: the documents Boxcar reads, as JSON Schemas. */
import { Argument, Command } from "commander";
import { bundleSchema, isSchemaName, SCHEMA_NAMES } from "../schema/catalog.ts";
import { type CliContext, print } from "./context.ts";

const EXAMPLES = `
Examples:
  boxcar schema payload > payload.schema.json
  boxcar schema config`;

export function schemaCommand(context: CliContext): Command {
  return new Command("schema")
    .description("print the JSON Schema of a document")
    .addArgument(new Argument("<document>", "which one").choices(Object.keys(SCHEMA_NAMES)))
    .addHelpText("after", EXAMPLES)
    .action((name: string) => {
      if (isSchemaName(name)) print(context, JSON.stringify(bundleSchema(name), undefined, 2));
    });
}
