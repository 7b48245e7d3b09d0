# SPDX-License-Identifier: MIT
# w9: reports and history. Many tiny jobs with and without.

jobs=$(pick 10000 500)
title "W9 history: $jobs x /bin/true, width 8"
arena
manifest io "$jobs" /bin/true >"$work/tiny.ini"
contender without 99 "$muster" run --io-limit 8 --no-history "$work/tiny.ini"
contender history 99 "$muster" run --io-limit 8 "$work/tiny.ini"
turns "$(pick 5 2)" "$(pick 30 2)"
figures without
result W9 "$jobs jobs, history" history 'without<=1.1'

# A chain is where it would show if one job waited for another to be recorded.
jobs=$(pick 1000 200)
title "W9 history: a chain of $jobs x /bin/true"
arena
seq -f '%.0f' 1 "$jobs" | awk '
    BEGIN { print "[defaults]\ntype = io\n[job j0]\nexec = /bin/true" }
    { print "[job j" $1 "]\nafter = j" $1 - 1 "\nexec = /bin/true" }' >"$work/chain.ini"
contender without 99 "$muster" run --no-history "$work/chain.ini"
contender history 99 "$muster" run "$work/chain.ini"
turns "$(pick 5 2)" "$(pick 16 2)"
figures without
result W9 "a chain of $jobs, history" history 'without<=1.1'
