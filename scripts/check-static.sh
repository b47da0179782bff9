#!/usr/bin/env bash
# What can be said about a change without running it: types, lint and format,
# import directions, generated types.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh --no-image
export PATH="$PWD/node_modules/.bin:$PATH"
tsc -p .
tsc -p src/dashboard
tsc -p test/browser
biome check .
node scripts/check-imports.ts
node scripts/generate-types.ts --check
