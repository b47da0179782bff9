#!/usr/bin/env bash
# Sets up what is missing and runs the tests; arguments go to vitest.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
export PATH="$PWD/node_modules/.bin:$PATH"
exec vitest run "$@"
