import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { InvalidInputError } from "../../../../src/base/errors.ts";
import { resolveConfig } from "../../../../src/config/config.ts";
import { Secret } from "../../../../src/config/secret.ts";
import { secretsIssues, secretsOf } from "../../../../src/feature/secrets/request.ts";

const surroundings = { env: {}, uid: 0, home: "/root", host: { memoryMiB: 4_096, cpus: 2 } };
const configOf = (secrets: object) => resolveConfig({ features: { secrets } }, surroundings);
const config = configOf({ values: { NPM_TOKEN: "npm_5f1c", DEPLOY: "d3pl0y" } });

function thrownBy(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

describe("the secrets of a task", () => {
  it("are those it names", () => {
    expect(secretsOf({ secrets: ["NPM_TOKEN"] }, config)).toEqual(new Map([["NPM_TOKEN", "npm_5f1c"]]));
    expect(secretsOf({ secrets: [] }, config)).toEqual(new Map());
  });

  it("are shown by no dump of the configuration", () => {
    expect(JSON.stringify(config) + inspect(config, { depth: 20 })).not.toMatch(/npm_5f1c|d3pl0y/);
  });

  it("are refused where there is none of that name, also one that every object has", () => {
    const error = thrownBy(() => secretsOf({ secrets: ["NPM_TOKEN", "toString"] }, config));
    expect(error).toMatchObject({ blame: "task", issues: [{ path: "secrets[1]" }] });
  });

  it("are the fault of the host where one cannot be read, or used", () => {
    const elsewhere = configOf({ values: { NPM_TOKEN: { file: "/nonexistent" } } });
    expect(thrownBy(() => secretsOf({ secrets: ["NPM_TOKEN"] }, elsewhere))).toMatchObject({ blame: "host" });
    const values = { NPM_TOKEN: Secret.of("npm\0_5f1c") };
    const error = thrownBy(() =>
      secretsOf(
        { secrets: ["NPM_TOKEN"] },
        { features: { ...config.features, secrets: { values, listNames: false } } },
      ),
    );
    expect(error).toBeInstanceOf(InvalidInputError);
    expect(error).toMatchObject({ blame: "host" });
    expect(String(error)).not.toContain("5f1c");
  });
});

describe("what is wrong with the names of secrets", () => {
  it("does not tell which there are, unless the worker says so", () => {
    const names = ["NPM_TOKE"];
    expect(secretsIssues(names, {}, config.features.secrets)).toEqual([
      { path: "secrets[0]", message: "is no secret of this worker" },
    ]);
    const open = configOf({ values: { NPM_TOKEN: "1", DEPLOY: "2" }, listNames: true });
    expect(secretsIssues(names, {}, open.features.secrets)).toEqual([
      { path: "secrets[0]", message: "is no secret of this worker; there are DEPLOY, NPM_TOKEN" },
    ]);
  });

  it("is also that the same variable is set by env", () => {
    expect(secretsIssues(["DEPLOY", "NPM_TOKEN"], { NPM_TOKEN: "x" }, config.features.secrets)).toEqual([
      { path: "secrets[1]", message: "is a variable of env already; remove one of them" },
    ]);
  });
});
