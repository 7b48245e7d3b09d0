# SPDX-License-Identifier: MIT
# headers: each compiles alone, and twice in a row; COMPILE is the compiler.
. "$(dirname -- "$0")/lib.sh"
COMPILE=${COMPILE:-cc -std=c11 -D_GNU_SOURCE -Isrc}

some 'there are headers' "$(ls src/*/*.h)"
for header in src/*/*.h; do
    name=${header#src/}
    none "$name compiles alone" "$(printf '#include "%s"\n#include "%s"\n' "$name" "$name" |
        $COMPILE -Wall -Wextra -Werror -fsyntax-only -x c - 2>&1)"
    guard=MUSTER_$(printf '%s' "${name%.h}" | tr 'a-z/-' 'A-Z__')_H
    none "$name has the guard $guard" "$(grep -q "^#ifndef $guard\$" "$header" || echo "$header")"
done
finish
