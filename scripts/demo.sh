#!/usr/bin/env bash
# Sets up what is missing and runs a task in a machine of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
out=boxcar-output/demo
node_modules/.bin/node bin/boxcar.js run examples/report.yml --output "$out" --screenshot "$out/screen.png"
cat <<TEXT

The machine is gone. What it left:
  $out/artifacts/report   the folder the task made
  $out/screen.png         its screen when the command had ended
  $out/task.log           all it printed
  $out/result.json        how it ended, and how long each phase took

Try next:
  npm run demo                                        # once more: now the machine need not boot
  npm run -s boxcar -- run examples/failing.yml
  npm run -s boxcar -- run -- sh -c 'uname -a; free -m'
  npm run -s boxcar -- --help
TEXT
