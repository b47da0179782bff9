#!/bin/sh
# In place of the agent: what autopkgtest's setup-testbed makes a guest start.
until [ -c /dev/hvc1 ]; do sleep 0.05; done
setsid sh </dev/hvc1 >/dev/hvc1 2>&1 &
echo "$(hostname) login: " >/dev/ttyS0
wait
