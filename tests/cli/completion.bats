#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# completion: what shells make of the words that muster completes.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    manifest << 'END'
[defaults]
type = io
command = exit 0
[job fetch-a]
[job fetch-b]
each.X = 1 2
[job build]
END
    mkdir folder
    touch folder/other.ini 'a file'
    PATH=$(dirname "$MUSTER"):$PATH
}

teardown() {
    end_background
}

# What bash offers behind these words, of which the last is not whole.
offers() {
    "$MUSTER" completion bash > script
    bash --norc --noprofile -c '. ./script
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _muster muster "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>> err
        printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | sort | tr '\n' ' '
}

@test "bash: verbs, manifests, jobs" {
    [ "$(offers muster pl)" = 'plan ' ]
    [[ $(offers muster '') == *folder*m.ini*run* ]]
    [ "$(offers muster m.i)" = 'm.ini ' ]
    [ "$(offers muster run m.i)" = 'm.ini ' ]
    [ "$(offers muster run ru)" = ' ' ]
    [ "$(offers muster m.ini fe)" = 'fetch-a fetch-b ' ]
    [ "$(offers muster plan -v m.ini build '')" = 'build fetch-a fetch-b ' ]
    [ "$(offers muster run --output group m.ini b)" = 'build ' ]
    [ "$(offers muster run --output = group m.ini b)" = 'build ' ]
    [ "$(offers muster run --lock m.ini b)" = 'build ' ]
    [ "$(offers muster list m.ini b)" = ' ' ]
    [ "$(offers muster check m.ini fo)" = 'folder ' ]
    [ "$(offers muster completion '')" = 'bash fish zsh ' ]
    [ "$(offers muster show '')" = ' ' ]
    [ "$(offers muster 'a f')" = 'a file ' ]
    [ "$(offers muster missing.ini '')" = ' ' ]
    mkfifo pipe # which nobody writes to
    [ "$(offers muster pipe '')" = ' ' ]
}

@test "bash: options of the verb, and their values" {
    [ "$(offers muster run --re)" = '--report= --resume ' ]
    [ "$(offers muster show --r)" = '--raw --report= ' ]
    [ "$(offers muster check --re)" = ' ' ]
    [ "$(offers muster --output = g)" = 'group ' ]
    [ "$(offers muster --output =)" = 'failed group live none ' ]
    [ "$(offers muster --output '')" = 'failed group live none ' ]
    [ "$(offers muster -o n)" = 'none ' ]
    [ "$(offers muster --lock = w)" = 'wait ' ]
    [ "$(offers muster m.ini --log-dir fo)" = 'folder ' ]
    [ "$(offers muster --report js)" = 'json jsonl ' ]
    [ "$(offers muster --report json : m)" = 'm.ini ' ]
    [ "$(offers muster --report json :)" = "$(offers muster --report json : '')" ]
    [ "$(offers muster --deadline '')" = ' ' ]
}

# Types these keys into zsh, in the place of what stood there, until this is to be seen.
zsh_makes() {
    local before
    before=$(wc -c < typed)
    printf '\025%s' "$1" > keys
    made() {
        tail -c +"$before" typed | sed 's/\x1b\[[0-9;?]*[A-Za-z]//g' | tr -d '\r\b\a' |
            grep -qF -- "$1"
    }
    wait_until made "$2"
}

@test "zsh" {
    "$MUSTER" completion zsh > script
    PS1='> ' "$CHILDREN/terminal" 100x24 env HISTFILE= zsh -f -i > typed 2>&3 &
    terminal=$!
    wait_until grep -q '> ' typed
    printf '%s\n' 'autoload -Uz compinit; compinit -u -D; source script; echo rea""dy' > keys
    wait_until grep -q ready typed
    zsh_makes $'muster chec\t' 'muster check '
    zsh_makes $'muster m.ini buil\t' 'build '
    zsh_makes $'muster plan m.ini fet\t' 'fetch-'
    zsh_makes $'muster --output=gr\t' '=group'
    zsh_makes $'muster --report prom\t' 'prometheus'
    zsh_makes $'muster --report json:fold\t' 'json:folder'
    zsh_makes $'muster show --ra\t' '--raw'
    zsh_makes $'muster completion fi\t' 'completion fish'
    printf '\025exit\n' > keys
    await $terminal
}

# What fish offers behind the last of these words.
fish_offers() {
    HOME=$PWD fish -N -c "source script; complete -C'$1'" | cut -f 1 | sort | tr '\n' ' '
}

@test "fish" {
    "$MUSTER" completion fish > script
    [[ $(fish_offers 'muster pl') == *plan* ]]
    [ "$(fish_offers 'muster m.ini fe')" = 'fetch-a fetch-b ' ]
    [ "$(fish_offers 'muster plan -v m.ini bu')" = 'build ' ]
    [ "$(fish_offers 'muster --output=g')" = '--output=group ' ]
    [ "$(fish_offers 'muster -o g')" = 'group ' ]
    [ "$(fish_offers 'muster m.ini --res')" = '--resume ' ]
    [ "$(fish_offers 'muster show --ra')" = '--raw ' ]
    [ "$(fish_offers 'muster check --ra')" = '' ]
    [ "$(fish_offers 'muster --log-dir fold')" = 'folder/ ' ]
    [ "$(fish_offers 'muster completion ')" = 'bash fish zsh ' ]
}

@test "all options and verbs of the help are in each" {
    "$MUSTER" --help > help
    for shell in bash zsh fish; do
        "$MUSTER" completion $shell > script
        for word in $(grep -oE '^ +(-., )?--[a-z-]+' help | grep -oE -- '--[a-z-]+'); do
            grep -qE -- "(--|-l )${word#--}\b" script
        done
        for word in $(sed -n 's/^usage: muster //; s/^       muster \([a-z]*\) .*/\1/p' help); do
            grep -qw -- "$word" script
        done
    done
}

@test "a shell that it does not know, or none" {
    muster completion ksh
    [ "$status" -eq 2 ]
    says "muster: 'ksh' is not one of bash, zsh, fish"
    muster completion
    [ "$status" -eq 2 ]
    says 'muster: no shell was named (see muster --help)'
    muster completion bash zsh
    [ "$status" -eq 2 ]
    says "muster: completion takes one shell: 'zsh' is one too many"
}
