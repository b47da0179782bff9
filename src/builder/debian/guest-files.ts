/** What makes a Debian root a Boxcar guest. */
import { AGENT_COMMAND, AGENT_FILE, AGENT_UNIT } from "../agent-unit.ts";
import { FIRST_BOOT_FILE, FIRST_BOOT_UNIT, firstBootScript } from "../first-boot.ts";
import type { ParsedRecipe } from "../recipe.ts";
import type { RootEdits } from "./root-edits.ts";

/** The guest's side of src/network/addressing.ts. */
const NAMESERVER = "10.0.2.2";
const HOSTS = "127.0.0.1 localhost\n127.0.1.1 boxcar\n::1 localhost ip6-localhost\n";
const INIT_FILE = "/usr/lib/boxcar/boxcar-init";
const UNITS = "/etc/systemd/system";

/** Keys of a host are its own, so no image has any. */
const SSH_KEYS = `[Service]
ExecStartPre=
ExecStartPre=/usr/bin/ssh-keygen -A
ExecStartPre=/usr/sbin/sshd -t
`;

export interface GuestPrograms {
  readonly agentBinary: string;
  readonly initBinary: string;
}

/** @param edits To which they are added. */
export function addGuestFiles(
  edits: RootEdits,
  recipe: Pick<ParsedRecipe, "boot" | "agent" | "firstBoot">,
  { agentBinary, initBinary }: GuestPrograms,
): void {
  const program = (path: string, file: string) => edits.file({ path, mode: 0o755 }, { file });
  if (recipe.agent) {
    program(AGENT_FILE, agentBinary);
    edits.link(AGENT_COMMAND, AGENT_FILE);
  }
  if (recipe.boot === "agent") {
    program(INIT_FILE, initBinary);
    for (const name of ["init", "poweroff", "reboot", "halt"]) {
      edits.link(`/usr/sbin/${name}`, INIT_FILE);
    }
  }
  edits.file({ path: "/etc/hostname", mode: 0o644 }, "boxcar\n");
  edits.file({ path: "/etc/hosts", mode: 0o644 }, HOSTS);
  if (recipe.agent) edits.file({ path: "/etc/resolv.conf", mode: 0o644 }, `nameserver ${NAMESERVER}\n`);
  if (recipe.boot !== "agent") {
    if (recipe.agent) addUnit(edits, AGENT_UNIT);
    edits.file({ path: `${UNITS}/ssh.service.d/boxcar.conf`, mode: 0o644 }, SSH_KEYS);
  }
  if (recipe.firstBoot.length === 0) return;
  edits.file({ path: FIRST_BOOT_FILE, mode: 0o755 }, firstBootScript(recipe.firstBoot));
  if (recipe.boot !== "agent") addUnit(edits, FIRST_BOOT_UNIT);
}

function addUnit(edits: RootEdits, { name, text }: { name: string; text: string }): void {
  edits.file({ path: `${UNITS}/${name}`, mode: 0o644 }, text);
  edits.link(`${UNITS}/multi-user.target.wants/${name}`, `../${name}`);
}
