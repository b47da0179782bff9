import { Argument, Command } from "commander";
import { describe, expect, it } from "vitest";
import { complete } from "../../../src/cli/completion-candidates.ts";

function program(): Command {
  const boxcar = new Command("boxcar").version("1.0.0").option("--config <file>", "the configuration");
  boxcar
    .command("run")
    .argument("[arguments...]")
    .option("-o, --output <dir>", "where to")
    .option("--image <image>")
    .option("--json", "for programs");
  const image = boxcar.command("image").description("images");
  image.command("list").alias("ls").option("--json");
  image.command("rm").argument("<image...>");
  image.command("import").argument("<archive>").option("--from <registry>");
  boxcar.command("schema").addArgument(new Argument("<document>").choices(["machine", "machine-options", "config"]));
  boxcar.command("purge").argument("<cache...>");
  boxcar.command("restore", { hidden: true }).argument("<machine>").argument("<snapshot>");
  boxcar.command("clone", { hidden: true }).argument("<source>").argument("[name]");
  boxcar.command("secret", { hidden: true });
  return boxcar;
}

const texts = (...words: string[]) => complete(program(), words).candidates.map(({ text }) => text);
const facts = (...words: string[]) => {
  const { names, paths } = complete(program(), words);
  return { names, paths };
};

describe("complete", () => {
  it("knows the commands, but no hidden ones, with what they are for", () => {
    expect(texts("")).toEqual(["run", "image", "schema", "purge", "help"]);
    expect(complete(program(), ["im"]).candidates).toEqual([{ text: "image", description: "images" }]);
    expect(texts("--config", "my.yml", "image", "")).toEqual(["list", "rm", "import", "help"]);
    expect(texts("help", "r")).toEqual(["run"]);
  });

  it("knows the options of a command and of those above", () => {
    expect(texts("-")).toEqual(["--version", "--config", "--help"]);
    expect(texts("run", "--")).toEqual(["--output", "--image", "--json", "--config", "--help"]);
    expect(texts("image", "ls", "--j")).toEqual(["--json"]);
  });

  it("knows what an argument may be", () => {
    expect(texts("schema", "mac")).toEqual(["machine", "machine-options"]);
    expect(texts("schema", "machine", "")).toEqual([]);
    expect(facts("run", "ex")).toEqual({ names: undefined, paths: "tasks" });
    expect(facts("run", "--json", "")).toEqual({ names: undefined, paths: "tasks" });
    expect(facts("image", "import", "")).toEqual({ names: undefined, paths: "files" });
    expect(facts("image", "rm", "one", "")).toEqual({ names: "images", paths: undefined });
    expect(facts("purge", "one", "a/")).toEqual({ names: "caches", paths: undefined });
    expect(facts("restore", "dev", "")).toEqual({ names: "snapshots", paths: undefined });
    expect(facts("clone", "d")).toEqual({ names: "sources", paths: undefined });
    expect(facts("clone", "a/")).toEqual({ names: undefined, paths: "folders" });
    expect(facts("clone", "dev", "")).toEqual({ names: undefined, paths: undefined });
  });

  it("knows what the value of an option is", () => {
    expect(facts("run", "--output", "")).toEqual({ names: undefined, paths: "folders" });
    expect(facts("run", "-o", "")).toEqual({ names: undefined, paths: "folders" });
    expect(facts("run", "--image", "de")).toEqual({ names: "images", paths: undefined });
    expect(facts("run", "--image", "./de")).toEqual({ names: undefined, paths: "files" });
    expect(facts("run", "--config", "")).toEqual({ names: undefined, paths: "files" });
    expect(facts("image", "import", "--from", "t")).toEqual({ names: "registries", paths: "folders" });
    expect(facts("image", "import", "--from", "./t")).toEqual({ names: undefined, paths: "folders" });
  });

  it("leaves the command of a task alone", () => {
    const nothing = { candidates: [], names: undefined, paths: undefined };
    expect(complete(program(), ["run", "--", "ls", "--"])).toMatchObject(nothing);
    expect(complete(program(), ["run", "--", ""])).toMatchObject(nothing);
  });

  it("hands on the configuration that was named", () => {
    expect(complete(program(), ["--config", "my.yml", "image", "rm", ""]).config).toBe("my.yml");
    expect(complete(program(), ["image", "rm", "--config", ""]).config).toBeUndefined();
  });
});
