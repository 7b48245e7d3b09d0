#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# examples: each of them does what it says.
bats_require_minimum_version 1.5.0

setup() {
    load helper
    load events
    examples=$(cd "$BATS_TEST_DIRNAME/../../examples" && pwd)
    export TMPDIR=$PWD
}

@test "quickstart.ini: 30 jobs and more in each lane, all ok, one at its second attempt" {
    mkdir out
    run --separate-stderr "$MUSTER" run --define "OUT=$PWD/out" --report json:results.json \
        "$examples/quickstart.ini"
    [ "$status" -eq 0 ]
    [ "$(json '[.jobs[] | select(.type == "cpu")] | length')" -ge 30 ]
    [ "$(json '[.jobs[] | select(.type == "io")] | length')" -ge 30 ]
    [ "$(json '[.jobs[].status] | unique | join(" ")')" = ok ]
    [ "$(job_json busy-server '[.attempts[].exit] | join(" ")')" = '75 0' ]
    [ "$(json .totals.flaky)" = 1 ]
    gzip -cd out/compress-bash.gz | cmp - /bin/bash
    sha256sum < /bin/bash | cut -d ' ' -f 1 | grep -qf - out/digest-bash.sums
}

@test "quickstart.sh: every row and the summary, from any folder, with no standard input" {
    mkdir 'else where'
    cd 'else where'
    run --separate-stderr sh "$examples/quickstart.sh" <&-
    [ "$status" -eq 0 ]
    [ "$(grep -Ec '^[A-Za-z0-9.-]+ +(io|cpu) +(io|cpu) +(ok|flaky) ' <<< "$output")" -ge 60 ]
    [[ "$output" == *' jobs: '*' ok (1 flaky)'* ]]
    [ -z "$(ls)" ]
}

@test "quickstart.sh keeps the results in a folder that is named, and can be run again" {
    for _ in 1 2; do
        run --separate-stderr sh "$examples/quickstart.sh" 'a folder'
        [ "$status" -eq 0 ]
        [ "$(jq .totals.failed 'a folder/results.json')" = 0 ]
        [ -s 'a folder/index' ]
    done
}

@test "quickstart.sh builds in a folder with blanks in its path" {
    mkdir -p 'a b/muster'
    tar -C "$examples/.." --exclude='./.git' --exclude='./build*' --exclude='./configure' \
        --exclude='./autom4te.cache' -cf - . | tar -C 'a b/muster' -xf -
    chmod -R u+w 'a b' # a release's may be read-only
    top="$PWD/a b/muster"
    cd /
    run --separate-stderr env -u MUSTER CFLAGS=-O0 sh "$top/examples/quickstart.sh" "$top/out"
    [ "$status" -eq 0 ]
    [ -x "$top/build/muster" ]
    [ "$(jq .totals.failed "$top/out/results.json")" = 0 ]
}

@test "quickstart.sh without apt-get names the packages and stops" {
    mkdir bin
    for tool in sh dirname basename id; do ln -s "$(command -v $tool)" bin; done
    run --separate-stderr env -u MUSTER PATH="$PWD/bin" sh "$examples/quickstart.sh"
    [ "$status" -eq 1 ]
    for package in gcc make libc6-dev autoconf automake pkg-config \
        libuv1-dev libinih-dev libsmartcols-dev libjansson-dev libsqlite3-dev \
        libcurl4-openssl-dev; do
        [[ " $stderr " == *" $package "* ]]
    done
}

@test "failures.ini: exit 1, and the table says what happened and why" {
    run --separate-stderr "$MUSTER" run --report table:table.txt --report json:results.json \
        "$examples/failures.ini"
    [ "$status" -eq 1 ]
    grep -Eq '^fetch +io +io +failed +2 +3 .* exit 3$' table.txt
    grep -Eq '^unpack +io +- +skipped .* because fetch failed$' table.txt
    grep -Eq '^publish +io +- +skipped .* because fetch failed$' table.txt
    grep -Eq '^alert +io +io +ok ' table.txt
    grep -Eq '^stubborn +io +io +timeout +1 +SIGKILL .* timed out after 1s, killed after 1s more$' table.txt
    grep -Eq '^crash +cpu +cpu +failed +1 +SIGSEGV .* SIGSEGV$' table.txt
    grep -Eq '^missing +io +io +failed +1 +127 .* exit 127 \(command not found\)$' table.txt
    grep -Eq '^use +io +io +failed .* not found: .*/no-such-program$' table.txt
    grep -Eq '^optional +io +io +allowed +1 +1 .* exit 1$' table.txt
    grep -Eq '^nothing-to-do +io +io +skipped +1 +77 ' table.txt
    [[ "$stderr" == *'fetch: no route to host'* ]]
    [ "$(grep -c '^job stubborn: ' <<< "$stderr")" -eq 1 ]
}

@test "pipeline.ini: each file is packed, and tested as soon as it is" {
    mkdir logs
    for i in $(seq 60); do echo "$i" > "logs/a b$i.log"; done
    printf 'no gzip' > 'logs/-odd$(touch run).log'
    cp "$examples/pipeline.ini" .
    find logs -name '*.log' | "$MUSTER" run -r json:out.json pipeline.ini
    [ "$(jq -c '[.totals.jobs, .totals.ok]' out.json)" = '[123,123]' ]
    [ "$(find . -name '*.gz' | wc -l)" -eq 61 ]
    gunzip -c 'logs/a b7.log.gz' | grep -qx 7
    [ ! -e run ]
    # The first test began before the last packing had ended.
    jq -e '([.jobs[] | select(.section == "test") | .attempts[0].start_s] | min) <
        ([.jobs[] | select(.section == "pack") | .attempts[0].start_s] | max)' out.json
}

