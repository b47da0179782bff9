/**
 * What makes a guest with cloud-init one of Boxcar's: a script that fetches the agent and has it started. Pure.
 *
 * It is a boot hook, the kind of user-data that is run first, on each boot and without regard to what other parts say.
 * The agent begins when all of cloud-init is done, so that a task finds what user-data has made.
 */
import { type CloudInitFacts, METADATA_URL } from "./facts.ts";

const TRIES = 30;

/** Shell of POSIX; of other programs it needs what every system with cloud-init has. */
export function agentHook({ agentSha256 }: Pick<CloudInitFacts, "agentSha256">): string {
  return `#!/bin/sh
# Boxcar: fetches the agent that runs the task of this machine, and has it started when cloud-init is done.
url=${METADATA_URL}/engine/v1/agent/linux-x64
digest=${agentSha256}
export no_proxy='*' NO_PROXY='*'

fail() {
  echo "boxcar: $1" >&2
  exit 1
}

fetch() {
  if command -v curl >/dev/null 2>&1; then
    curl -fsS --max-time 60 -o "$1" "$url"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -T 60 -O "$1" "$url"
  else
    python3 -c 'import sys, urllib.request as r; r.urlretrieve(sys.argv[2], sys.argv[1])' "$1" "$url"
  fi
}

is_whole() {
  set -- "$1" $(sha256sum "$1" 2>/dev/null)
  [ "$2" = "$digest" ]
}

for directory in /usr/local/bin /run/boxcar; do
  agent=$directory/boxcar-agent
  mkdir -p "$directory" 2>/dev/null && { true >"$agent.new"; } 2>/dev/null && break
done
tries=${TRIES}
until fetch "$agent.new" && is_whole "$agent.new"; do
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || fail "the agent cannot be fetched from $url"
  sleep 1
done
chmod 755 "$agent.new" && mv -f "$agent.new" "$agent" || fail "the agent cannot be put into $directory"
# Where SELinux decides what a service may start, by the kind of the file.
if command -v restorecon >/dev/null 2>&1; then restorecon "$agent"; fi

if [ -d /run/systemd/system ]; then
  cat >/run/systemd/system/boxcar-agent.service <<EOF
${agentUnit("$agent")}EOF
  systemctl daemon-reload
  systemctl start --no-block boxcar-agent.service
else
  # cloud-init writes this when it has done all it does in one boot.
  (
    until [ -e /run/cloud-init/result.json ]; do sleep 1; done
    exec "$agent"
  ) </dev/null >/dev/null 2>&1 &
fi
`;
}

/** A task may use all that the machine has, and ends with it; a part of it that dies is nothing to the agent. */
function agentUnit(program: string): string {
  return `[Unit]
Description=Boxcar agent
After=cloud-final.service
[Service]
ExecStart=${program}
Restart=on-failure
Delegate=yes
TasksMax=infinity
OOMPolicy=continue
KillMode=mixed
`;
}
