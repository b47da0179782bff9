/**
 * What an image runs once, when a machine first boots from it. Pure.
 *
 * boxcar-init runs the script before it starts the agent, without a network; systemd by the unit, before the agent too.
 * A script that fails ends the machine, so that no task runs in one that is not what its image promises.
 */
import type { RecipeCommand } from "./recipe.ts";

/** Known to src/guest/init/first-boot.c; whoever runs it removes it when it has succeeded. */
export const FIRST_BOOT_FILE = "/usr/lib/boxcar/first-boot";

export const FIRST_BOOT_UNIT = {
  name: "boxcar-first-boot.service",
  text: `[Unit]
Description=What the image does when a machine first boots from it
ConditionPathExists=${FIRST_BOOT_FILE}
After=local-fs.target
Before=boxcar-agent.service
FailureAction=poweroff

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${FIRST_BOOT_FILE}
ExecStartPost=/bin/rm -f ${FIRST_BOOT_FILE}
StandardOutput=journal+console

[Install]
WantedBy=multi-user.target
`,
} as const;

/** Ends at the first command that fails. */
export function firstBootScript(commands: readonly RecipeCommand[]): string {
  const lines = commands.map((command) => `${shellCommand(command)} || fail $? ${shellWord(describeCommand(command))}`);
  return `#!/bin/sh
# Run once, as root, when a machine first boots from this image.
fail() { echo "first boot: exit code $1: $2" >&2; exit 1; }
export HOME=/root
cd /
${lines.join("\n")}
`;
}

/** As a person would type it; a text that was given to a shell is shown as it was. At most 200 characters. */
export function describeCommand(command: RecipeCommand): string {
  const [program, flag, text] = command;
  const isText = command.length === 3 && program === "sh" && flag === "-c" && text !== undefined;
  const shown = (isText ? text : shellCommand(command)).trim().replaceAll(/\s+/g, " ");
  return shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN - 1)}…` : shown;
}

const MAX_SHOWN = 200;
const PLAIN = /^[\w@%+=:,./-]+$/;

function shellCommand(command: RecipeCommand): string {
  return command.map(shellWord).join(" ");
}

function shellWord(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
