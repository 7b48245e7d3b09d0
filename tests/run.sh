#!/bin/sh
# SPDX-License-Identifier: MIT
# run: installs the test tools, builds muster in a folder of its own and runs
# every test: sh tests/run.sh [CONFIGURE-OPTION...]
# With --packages it ends when all is installed.
#
# On Debian what is missing is installed, as root or through sudo; elsewhere
# everything has to be there. Without options the build is --enable-devel.
set -eu

top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
if command -v dpkg-query >/dev/null 2>&1; then
    sh "$top/tests/packages.sh" gcc make libc6-dev autoconf automake pkg-config xz-utils \
        libuv1-dev libinih-dev libsmartcols-dev libjansson-dev libsqlite3-dev \
        libcurl4-openssl-dev libcmocka-dev bats jq sqlite3 mandoc strace procps \
        cmark-gfm libxml2-utils nginx-light parallel openssl perl python3 python3-prometheus-client \
        fish zsh
fi
[ "${1-}" != --packages ] || exit 0

build=$(mktemp -d "${TMPDIR:-/tmp}/muster-tests-XXXXXX")
trap 'rm -rf -- "$build"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

cd -- "$top"
# A configure of a release is newer than what it is made of; one of a checkout may not be.
if [ ! -x configure ] || [ ! -e build-aux/tap-driver.sh ] ||
    [ -n "$(find configure.ac Makefile.am -newer configure)" ]; then
    autoreconf -fi >&2
fi
cd -- "$build"
"$top/configure" --quiet --enable-devel "$@" >&2
for goal in all 'check TESTS='; do
    # shellcheck disable=SC2086 # words
    make -s -j "$(getconf _NPROCESSORS_ONLN)" $goal >&2
done

# One after the other: some tests look at what the whole machine does.
status=0
make -s check </dev/null || status=$?

# Automake writes a line for each result of each test.
results=$(find . -name '*.trs' -exec sed -n 's/^:test-result: \([A-Z]*\).*/\1/p' {} +)
passed=$(printf '%s\n' "$results" | grep -c '^PASS$' || :)
failed=$(printf '%s\n' "$results" | grep -vc '^PASS$' || :)
if [ "$failed" != 0 ] || [ "$status" != 0 ] || [ "$passed" = 0 ]; then
    cat test-suite.log >&2 || :
    [ "$status" != 0 ] || status=1
fi
printf '%s passed, %s failed\n' "$passed" "$failed"
exit "$status"
