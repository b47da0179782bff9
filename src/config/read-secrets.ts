/** Reads the secrets that a configuration keeps somewhere else. */
import { open } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { codeOf, InvalidInputError, messageOf } from "../base/errors.ts";
import { joinPath } from "../schema/document-path.ts";
import type { Surroundings } from "./host-facts.ts";
import { Secret, type SecretReference, type Secrets } from "./secret.ts";
import type { PlacedReference } from "./secret-references.ts";

/** As the schema has it for a text. */
const MAX_BYTES = 65_536;

/** What somebody who is neither owner nor in the group may do. */
const OTHERS = 0o007;

/** A secret that cannot be read fails when it is needed; see {@link Secret.reveal}. */
export async function readSecrets(
  references: readonly PlacedReference[],
  env: Surroundings["env"],
  subject: string,
): Promise<Secrets> {
  const entries = references.map(async ({ path, reference }) => [path, await read(path, reference)] as const);
  return new Map(await Promise.all(entries));

  async function read(path: string, reference: SecretReference): Promise<Secret> {
    try {
      const text = (await textOf(reference, env)).replace(/[\r\n]+$/, "");
      return text === "" ? failed("holds nothing") : Secret.of(text);
    } catch (error) {
      return failed(messageOf(error));
    }
    function failed(message: string): Secret {
      const [kind = ""] = Object.keys(reference);
      return Secret.unreadable(new InvalidInputError(subject, [{ path: joinPath(path, kind), message }], "host"));
    }
  }
}

async function textOf({ file, env: name, credential }: SecretReference, env: Surroundings["env"]): Promise<string> {
  if (name !== undefined) return variable(name, env);
  if (credential !== undefined) return await readCredential(credential, env);
  return await readPrivateFile(file ?? "");
}

function variable(name: string, env: Surroundings["env"]): string {
  const value = env[name];
  if (value === undefined) throw new Error(`the environment variable ${name} is not set`);
  return value;
}

/** systemd sees to it that nobody else can read it. */
async function readCredential(name: string, env: Surroundings["env"]): Promise<string> {
  const directory = env["CREDENTIALS_DIRECTORY"];
  if (directory === undefined || !isAbsolute(directory)) {
    throw new Error(
      "is for a service of systemd with LoadCredential=, which finds it in $CREDENTIALS_DIRECTORY; that is not set here",
    );
  }
  return await readText(join(directory, name), () => {});
}

async function readPrivateFile(path: string): Promise<string> {
  return await readText(path, (mode) => {
    if ((mode & OTHERS) !== 0) {
      throw new Error(`${path} is open to every user of the host; type "chmod o-rwx ${path}"`);
    }
  });
}

async function readText(path: string, checkMode: (mode: number) => void): Promise<string> {
  try {
    await using file = await open(path, "r");
    const { mode, size } = await file.stat();
    checkMode(mode);
    if (size > MAX_BYTES) throw new Error(`${path} is larger than ${MAX_BYTES} bytes, and no secret is`);
    return await file.readFile("utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") throw new Error(`there is no file ${path}`);
    throw error;
  }
}
