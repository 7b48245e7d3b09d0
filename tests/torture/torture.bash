# SPDX-License-Identifier: MIT
# torture: the long forms of the tests of faults, and what came of them.
#
#   bash torture.bash [walk] [storm] [million] [ids] [resume]
#
# Prints Markdown; ends with 1 when a promise was broken. `make torture` calls it with
# MUSTER, CHILDREN, FAULTS_PRELOAD and PROGRAMS (the folder of walk and storm) set.
# STORM_RUNS (of each kind, 2000), JOBS (at once, 4 for each CPU) and SEED (1) may be set.
set -u
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
: "${MUSTER:?}" "${CHILDREN:?}" "${FAULTS_PRELOAD:?}" "${PROGRAMS:?}"
rows=(walk storm million ids resume)
[ $# = 0 ] || rows=("$@")
jobs=${JOBS:-$(($(nproc) * 4))}
[ "$jobs" -le 16 ] || jobs=16
top=$(mktemp -d "${TMPDIR:-/tmp}/muster-torture.XXXXXX") || exit 3
trap 'rm -rf -- "$top"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
export TMPDIR=$top LC_ALL=C TZ=UTC0 XDG_STATE_HOME=$top/state
unset CI GITHUB_ACTIONS GITHUB_STEP_SUMMARY GITLAB_CI MUSTER_DEBUG MAKEFLAGS MFLAGS

status=0
part() { # TITLE WORD...
    local began=$SECONDS
    printf '## %s\n\n' "$1"
    shift
    "$@" || status=1
    printf '\n%d s.\n\n' $((SECONDS - began))
}

printf '# Torture\n\n%s, %s CPUs, Linux %s, %s.\n\n' "$("$MUSTER" --version | head -n 1)" "$(nproc)" \
    "$(uname -r)" "$(date -u +%F)"
for row in "${rows[@]}"; do
    case $row in
    walk) part 'Every call fails in turn, until a run in which none is left to' \
        "$PROGRAMS/walk" --all --jobs "$jobs" ;;
    storm) part 'Signals at random moments' \
        "$PROGRAMS/storm" --runs "${STORM_RUNS:-2000}" --jobs "$jobs" --seed "${SEED:-1}" ;;
    million) part 'A million jobs in one run' bash "$here/million.bash" ;;
    ids) part 'Process ids that come again at once' bash "$here/ids.bash" ;;
    resume) part 'Killed at random moments, and resumed' bash "$here/resume.bash" ;;
    *)
        echo "torture: there is no row '$row' (walk storm million ids resume)" >&2
        exit 2
        ;;
    esac
done
exit "$status"
