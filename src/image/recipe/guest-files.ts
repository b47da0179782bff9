/** What makes a Debian root a Boxcar guest. */
import { appendFile, chmod, chown, copyFile, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

const USER_ID = 1_000;
const USER_NAME = "boxcar";

/** The guest's side of src/network/addressing.ts. */
const NAMESERVER = "10.0.2.2";

/** @param root Folder of the guest's files; they belong to root. */
export async function addGuestFiles(root: string, agentBinary: string, initBinary: string): Promise<void> {
  const at = (path: string) => join(root, path);
  await mkdir(at("usr/lib/boxcar"), { recursive: true });
  await copyFile(agentBinary, at("usr/lib/boxcar/boxcar-agent"));
  await copyFile(initBinary, at("usr/lib/boxcar/boxcar-init"));
  for (const name of ["boxcar-agent", "boxcar-init"]) await chmod(at(`usr/lib/boxcar/${name}`), 0o755);
  for (const name of ["init", "poweroff", "reboot", "halt"]) {
    await rm(at(`usr/sbin/${name}`), { force: true });
    await symlink("/usr/lib/boxcar/boxcar-init", at(`usr/sbin/${name}`));
  }
  await writeFile(at("etc/hostname"), "boxcar\n");
  await writeFile(at("etc/hosts"), "127.0.0.1 localhost\n127.0.1.1 boxcar\n::1 localhost ip6-localhost\n");
  await rm(at("etc/resolv.conf"), { force: true });
  await writeFile(at("etc/resolv.conf"), `nameserver ${NAMESERVER}\n`);
  await addUser(at);
}

async function addUser(at: (path: string) => string): Promise<void> {
  await appendFile(at("etc/passwd"), `${USER_NAME}:x:${USER_ID}:${USER_ID}::/home/${USER_NAME}:/bin/bash\n`);
  await appendFile(at("etc/group"), `${USER_NAME}:x:${USER_ID}:\n`);
  await appendFile(at("etc/shadow"), `${USER_NAME}:!::::::\n`);
  await mkdir(at(`home/${USER_NAME}`), { recursive: true });
  await chown(at(`home/${USER_NAME}`), USER_ID, USER_ID);
}
