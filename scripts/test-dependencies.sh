#!/bin/sh
# What the tests need beyond Python: installs the missing ones with apt (as root), else names them.
#   iproute2       ip, to look at network namespaces from outside Lateen
#   redis-server   counters of the rate limit service, where several share them
set -eu
missing=""
command -v ip >/dev/null 2>&1 || missing="$missing iproute2"
command -v redis-server >/dev/null 2>&1 || missing="$missing redis-server"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "the tests need these packages:$missing" >&2
  exit 2
fi
apt-get update -qq
# shellcheck disable=SC2086 - a list of names
apt-get install -y -qq --no-install-recommends $missing
