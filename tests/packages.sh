#!/bin/sh
# SPDX-License-Identifier: MIT
# packages: sees to it that Debian packages are installed: packages.sh NAME...
#
# Installs only what is missing, as root or through sudo. Where that cannot be
# done it names the packages and ends with status 1.
set -eu

die() {
    printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2
    exit 1
}

missing=
for package in "$@"; do
    # shellcheck disable=SC2016 # dpkg-query's own variable
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=none
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null 2>&1 ||
    die "no apt-get here; install these (Debian's names) and start again:$missing"
if [ "$(id -u)" = 0 ]; then
    sudo=
elif command -v sudo >/dev/null 2>&1; then
    sudo='sudo --'
else
    die "not root, and no sudo here; as root, run: apt-get install$missing"
fi

# Another one may be at it.
get() {
    # shellcheck disable=SC2086 # lists
    $sudo env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=600 \
        install $missing </dev/null >&2
}

printf 'installing%s\n' "$missing" >&2
# A fresh container has no package lists; an old machine's may be stale.
get || { $sudo apt-get -q update </dev/null >&2 && get; } || die "could not install$missing"
