#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# faults_security: a job gets what is meant for it and nothing more, and no value is ever run.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    load faults
    public=
}

teardown() {
    remove_public_folder
}

@test "three descriptors, a session, no terminal, default signals: at each attempt, beside failures" {
    manifest_of_both <<END
exec = $CHILDREN/show-self
retries = 2
retry-delay = 1ms
ok-exit = 9
stdout = append:seen
END
    sed -i '/type = io/,/^\[/s/append:seen/append:seen.io/; /type = cpu/,$s/append:seen$/append:seen.cpu/' m.ini
    printf '#!/no/such\n' > bad
    chmod +x bad
    for i in 1 2 3 4 5; do
        for lane in io cpu; do
            printf '[job bad-%s%d]\ntype = %s\nexec = ./bad\nretries = 2\nretry-delay = 1ms\n' $lane "$i" $lane
            printf '[job busy-%s%d]\ntype = %s\ncommand = echo text; echo text >&2; sleep 0.05\nstderr = capture\nstdin = text:text\n' $lane "$i" $lane
        done
    done >> m.ini
    # descriptors, signals ignored and blocked round it
    perl -MPOSIX -e 'sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGTERM, SIGUSR2, SIGCHLD));
        $SIG{USR2} = $SIG{CHLD} = $SIG{PIPE} = "IGNORE"; exec @ARGV' \
        "$MUSTER" run --output none --report json:results.json m.ini 7< m.ini 8> eight 20< m.ini 300< m.ini > out 2> err || true
    [ "$(json '[.jobs[] | select(.name | startswith("busy")) | .status] | unique | join(" ")')" = ok ]
    for lane in io cpu; do
        [ "$(job_json $lane '.attempts | length')" = 3 ]
        [ "$(sort seen.$lane | uniq -c | tr -s ' ' | sed 's/^ //')" = '3 blocked
3 fds 0 1 2
3 not-default
3 session own
3 tty ENXIO' ]
    done
}

@test "a terminal round muster is out of its jobs' reach" {
    manifest_of_both <<END
command = tty; ps -o tty= -p \$\$; exec $CHILDREN/show-self
END
    script -qec "'$MUSTER' run --report json:results.json m.ini" /dev/null > typed < /dev/null
    for lane in io cpu; do
        [ "$(job_json $lane .stdout)" = 'not a tty
?
fds 0 1 2
session own
not-default
blocked
tty ENXIO' ]
    done
}

payloads() {
    printf '%s\0' '$(touch ran)' '`touch ran`' '; touch ran;' "'; touch ran; '" '"; touch ran; "' \
        $'x\ntouch ran\n[job evil]\ntype = io\ncommand = touch ran' '| touch ran' '&& touch ran' \
        '-e touch ran' '{V}' '$V' '${V}' '%s%n' '--help' $'\\"; touch ran; \\"'
}

@test "no value runs anything, wherever it goes and whatever the action" {
    manifest_of_both '[vars]' 'V = x' '[env]' 'FROM_ENV = {V}' <<'END'
env.E = {V}
env-file = values.env
stdin = text:{V}
dir = {DIR}
command = printf '%s\0' "$V" "$E" "$FROM_ENV" "$FILED"; cat; pwd
END
    {
        for lane in io cpu; do
            cat <<END
[job exec-$lane]
type = $lane
dir = {DIR}
stdout = file:{OUT}.$lane
stderr = file:{OUT}.$lane.err
env.E = {V}
exec = $CHILDREN/show-args {V} a{V}b "{V}" '{V}' --x={V}
[job shell-$lane]
type = $lane
shell = /bin/sh -c 'printf "%s" "\$2"' {V}
command = {V}
END
        done
    } >> m.ini
    sed -i '1a DIR = .\nOUT = out' m.ini
    n=0
    while IFS= read -r -d '' value; do
        n=$((n + 1))
        rm -rf work && mkdir work && cd work
        cp ../m.ini m.ini
        folder="d ${value//\//_}"
        mkdir -p "$folder"
        printf 'FILED=%s\n' "${value%%$'\n'*}" > values.env
        run --separate-stderr timeout 20 "$MUSTER" run -D "V=$value" -D "DIR=$folder" \
            -D "OUT=o ${value//\//_}" --report json:results.json m.ini
        echo "$value: $status $stderr" >&2
        [ "$status" -eq 0 ]
        [ -z "$(find . -name ran)" ]
        for lane in io cpu; do
            # the end of a text of several lines is a newline
            end=
            [[ "$value" != *$'\n'* ]] || end=$'\n'
            { printf '%s\0%s\0%s\0%s\0%s%s' "$value" "$value" "$value" "${value%%$'\n'*}" "$value" "$end"
                (cd "$folder" && pwd); } > want
            jq -j --arg name $lane '.jobs[] | select(.name == $name) | .stdout' results.json | cmp - want
            printf '<%s>\n<a%sb>\n<%s>\n<%s>\n<--x=%s>\n' "$value" "$value" "$value" "$value" "$value" |
                cmp - "o ${value//\//_}.$lane"
        done
        cd ..
    done < <(payloads)
    [ "$n" -eq 15 ]
}

@test "no name of a file or folder runs anything either" {
    while IFS= read -r -d '' value; do
        name=${value//\//_}
        mkdir "d$name"
        printf '[job x]\ntype = io\ncommand = : ; pwd\n[job y]\ntype = cpu\nexec = pwd\n' > "d$name/$name.ini"
        mkdir "tmp$name"
        TMPDIR="$PWD/tmp$name" HOME="$PWD/d$name" run --separate-stderr "$MUSTER" run \
            --report "json:d$name/$name.json" -- "d$name/$name.ini"
        [ "$status" -eq 0 ]
        [ "$(jq -j '.jobs[].stdout' "d$name/$name.json")" = "$PWD/d$name"$'\n'"$PWD/d$name" ]
        [ -z "$(find . -name ran)" ]
    done < <(payloads)
}

@test "random words and variables arrive as they were meant, 600 of them" {
    cat > model.pl <<'END'
srand $ARGV[0];
my @kinds = map { chr } 1 .. 9, 11 .. 12, 14 .. 255;
my @nasty = ("'", '"', '\\', '$', '`', ' ', '{', '}', '#', ';', '=', "\t", '*', '-', '%', '[', ']');
my (@values, @words, $ini);
for (1 .. 100) {
    push @values, join '', map { rand() < 0.5 ? $nasty[rand @nasty] : $kinds[rand @kinds] } 1 .. 1 + rand 30;
}
$ini = "[vars]\n" . join '', map { "V$_ = x\n" } 0 .. 99;
for my $lane (qw(io cpu)) {
    # as words of their own, in the midst of others, and quoted as a shell would
    my @exec = map { "{V$_}" } 0 .. 99;
    $ini .= "[job $lane]\ntype = $lane\nexec = perl show.pl $lane @exec\n";
    $ini .= "env.E$_ = a{V$_}b\n" for 0 .. 99;
}
open my $f, '>', 'm.ini'; print $f $ini; close $f;
open $f, '>', 'show.pl';
print $f 'my $lane = shift; open my $f, ">", "got.$lane"; print $f "$_\0" for @ARGV, (map { $ENV{"V$_"} } 0 .. 99), (map { $ENV{"E$_"} } 0 .. 99);';
close $f;
open $f, '>', 'want'; print $f "$_\0" for @values, @values, map { "a${_}b" } @values; close $f;
system($ENV{MUSTER}, 'run', '-q', (map { ('-D', "V$_=$values[$_]") } 0 .. 99), 'm.ini') == 0 or exit 1;
END
    for seed in 1 2 3; do
        MUSTER=$MUSTER perl model.pl $seed
        cmp want got.io
        cmp want got.cpu
    done
}

@test "words written in a manifest arrive as a shell would split them" {
    cat > model.pl <<'END'
srand $ARGV[0];
my @chars = ('a' .. 'e', ' ', "\t", '$', '`', '#', ';', '=', '*', '%', '[', '&', '|', '<', '(', '!', "\xc3\xa4");
my $quoted = sub {
    my $w = shift;
    my $kind = int rand 3;
    return "'$w'" if $kind == 0 && $w !~ /'/;
    if ($kind == 1) { (my $q = $w) =~ s/(["\\\$`])/\\$1/g; return "\"$q\"" }
    return $w eq '' ? '""' : join '', map { /[a-e\x80-\xff]/ ? $_ : "\\$_" } split //, $w;
};
my @words = map { join '', map { $chars[rand @chars] } 1 .. rand 12 } 1 .. 60;
open my $f, '>', 'm.ini';
for my $lane (qw(io cpu)) {
    print $f "[job $lane]\ntype = $lane\nexec = perl show.pl $lane ", join(' ', map { $quoted->($_) } @words), "\n";
}
close $f;
open $f, '>', 'show.pl'; print $f 'my $lane = shift; open my $f, ">", "got.$lane"; print $f "$_\0" for @ARGV;'; close $f;
open $f, '>', 'want'; print $f "$_\0" for @words; close $f;
system($ENV{MUSTER}, 'run', '-q', 'm.ini') == 0 or exit 1;
END
    for seed in 1 2 3 4 5; do
        MUSTER=$MUSTER perl model.pl $seed
        cmp want got.io
        cmp want got.cpu
    done
}

@test "what others may write to is told once each: manifest, include, env-file, their folder" {
    mkdir own
    chmod 755 . own
    printf '[muster]\ninclude = inc.ini\n' > own/m.ini
    printf '[job x]\ntype = io\nenv-file = v.env\nexec = true\n[job y]\ntype = cpu\nexec = true\n' > own/inc.ini
    printf 'A=b\n' > own/v.env
    chmod 644 own/*
    run --separate-stderr "$MUSTER" run own/m.ini
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    for file in m.ini inc.ini v.env; do
        chmod 666 own/$file
        run --separate-stderr "$MUSTER" run own/m.ini
        [ "$status" -eq 0 ]
        [ "$(grep -c "$file.*is writable by others (mode 0666)" <<< "$stderr")" -eq 1 ]
        [ "$(grep -c 'is writable by others' <<< "$stderr")" -eq 1 ]
        chmod 644 own/$file
    done
    chmod 777 own
    run --separate-stderr "$MUSTER" check own/m.ini
    [ "$status" -eq 0 ]
    grep -q 'is writable by others (mode 0777)' <<< "$stderr"
}

@test "set-user-ID use is refused before anything is read" {
    public_folder
    printf '[job x]\ntype = io\ncommand = : > ran\n' > m.ini
    if [ "$(id -u)" -eq 0 ]; then
        chmod 4755 "$MUSTER"
        run --separate-stderr as_user "$MUSTER" run m.ini
    else
        # the kernel says that the program is privileged when it gains anything: a group will do
        group=$(id -G | tr ' ' '\n' | grep -vx "$(id -g)" | head -n 1)
        if [ -z "$group" ]; then # nothing to gain: then it is no such use
            chmod 4755 "$MUSTER"
            "$MUSTER" run m.ini
            [ -e ran ]
            return
        fi
        chgrp "$group" "$MUSTER"
        chmod 2755 "$MUSTER"
        run --separate-stderr "$MUSTER" run m.ini
    fi
    [ "$status" -eq 3 ]
    [ "$stderr" = 'muster: set-user-ID or set-group-ID use is refused' ]
    [ ! -e ran ]
}
