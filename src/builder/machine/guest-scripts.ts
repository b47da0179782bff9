/**
 * What is run in a guest to make it what a recipe says, for `sh` of any Linux. Pure; arguments come as `$1`, `$2` …, so
 * nothing of a recipe is ever part of a script.
 */

/** Arguments: the packages. */
export const INSTALL_PACKAGES = `
export DEBIAN_FRONTEND=noninteractive
if command -v apt-get >/dev/null; then
  options="-q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"
  apt-get $options update && exec apt-get $options install -y --no-install-recommends -- "$@"
elif command -v dnf >/dev/null; then
  exec dnf install -y --setopt=install_weak_deps=False -- "$@"
elif command -v apk >/dev/null; then
  exec apk add --no-cache -- "$@"
fi
echo "there is no apt-get, dnf or apk in this image to install packages with" >&2
exit 127
`;

/** Prints what is installed, a name and a version a line; nothing where nobody knows. */
export const LIST_PACKAGES = `
if command -v dpkg-query >/dev/null; then exec dpkg-query -W -f '\${Package} \${Version}\\n'
elif command -v rpm >/dev/null; then exec rpm -qa --qf '%{NAME} %{VERSION}-%{RELEASE}\\n'
elif [ -f /lib/apk/db/installed ]; then exec sed -n 's/^P:\\(.*\\)/\\1/p;s/^V:\\(.*\\)/ \\1/p' /lib/apk/db/installed
fi
`;

/** Arguments: name, number or "", shell, groups with commas between or "", keys for ssh a line each or "". */
export const ADD_USER = `
set -eu
name=$1 id=$2 shell=$3 groups=$4 keys=$5
fail() { echo "$*" >&2; exit 1; }
taken() { grep -q "^[^:]*:[^:]*:$1:" /etc/passwd /etc/group; }
if grep -q "^$name:" /etc/passwd /etc/group; then fail "there is a user or group $name already"; fi
if [ -n "$id" ]; then
  if taken "$id"; then fail "the number $id is that of another user or group"; fi
else
  id=1001
  while taken "$id"; do id=$((id + 1)); done
fi
for group in $(echo "$groups" | tr , ' '); do
  grep -q "^$group:" /etc/group || fail "there is no group $group in this image"
done
if [ ! -x "$shell" ]; then
  echo "$shell is not in this image; $name gets /bin/sh"
  shell=/bin/sh
fi
home=/home/$name
if command -v useradd >/dev/null && command -v groupadd >/dev/null; then
  groupadd -g "$id" -- "$name"
  useradd -m -d "$home" -u "$id" -g "$name" -s "$shell" \${groups:+-G "$groups"} -- "$name"
else
  echo "$name:x:$id:" >>/etc/group
  echo "$name:x:$id:$id::$home:$shell" >>/etc/passwd
  [ ! -f /etc/shadow ] || echo "$name:!::0:99999:7:::" >>/etc/shadow
  for group in $(echo "$groups" | tr , ' '); do
    sed -i -e "/^$group:/s/\\([^:]\\)$/\\1,$name/" -e "/^$group:/s/:$/:$name/" /etc/group
  done
  mkdir -p "$home"
  [ ! -d /etc/skel ] || cp -R /etc/skel/. "$home"
  chown -R "$id:$id" "$home"
  chmod 0755 "$home"
fi
if [ -n "$keys" ]; then
  mkdir -p "$home/.ssh"
  printf '%s\\n' "$keys" >"$home/.ssh/authorized_keys"
  chmod 0700 "$home/.ssh"
  chmod 0600 "$home/.ssh/authorized_keys"
  chown -R "$id:$id" "$home/.ssh"
fi
`;

/** Prints who is to run a file when the machine first boots. Arguments: the file. */
export const WHO_RUNS_FIRST_BOOT = `
case $(readlink /proc/1/exe) in
  */boxcar-init*) if grep -q "$1" /proc/1/exe; then echo init; else echo old-init; fi ;;
  *) echo systemd ;;
esac
`;

/** The first process goes on with the old file: were that deleted, the disk would not be whole at the end. */
export const PUT_INIT_ASIDE = "ln -f /usr/lib/boxcar/boxcar-init /usr/lib/boxcar/boxcar-init.old";

/** Arguments: path, owner, mode. */
export const OWN_FILE = `chown -- "$2" "$1" && chmod -- "$3" "$1"`;

/** Has systemd start a unit at boot. Arguments: the unit. */
export const ENABLE_UNIT = `
if command -v systemctl >/dev/null; then exec systemctl enable -- "$1"; fi
echo "this image has no systemd, and is not started by boxcar-init, so nothing would run $1" >&2
exit 1
`;

/** What tells machines apart, and what nobody needs, is not to be in the image. Never fails. */
export const CLEAN_UP = `
if command -v apt-get >/dev/null; then apt-get clean; rm -rf /var/lib/apt/lists/*; fi
if command -v dnf >/dev/null; then dnf -q clean all; fi
rm -rf /var/cache/apk/* /var/tmp/* /tmp/* /root/.bash_history
if command -v cloud-init >/dev/null; then cloud-init clean --logs; fi
# cloud-init had fetched it for this build.
if [ ! -e /etc/systemd/system/boxcar-agent.service ]; then rm -f /usr/local/bin/boxcar-agent; fi
if [ -f /etc/machine-id ]; then : >/etc/machine-id; fi
if [ -f /var/lib/dbus/machine-id ] && [ ! -L /var/lib/dbus/machine-id ]; then rm -f /var/lib/dbus/machine-id; fi
rm -f /var/lib/systemd/random-seed
# Only where they are made anew.
if [ -e /etc/systemd/system/ssh.service.d/boxcar.conf ]; then rm -f /etc/ssh/ssh_host_*; fi
rm -rf /var/log/journal/*
find /var/log -xdev -type f \\( -name '*.gz' -o -name '*.[0-9]' -o -name '*.old' \\) -exec rm -f {} + 2>/dev/null
find /var/log -xdev -type f -exec sh -c 'for file; do : >"$file"; done' sh {} + 2>/dev/null
sync
exit 0
`;

/**
 * From now on what is deleted takes no room on the disk. Lasts until the machine ends. A small Debian has no mount(8), but
 * Perl, which can ask the kernel (x86-64: call 165; MS_REMOUNT is 32).
 */
export const DISCARD_DELETED = `
mount -o remount,discard / 2>/dev/null && exit 0
perl -e 'my ($root, $options) = ("/", "discard"); syscall(165, 0, $root, 0, 32, $options)' 2>/dev/null
exit 0
`;

/** What was deleted before, too: on an overlay it would hide all that is empty below it, and all of that be compared. */
export const DISCARD_ALL = "if command -v fstrim >/dev/null; then fstrim / 2>/dev/null; fi; exit 0";

/**
 * boxcar-init stops no services and unmounts nothing: whoever ends it has to see to the disk. Elsewhere the system does.
 */
export const POWER_OFF = `
sync
case $(readlink /proc/1/exe) in
  */boxcar-init*)
    echo s >/proc/sysrq-trigger
    echo u >/proc/sysrq-trigger
    tries=0
    # The kernel does it by and by.
    until grep -q '^[^ ]* / [^ ]* ro[, ]' /proc/mounts; do
      tries=$((tries + 1))
      if [ $tries -gt 300 ]; then echo "the root cannot be made read-only" >&2; exit 1; fi
      sleep 0.1
    done
    # It says so before it is done; this waits for it.
    sync
    ;;
esac
if command -v systemctl >/dev/null && [ -d /run/systemd/system ]; then exec systemctl poweroff --no-wall; fi
exec poweroff
`;
