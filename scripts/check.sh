#!/usr/bin/env bash
# Everything a change must pass: types, lint and format, import direction,
# generated types, tests.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh --no-image
export PATH="$PWD/node_modules/.bin:$PATH"
tsc -p .
biome check .
node scripts/check-imports.ts
node scripts/generate-types.ts --check
exec bash scripts/test.sh "$@"
