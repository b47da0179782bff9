import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-completion-"));
  for (const folder of ["bin", "work/a folder", "images/tags"]) {
    await mkdir(join(directory, folder), { recursive: true });
  }
  for (const name of ["a task.yml", "b.json", "notes.txt", "image.tar.zst"]) {
    await writeFile(join(directory, "work", name), "");
  }
  for (const name of ["debian-minimal", "mine"]) await writeFile(join(directory, "images/tags", name), "sha256:0\n");
  const program = `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, "src/main.ts")}" "$@"\n`;
  await writeFile(join(directory, "bin/boxcar"), program, { mode: 0o755 });
});

afterAll(() => rm(directory, { recursive: true }));

const environment = () => ({
  PATH: `${join(directory, "bin")}:${process.env["PATH"]}`,
  BOXCAR_IMAGES_DIR: join(directory, "images"),
});

function boxcar(...args: string[]) {
  return execa("boxcar", args, { env: environment(), cwd: directory, reject: false });
}

/** What bash offers when these words have been typed. */
async function completions(...words: string[]): Promise<string[]> {
  const script = `
    source <(boxcar completion bash)
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    $(complete -p boxcar | sed 's/.*-F \\([^ ]*\\).*/\\1/') boxcar
    [ \${#COMPREPLY[@]} -eq 0 ] || printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await execa("bash", ["--norc", "-c", script, "bash", "boxcar", ...words], {
    env: environment(),
    cwd: join(directory, "work"),
  });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}

describe("completion in bash", () => {
  it("offers commands and options", async () => {
    const commands = [
      "run",
      "queue",
      "top",
      "logs",
      "shell",
      "vnc",
      "screenshot",
      "keep",
      "release",
      "resume",
      "vm",
      "worker",
      "doctor",
      "config",
      "image",
      "cache",
      "token",
      "audit",
      "manifest",
      "schema",
      "completion",
      "help",
    ];
    expect(await completions("")).toEqual(commands);
    expect(await completions("image", "build", "--ver")).toEqual(["--verbose"]);
    expect(await completions("completion", "")).toEqual(["bash", "zsh", "fish"]);
  });

  it("offers the images there are", async () => {
    expect(await completions("image", "rm", "")).toEqual(["debian-minimal", "mine"]);
    expect(await completions("run", "--image", "m")).toEqual(["mine"]);
  });

  it("offers the registries that are configured, and folders", async () => {
    const registries = [
      { name: "team", directory: "/srv/registry" },
      { name: "other", url: "https://ci.example.com" },
    ];
    const config = { stateDir: directory, images: { registries } };
    await writeFile(join(directory, "registries.json"), JSON.stringify(config));
    const words = ["--config", join(directory, "registries.json"), "image"];
    expect(await completions(...words, "push", "mine", "--to", "")).toEqual(["other", "team", "a folder"]);
    expect(await completions(...words, "pull", "mine", "--from", "te")).toEqual(["team"]);
  });

  it("offers the paths that fit", async () => {
    expect((await completions("run", "")).sort()).toEqual(["a folder", "a task.yml", "b.json"]);
    expect(await completions("run", "--image", "./im")).toEqual(["./image.tar.zst"]);
    expect(await completions("run", "--output", "")).toEqual(["a folder"]);
  });

  it("offers what there is for the queue", async () => {
    const commands = ["submit", "list", "logs", "network", "show", "cancel", "rerun", "artifacts", "help"];
    expect(await completions("queue", "")).toEqual(commands);
    const states = ["unscheduled", "pending", "running", "completed", "failed", "exception"];
    expect(await completions("queue", "list", "--state", "")).toEqual(states);
    expect(await completions("queue", "submit", "--priority", "very")).toEqual(["very-high", "very-low"]);
    expect((await completions("queue", "submit", "")).sort()).toEqual(["a folder", "a task.yml", "b.json"]);
    expect(await completions("queue", "submit", "--", "")).toEqual([]);
  });

  it("offers nothing for the command of a task", async () => {
    expect(await completions("run", "--", "")).toEqual([]);
  });

  it("is quiet where something is wrong", async () => {
    expect(await completions("--config", "nowhere.yml", "image", "rm", "")).toEqual([]);
  });
});

describe("boxcar completion", () => {
  it.each(["bash", "zsh", "fish"])("prints the script for %s", async (shell) => {
    const script = await readFile(join(ROOT, `completions/boxcar.${shell}`), "utf8");
    expect(await boxcar("completion", shell)).toMatchObject({ exitCode: 0, stdout: script.trimEnd(), stderr: "" });
  });

  it("refuses another shell, and says how each is set up", async () => {
    expect(await boxcar("completion", "tcsh")).toMatchObject({ exitCode: 2, stdout: "" });
    const { stdout } = await boxcar("completion", "--help");
    for (const file of [".bashrc", ".zshrc", "config.fish"]) expect(stdout).toContain(file);
  });
});
