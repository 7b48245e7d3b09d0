#!/bin/sh
# SPDX-License-Identifier: MIT
# quickstart: from a fresh checkout to a table of a real run.
#
# usage: sh examples/quickstart.sh [FOLDER]
#
# Installs what the build needs where that can be done (Debian, Ubuntu), builds
# muster in ./build and runs quickstart.ini. The jobs' results go to FOLDER,
# else to a temporary folder that is removed at the end. With MUSTER=PROGRAM in
# the environment that muster is run and nothing is installed or built.
set -eu

say() {
    printf 'quickstart: %s\n' "$*" >&2
}

die() {
    say "$*"
    exit 1
}

top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
packages='gcc make libc6-dev autoconf automake pkg-config
    libuv1-dev libinih-dev libsmartcols-dev libjansson-dev'

# Whether all that the build needs is there, whoever packaged it.
ready() {
    for tool in cc make autoreconf automake pkg-config; do
        command -v "$tool" >/dev/null 2>&1 || return 1
    done
    pkg-config --exists 'libuv >= 1.40' inih 'smartcols >= 2.33' 'jansson >= 2.10'
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo -- "$@"
    else
        # shellcheck disable=SC2086 # a list
        die "not root, and no sudo here; as root, run: apt-get install" $packages
    fi
}

install_packages() {
    if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-query >/dev/null 2>&1; then
        say 'this system has no apt-get; install these (Debian names) and start again:'
        # shellcheck disable=SC2086 # a list
        die $packages
    fi
    missing=
    for package in $packages; do
        # shellcheck disable=SC2016 # dpkg-query's own variable
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) missing="$missing $package" ;;
        esac
    done
    [ -n "$missing" ] || die 'all packages are installed, yet something is not found: look at PATH'
    say "installing$missing"
    # The package lists may be missing or old: then they are fetched, and it is tried again.
    # shellcheck disable=SC2086 # a list
    if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || ! get $missing; then
        as_root apt-get -q update >&2
        get $missing || die "could not install$missing"
    fi
}

get() {
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y --no-install-recommends install "$@" >&2
}

# The build runs in ./build, the source folder gets only what autoreconf makes.
build() {
    cd -- "$top"
    if [ ! -x configure ] || [ ! -e Makefile.in ] || [ ! -e config.h.in ] ||
        [ -n "$(find configure.ac Makefile.am -newer configure)" ]; then
        say 'autoreconf'
        autoreconf -fi >&2
    fi
    mkdir -p build
    cd build
    if [ ! -e config.status ] || [ ! -e Makefile ] || [ -n "$(find ../configure -newer Makefile)" ]
    then
        say 'configure'
        ../configure -q >&2
    fi
    say 'make'
    make -s -j "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)" muster >&2
    muster=$top/build/muster
    cd -- "$caller"
}

caller=$(pwd)
if [ -n "${MUSTER-}" ]; then
    muster=$MUSTER
else
    ready || install_packages
    ready || die 'something that the build needs is still missing'
    build </dev/null
fi

if [ $# -gt 0 ]; then
    mkdir -p -- "$1"
    out=$(CDPATH='' cd -- "$1" && pwd)
else
    out=$(mktemp -d)
    trap 'rm -rf -- "$out"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
fi

# The table on standard output leaves out rows that went well when there are
# more than 50 of them; the one in a file has every row.
say "running $top/examples/quickstart.ini"
status=0
"$muster" run --define "OUT=$out" --report "table:$out/table.txt" \
    --report "json:$out/results.json" "$top/examples/quickstart.ini" >/dev/null || status=$?
if [ -e "$out/table.txt" ]; then
    cat -- "$out/table.txt"
fi
[ $# -eq 0 ] || say "results, table.txt and results.json are in $out"
exit "$status"
