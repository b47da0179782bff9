/**
 * Where the files of a Debian system are made: namespaces of their own for mounts and processes, so that nothing of the
 * package tools outlives them; for who is not root a user namespace too, in which this user is root and the numbers
 * that /etc/subuid grants are the others.
 *
 * What root owns in there belongs to this user out here, so both can write it.
 */
import { getuid } from "node:process";
import { WorkerError } from "../../base/errors.ts";
import { ADMINISTRATORS_PATH, CommandError, runCommand } from "../../host/command.ts";

/** What is put before a command. */
export type Starter = readonly string[];

const SEPARATE = ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"] as const;
const MAPPED = ["--map-root-user", "--map-auto"] as const;

/** @throws {WorkerError} `build-not-permitted` with what to type, where this user may not. */
export async function openNamespace(signal?: AbortSignal): Promise<Starter> {
  if (getuid?.() === 0) {
    const starter = [...SEPARATE, "--"];
    // In a container root may not have its own mounts; there it makes images without.
    return (await works(starter, signal)) ? starter : [];
  }
  const starter = [...SEPARATE, ...MAPPED, "--"];
  if (await works(starter, signal)) return starter;
  const mayHaveNamespace = await works(["unshare", "--user", "--map-root-user", "--"], signal);
  throw new WorkerError(mayHaveNamespace ? NO_NUMBERS : NO_NAMESPACES, { code: "build-not-permitted", blame: "host" });
}

const PURPOSE = "an image of Debian packages has files of several users";

const NO_NUMBERS = `${PURPOSE}, whose numbers this user was not granted; type this, then try again:
  sudo apt-get install --no-install-recommends uidmap
  sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "$(id -un)"`;

const NO_NAMESPACES = `${PURPOSE}, and the kernel lets only root make a user namespace for them; build it as root, or type what this kernel knows of these, then try again:
  sudo sysctl -w user.max_user_namespaces=15000
  sudo sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0`;

/** Removes a folder with all that is in it, whoever of this user's numbers that belongs to. */
export async function removeTree(path: string, starter: Starter): Promise<void> {
  await runCommand(["rm", "-rf", "--one-file-system", path], { starter, env: { PATH: ADMINISTRATORS_PATH } });
}

async function works(starter: Starter, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await runCommand(["true"], { starter, signal, env: { PATH: ADMINISTRATORS_PATH } });
    return true;
  } catch (error) {
    if (error instanceof CommandError) return false;
    throw error;
  }
}
