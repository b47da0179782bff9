#!/usr/bin/env bash
# Brings a checkout to the point where Boxcar runs: Debian packages, npm
# packages, build, guest programs, default image. Does only what is missing, and
# says so; quick when nothing is.
#
#   scripts/setup.sh             everything
#   scripts/setup.sh --no-image  all but the default image
set -euo pipefail
cd "$(dirname "$0")/.."

IMAGE=debian-minimal
with_image=true
case "$*" in
  "") ;;
  --no-image) with_image=false ;;
  *)
    echo "usage: scripts/setup.sh [--no-image]" >&2
    exit 2
    ;;
esac

say() { printf 'setup: %s\n' "$*" >&2; }

# command that shows it is there, and the package that brings it
REQUIRED=(
  qemu-system-x86_64:qemu-system-x86
  qemu-img:qemu-utils
  mmdebstrap:mmdebstrap
  depmod:kmod
  zstd:zstd
  xz:xz-utils
  gcc:gcc
  make:make
  mke2fs:e2fsprogs
  sfdisk:fdisk
  mformat:mtools
  grub-mkimage:grub-common
  genisoimage:genisoimage
  setpriv:util-linux
  nsenter:util-linux
  ip:iproute2
  mount:mount
  tar:tar
  swtpm:swtpm
  nft:nftables
  dnsmasq:dnsmasq-base
  chromium:chromium
  apt-ftparchive:apt-utils
)

debian_packages() {
  local missing=() pair
  for pair in "${REQUIRED[@]}"; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  # Who is not root makes images with numbers of other users.
  [ "$(id -u)" -eq 0 ] || command -v newuidmap >/dev/null || missing+=(uidmap)
  [ -e /usr/include/stdio.h ] || missing+=(libc6-dev)
  [ -e /usr/share/OVMF ] || missing+=(ovmf)
  [ -e /usr/lib/grub/i386-pc ] || missing+=(grub-pc-bin)
  [ -e /usr/lib/grub/x86_64-efi ] || missing+=(grub-efi-amd64-bin)
  # The programs of the server; its cluster "main", which would be made and started, is not wanted.
  compgen -G "/usr/lib/postgresql/*/bin/postgres" >/dev/null || missing+=(postgresql-15)
  [ ${#missing[@]} -eq 0 ] && return
  say "Debian packages: ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    say "these need root; type this, then try again:"
    say "  sudo apt-get update && sudo apt-get install --no-install-recommends ${missing[*]}"
    exit 1
  fi
  apt-get update -qq
  if [[ " ${missing[*]} " == *" postgresql-15 "* && ! -e /etc/postgresql-common/createcluster.conf ]]; then
    mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

npm_packages() {
  local stamp=node_modules/.boxcar-setup
  if [ -x node_modules/.bin/node ] && cmp -s package-lock.json "$stamp"; then return; fi
  say "npm packages"
  # Not "npm ci": it refuses a lock file whose optional packages for other platforms a mirror lacks.
  npm install --no-audit --no-fund --loglevel=error
  cp package-lock.json "$stamp"
}

build() {
  # A package from npm brings what a checkout builds here.
  if [ -d src/cli ]; then npm run --silent build; fi
  make --silent -C src/guest/agent OUT="$PWD/build/guest"
  make --silent -C src/guest/init OUT="$PWD/build/guest"
  make --silent -C src/guest/inspect OUT="$PWD/build/guest"
}

boxcar() { node_modules/.bin/node bin/boxcar.js "$@"; }

default_image() {
  boxcar image build "$IMAGE" --if-outdated && return
  [ "$(id -u)" -eq 0 ] && exit 1
  say "root can build it; type this, then try again:"
  say "  sudo node_modules/.bin/node bin/boxcar.js image build $IMAGE --output build/$IMAGE.tar.zst"
  say "  npm run -s boxcar -- image import build/$IMAGE.tar.zst --tag $IMAGE"
  exit 1
}

debian_packages
npm_packages
build
if $with_image; then default_image; fi
