/** Prepares the inputs of a task; argv[2] is JSON: directory, inputs and allow. Says so before and after. */
import { tryParseUrlPrefix, type UrlPrefix } from "../../../../src/base/url-prefix.ts";
import { ActiveInputs } from "../../../../src/feature/inputs/active-inputs.ts";
import { inputRequests } from "../../../../src/feature/inputs/request.ts";

const { directory, inputs, allow } = JSON.parse(process.argv[2] as string);
await using active = new ActiveInputs(
  { inputs: inputRequests(inputs), user: undefined },
  {
    settings: { allow: [tryParseUrlPrefix(allow) as UrlPrefix], maxBytes: 1_000_000, cacheBytes: 1_000_000 },
    directory,
    reserveBytes: 0,
    note: () => {},
    signal: new AbortController().signal,
  },
);
process.stdout.write("begun\n");
await active.prepare();
process.stdout.write("prepared\n");
