/** `boxcar schema`: the documents Boxcar reads, as JSON Schemas, and the description of its HTTP API. */
import { Argument, Command } from "commander";
import { bundleSchema, isSchemaName, SCHEMA_NAMES } from "../schema/catalog.ts";
import { configOf } from "./config.ts";
import { type CliContext, print } from "./context.ts";

const EXAMPLES = `
Examples:
  boxcar schema payload > payload.schema.json
  boxcar schema config
  boxcar schema api > openapi.json          the HTTP API of a worker, as OpenAPI has it`;

export function schemaCommand(context: CliContext): Command {
  return new Command("schema")
    .description("print the JSON Schema of a document, or what the HTTP API is")
    .addArgument(new Argument("<document>", "which one").choices([...Object.keys(SCHEMA_NAMES), "api"]))
    .addHelpText("after", EXAMPLES)
    .action(async (name: string, _flags: object, command: Command) => {
      if (isSchemaName(name)) {
        print(context, JSON.stringify(bundleSchema(name), undefined, 2));
        return;
      }
      const config = await configOf(context, command);
      const { describeApi } = await import("./worker/describe-api.ts");
      print(context, JSON.stringify(describeApi(config), undefined, 2));
    });
}