@test "nightly: cron's line, in cron's environment: no word when all went well" {
    mkdir store etc
    echo data > etc/file
    # what stands behind the times and the user, on folders of the test
    line=$(sed -n 's/^30 2 \* \* \* root //p' "$examples/nightly.crontab" |
        sed "s|/etc/muster|$examples|; s|SOURCE=/etc|SOURCE=$PWD/etc|; s|STORE=/var/backups|STORE=$PWD/store|")
    [ -n "$line" ]
    ln -s "$MUSTER" muster
    run --separate-stderr env -i HOME="$PWD" LOGNAME=root SHELL=/bin/sh PATH="$PWD:/usr/bin:/bin" \
        /bin/sh -c "$line" < /dev/null
    [ "$status" -eq 0 ]
    [ -z "$output$stderr" ]
    tar -xzOf store/20*/dump.tar.gz ./file | grep -qx data
    (cd store/20* && sha256sum -c --quiet dump.tar.gz.sha256)
    [ ! -e store/spool ]
}

@test "nightly: a failure is told, with its output, and tidied up behind" {
    mkdir store
    run --separate-stderr "$MUSTER" run -q -D SOURCE=/nonexistent -D "STORE=$PWD/store" \
        "$examples/nightly.ini"
    [ "$status" -eq 1 ]
    [[ "$stderr" == *nonexistent* ]]
    [[ "$output" == *dump*failed*'exit 2'*compress*skipped*'because dump failed'* ]]
    [[ "$output" != *tidy* ]]
    [ ! -e store/spool ]
}

@test "nightly: a store that is not there is noticed before anything starts" {
    run --separate-stderr "$MUSTER" run -q -D "STORE=$PWD/gone" "$examples/nightly.ini"
    [ "$status" -eq 2 ]
    [[ "$stderr" == *nightly.ini:*error:\ dir:* ]]
}

@test "ci.sh: lint, build and test in order, the results kept as JSON" {
    run --separate-stderr sh "$examples/ci.sh" artefacts
    [ "$status" -eq 0 ]
    [ "$(jq -r '[.jobs[] | select(.status != "ok") | .name] - ["lint-manuals"] | join(" ")' \
        artefacts/muster.json)" = '' ]
    [ "$(jq '[.jobs[] | {key: .name, value: .attempts[0].start_s}] | from_entries |
        ."lint-scripts" < ."compile-base" and ."compile-cli" < .link and .link < ."test-check"' \
        artefacts/muster.json)" = true ]
    artefacts/build/muster --version
}

@test "ci.sh: when a job fails the step fails, and the results are there" {
    CC=false run --separate-stderr sh "$examples/ci.sh" artefacts
    [ "$status" -eq 1 ]
    [ "$(jq -r '.run.exit' artefacts/muster.json)" = 1 ]
    [ "$(jq -r '.jobs[] | select(.name == "link") | .status' artefacts/muster.json)" != ok ]
}

@test "workers.ini: tasks in Python, shell and C, and what they answer" {
    cp -r "$examples/workers" "$examples"/*.ini .
    run --separate-stderr "$MUSTER" run -j 2 -D "OUT=$PWD" --report json:results.json workers.ini
    [ "$status" -eq 0 ]
    [ "$(json '.jobs[] | select(.name == "primes[1000]").stdout')" = 76127 ]
    [ "$(json '.jobs[] | select(.name == "words[workers.ini]").stdout')" = "$(wc -w < workers.ini)" ]
    [ "$(json '[.jobs[] | select(.section == "steps").stdout[:-1]] | join(" ")')" = \
        '111 118 178 261 350' ]
    # Each of them says what is amiss, and goes on.
    sed -i -e 's/^each.N = 27/each.N = x 27/' -e 's/^each.N.range.*/each.N = x 10/' \
        -e 's/^each.FILE.*/each.FILE = none workers.ini/' workers.ini
    run --separate-stderr "$MUSTER" run -j 2 -D "OUT=$PWD" --report json:results.json workers.ini
    [ "$status" -eq 1 ]
    [ "$(json '[.jobs[] | select(.status == "failed") | "\(.name) \(.exit)"] | join(", ")')" = \
        'primes[x] 2, words[none] 1, steps[x] 2' ]
    [ "$(json '[.jobs[] | .attempts | length] | unique | join(" ")')" = 1 ]
}

@test "makes.ini: two makes and another job share two workers" {
    mkdir tree
    cat > tree/Makefile <<'END'
all: 1 2 3 4
1 2 3 4:
	@echo start >> log; sleep 0.2; echo end >> log; echo "$(OUT) $(CFLAGS)" >> flags
END
    run --separate-stderr "$MUSTER" run -j 2 -D "TREE=$PWD/tree" "$examples/makes.ini"
    [ "$status" -eq 0 ]
    [ "$(most_at_once tree/log)" -eq 2 ]
    [ "$(sort tree/flags | uniq -c | tr -s ' \n' ' ')" = ' 4 debug -Og 4 release -O2 ' ]
    tar -tzf sources.*.tar.gz | grep -qx ./Makefile
}

@test "batch.sh: a manifest made on the spot, its results read back" {
    mkdir one 'two; touch ran' three
    echo data > one/file
    rmdir three
    run --separate-stderr sh "$examples/batch.sh" one 'two; touch ran'
    [ "$status" -eq 0 ]
    [[ "$output" =~ ^pack-1:\ [0-9]+\ bytes$'\n'pack-2:\ [0-9]+\ bytes$'\n'2\ of\ 2\ packed$ ]]
    [ ! -e ran ]
    run --separate-stderr sh "$examples/batch.sh" one three
    [ "$status" -eq 1 ]
    [[ "$output" == *'pack-2: failed (exit 2)'*'1 of 2 packed' ]]
}
