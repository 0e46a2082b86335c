#!/bin/sh
# Install the Debian packages named as arguments that are not there yet. Where that is not possible, say which are
# missing and go on: the tests that need them skip themselves with their reason.
set -eu

missing=
for package in "$@"; do
    state="$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)"
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "not installed (needs root on Debian):$missing" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
echo "installing$missing"
apt-get -qq -o DPkg::Lock::Timeout=300 update
# shellcheck disable=SC2086  # one word a package
apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install -y --no-install-recommends $missing >/dev/null
