/** Takes out of a root what only tells of its own making, so that the same packages give the same files. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ADMINISTRATORS_PATH, runCommand } from "../../host/command.ts";
import { datedShadow } from "./accounts.ts";
import type { Starter } from "./namespace.ts";

/** Run in the root, with the time in seconds as its argument. */
const TIDY = `
set -eu
cd "$1"
empty() { for folder in "$@"; do if [ -d "$folder" ]; then find "$folder" -mindepth 1 -delete; fi; done; }
without_files() { for folder in "$@"; do if [ -d "$folder" ]; then find "$folder" -type f -delete; fi; done; }
empty dev run tmp var/tmp var/lib/apt/lists var/cache/ldconfig var/cache/fontconfig var/backups
without_files var/log var/cache/apt var/cache/man
rm -f etc/passwd- etc/group- etc/shadow- etc/gshadow- etc/subuid- etc/subgid- etc/ssh/ssh_host_*
rm -f var/lib/dpkg/*-old var/cache/debconf/*-old var/lib/systemd/random-seed var/lib/systemd/credential.secret
if [ -d etc/systemd ] || [ -e etc/machine-id ]; then : >etc/machine-id; fi
if [ -f var/lib/dbus/machine-id ] && [ ! -L var/lib/dbus/machine-id ]; then ln -sfn /etc/machine-id var/lib/dbus/machine-id; fi
clamp() { find . -xdev -newermt "@$1" -exec touch -h -d "@$1" {} +; }
clamp "$2"
# It notes the times of folders, and is of no use with other ones.
if [ -x usr/bin/fc-cache ]; then SOURCE_DATE_EPOCH="$2" chroot . fc-cache -s -f; clamp "$2"; fi
`;

/** @param newestSeconds Since 1970; what is newer gets this time. */
export async function tidyRoot(
  root: string,
  newestSeconds: number,
  { starter, signal }: { starter: Starter; signal?: AbortSignal | undefined },
): Promise<void> {
  const shadow = join(root, "etc/shadow");
  await writeFile(shadow, datedShadow(await readFile(shadow, "utf8"), newestSeconds));
  const env = { PATH: ADMINISTRATORS_PATH };
  await runCommand(["sh", "-c", TIDY, "sh", root, String(newestSeconds)], { starter, signal, env });
}
