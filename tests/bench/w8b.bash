# SPDX-License-Identifier: MIT
# w8b: tasks to two Python workers that answer at once, beside a bare exchange with
# the same program, and a process for each.

tasks=$(pick 5000 1000)
title "W8b workers: $tasks tasks to 2 Python workers that answer at once"

python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null) # not a wrapper of it

if [ -z "$python" ]; then
    missing W8b "$tasks tasks" 'python3 is not installed'
else
    arena
    unset PYTHONUNBUFFERED # else an answer comes in pieces
    cat >"$work/answer.py" <<'END'
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({"id": request["id"], "exit": 0, "output": request["task"]}), flush=True)
END
    {
        printf '[worker w]\ncommand = exec %s %s\ncount = 2\n' "$python" "$work/answer.py"
        printf '[defaults]\ntype = cpu\nworker = w\ntask = x\n'
        seq -f '[job j%.0f]' 1 "$tasks"
    } >"$work/tasks.ini"
    few=$((tasks / 100))
    seq 1 "$few" >"$work/list"
    contender muster 99 "$muster" run --no-history -j 2 "$work/tasks.ini"
    contender muster-history 99 "$muster" run -j 2 "$work/tasks.ini"
    contender limit 99 "$limit" talk "$tasks" 2 "$python" "$work/answer.py"
    contender xargs '2*100' xargs -a "$work/list" -n 1 -P 2 "$python" -c 'import json'
    turns "$(pick 7 2)" "$(pick 10 2)"
    figures limit
    result W8b "$tasks tasks, 2 workers" muster 'limit<=1.3' 'xargs<=0.05'
    result W8b "$tasks tasks, with history" muster-history 'limit<=1.5' 'xargs<=0.05'
fi
