#!/usr/bin/env bash
# Everything a change must pass.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/check-static.sh
exec bash scripts/test.sh "$@"
