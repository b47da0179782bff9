#!/usr/bin/env bash
# Sets up what is missing and runs the tests; arguments go to vitest.
set -euo pipefail
cd "$(dirname "$0")/.."
# Only real machines need the image; "--project unit" and the like do without.
case "$*" in
  *--project*system* | *--project*browser*) bash scripts/setup.sh ;;
  *--project*) bash scripts/setup.sh --no-image ;;
  *) bash scripts/setup.sh ;;
esac
export PATH="$PWD/node_modules/.bin:$PATH"
exec vitest run "$@"
