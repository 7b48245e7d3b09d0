# SPDX-License-Identifier: MIT
# bench: muster beside the bare system calls and beside its peers, in turns.
#
#   bash bench.bash bench|bench-quick [ROW...]
#
# Prints Markdown: the machine, the figures of each workload, and one table of
# ratios. `make bench` calls it with MUSTER, PROGRAMS (folder of what is built
# in tests/bench) and FLAGS (how all was compiled) in the environment.
set -u
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
rows=(w1 w1b w2 w2c w3 w4 w5 w6 w7 w8 w8b w9)

case ${1-} in
bench) quick=no ;;
bench-quick) quick=yes ;;
*)
    echo 'usage: bash bench.bash bench|bench-quick [ROW...]' >&2
    exit 2
    ;;
esac
command="make $1${2+ BENCH=\"${*:2}\"}"
shift
[ $# = 0 ] || rows=("$@")
for row in "${rows[@]}"; do
    [ -f "$here/$row.bash" ] || {
        echo "bench: there is no row '$row' (w1 w1b w2 w2c w3 w4 w5 w6 w7 w8 w8b w9)" >&2
        exit 2
    }
done

muster=${MUSTER:?} limit=${PROGRAMS:?}/limit gauge=$PROGRAMS/gauge task=$PROGRAMS/task
start=$PROGRAMS/start ballast=$PROGRAMS/ballast.so
top=$(mktemp -d "${TMPDIR:-/tmp}/muster-bench.XXXXXX") || exit 3
trap 'rm -rf -- "$top"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
results=$top/results

# Settings of the caller's that would change what is measured.
unset CI GITHUB_ACTIONS GITHUB_STEP_SUMMARY GITLAB_CI MUSTER_DEBUG MAKEFLAGS MFLAGS MAKELEVEL \
    MAKEFILES NINJA_STATUS PARALLEL XARGS
export LC_ALL=C XDG_STATE_HOME=$top/state PARALLEL_HOME=$top/parallel TMPDIR=$top
mkdir -p "$PARALLEL_HOME"
: >"$PARALLEL_HOME/will-cite"
ulimit -S -n "$(ulimit -H -n)"

# --- peers ----------------------------------------------------------------------

# Two programs bear the name parallel; where both are installed one is renamed.
moreutils=''
for program in parallel.moreutils parallel; do
    if [ -z "$moreutils" ] && command -v "$program" >/dev/null &&
        ! "$program" --version 2>/dev/null </dev/null | grep -q GNU; then
        moreutils=$program
    fi
done

have() {
    case $1 in
    moreutils) [ "$moreutils" ] ;;
    parallel) parallel --version 2>/dev/null </dev/null | grep -q GNU ;;
    samurai) command -v samu >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

version() {
    case $1 in
    moreutils) dpkg-query -W -f 'moreutils ${Version}\n' moreutils 2>/dev/null || echo moreutils ;;
    samurai) echo "samurai $(samu --version 2>&1)" ;;
    ninja) echo "ninja $(ninja --version)" ;;
    *) "$1" --version 2>/dev/null | head -n 1 ;;
    esac
}

package() {
    case $1 in
    xargs) echo findutils ;;
    ninja) echo ninja-build ;;
    *) echo "$1" ;;
    esac
}

. "$here/lib.bash"

# --- the head ---------------------------------------------------------------------

lacking=''
echo '# muster, measured'
echo
echo "Command: \`$command\`, $(date -u '+%Y-%m-%d %H:%M UTC')"
echo
echo "- machine: $(nproc) CPUs ($(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)), $(
    awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), Linux $(uname -r), $(
    . /etc/os-release && echo "$PRETTY_NAME"); load at the start $(cut -d ' ' -f 1 /proc/loadavg)"
echo "- $("$muster" --version | head -n 1), compiled with ${FLAGS:-?}"
for peer in "${peers[@]}"; do
    if have "$peer"; then
        echo "- $(version "$peer")"
    else
        lacking+=" $(package "$peer")"
    fi
done
[ -z "$lacking" ] || echo "- not installed, so left out (on Debian: apt-get install$lacking)"
case " ${FLAGS-} " in
*fsanitize* | *coverage*) echo "- THIS IS AN INSTRUMENTED BUILD: its figures say nothing" ;;
*' -O2 '* | *' -O3 '*) ;;
*) echo "- THIS IS NOT AN OPTIMISED BUILD: configure with CFLAGS='-O2 -g'" ;;
esac
echo
cat <<'END'
All contenders of a workload take turns (A B C A B C ...). Figures are medians over
the rounds; a ratio is the median of the ratios of each round. The limit is a C
program that does nothing but the system calls of the same work.
END

# --- the rows ---------------------------------------------------------------------

begin=$SECONDS
for row in "${rows[@]}"; do
    work=$top/$row
    mkdir "$work"
    ( . "$here/$row.bash" )
    rm -rf -- "$work"
done

echo
echo '## Ratios'
echo
echo 'SPREAD is from the least to the most of the ratios to the limit, of their median.'
echo
{
    echo 'ROW|WHAT|MUSTER|LIMIT|/ LIMIT|BEST PEER|/ PEER|SPREAD|GOAL|REACHED'
    [ ! -f "$results" ] || cat "$results"
} | align
echo
echo "Took $((SECONDS - begin)) s; load at the end $(cut -d ' ' -f 1 /proc/loadavg)."
