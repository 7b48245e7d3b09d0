# SPDX-License-Identifier: MIT
# banned: calls that have no place in src, or only in one.
. "$(dirname -- "$0")/lib.sh"
COMPILE=${COMPILE:-cc -std=c11 -D_GNU_SOURCE -Isrc}

# The code as "FILE: LINE", without comments and the insides of strings.
code=$(for file in src/*.c src/*/*.[ch]; do
    $COMPILE -fpreprocessed -dD -E -P -x c "$file" 2>/dev/null |
        sed -e 's/\\"//g' -e 's/"[^"]*"/""/g' -e "s|^|$file: |"
done)
some 'there is code' "$code"

# banned TITLE PATTERN [FILES]: an extended expression for a name that is
# called; files that match FILES may.
banned() {
    none "$1" "$(printf '%s\n' "$code" | grep -E ": (.*[^[:alnum:]_.>])?($2)" |
        if [ $# -gt 2 ]; then grep -vE "^src/($3): "; else cat; fi)"
}

banned 'no unbounded string calls' '(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca) *\('
banned 'no numbers without errors' '(atoi|atol|atoll|atof|sscanf|fscanf) *\(' 'exec/(reaper|launcher)\.c'
banned 'no shell behind our back' '(system|popen|wordexp) *\('
banned 'processes are started by the launchers alone' '(v?fork|clone3?|posix_spawnp?|uv_spawn|exec[lv]p?e?|execvpe|SYS_clone3?) *[(,)]' 'exec/(killgroup|spawn|launcher)\.c'
banned 'nobody waits for any child' '(wait|wait3) *\(|(waitpid|wait4) *\( *-1'
banned 'only main.c ends the program' '(exit|quick_exit) *\(' 'main\.c'
banned '_exit is for children that cannot go on' '_exit *\(' 'exec/launcher\.c'
banned 'standard output is for reports and verbs' '(printf|vprintf|puts|putchar) *\(|stdout[^[:alnum:]_]' '(report|cli)/[a-z_]+\.[ch]|main\.c'
banned 'no old signal calls' 'signal *\([^,]+, *[^S ]|(siginterrupt|sigset) *\('
banned 'no weak randomness' '(rand|srand|random|srandom|drand48|rand_r|tmpnam|mktemp|tempnam) *\('
banned 'no sleeping' '(sleep|usleep|nanosleep|clock_nanosleep) *\(' 'run/suspend\.c'
banned 'the locale of numbers stays' 'LC_(ALL|NUMERIC)'
banned 'no libuv calls below exec' 'uv_[a-z_]+ *\(' '(exec|run|report|cli)/[a-z_]+\.[ch]|main\.c'
banned 'pipes and files are born close-on-exec' '(pipe|creat|dup|dup2) *\(' 'exec/launch\.c'
finish
