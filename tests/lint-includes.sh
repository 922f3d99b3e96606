#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who may include what, checked by the table in tests/folders, and that nothing runs in a circle
# (tests/map.py). Prints TAP.
set -uo pipefail
cd "${top_srcdir:-$(dirname "$0")/..}/src" || exit 99

points=0

# point DESCRIPTION COMMAND...: passes when the command prints nothing.
point() {
    local description=$1 findings
    shift
    points=$((points + 1))
    findings=$("$@")
    if [[ -z $findings ]]; then
        echo "ok $points - $description"
    else
        echo "not ok $points - $description"
        printf '%s\n' "$findings" | sed 's/^/# /'
    fi
}

# "FILE INCLUDED" of every include in quotes, in the files that find names by these tests.
includes() {
    find . "$@" -exec sed -nE \
        '/^[[:space:]]*#[[:space:]]*include[[:space:]]*"/{s/[^"]*"([^"]*)".*/\1/;F;p}' {} + |
        sed -E 's|^[.]/||' | paste -d ' ' - - | sort
}
all_includes=$(includes -name '*.[ch]')

# A folder of the table: itself, util/, and what stands behind it; "*" is all that stands before it.
allowed_folders() {
    awk -v folder="$1" '
        !/^#/ && NF && $1 == folder { $1 = ""; print "util", folder, ($2 == "*" ? below : $0) }
        !/^#/ && NF { below = below " " $1 }' ../tests/folders
}

forbidden_includes() {
    local stage=$1 file included allowed
    allowed=" $(allowed_folders "$stage") "
    grep "^$stage/" <<<"$all_includes" | while read -r file included; do
        [[ $included == types.h && $stage != util ]] ||
            [[ $included == */* && $allowed == *" ${included%%/*} "* ]] ||
            echo "src/$file includes \"$included\""
    done
}

includes_of_types() {
    grep '^types[.]h ' <<<"$all_includes"
}

# Paths in quotes are relative to src/, so that they read the same from everywhere.
missing_includes() {
    local file included
    while read -r file included; do
        [[ -f $included ]] || echo "src/$file includes \"$included\": no src/$included"
    done <<<"$all_includes"
}

# x.c begins with x.h, which shows that the header stands on its own. A module in several files may
# share one header; then each begins with a header of its folder.
own_header_not_first() {
    local file first
    find . -mindepth 2 -name '*.c' -exec awk '
        FNR == 1 { if (file && !seen) print file, "nothing"; file = FILENAME; seen = 0 }
        !seen && /^[ \t]*#[ \t]*include[ \t]*"/ { split($0, part, "\""); print file, part[2]; seen = 1 }
        END { if (!seen) print file, "nothing" }
    ' {} + | sort | while read -r file first; do
        file=${file#./}
        if [[ -f ${file%.c}.h ]]; then
            [[ $first == "${file%.c}.h" ]] || echo "src/$file does not begin with \"${file%.c}.h\""
        else
            [[ $first == "${file%%/*}"/* ]] || echo "src/$file does not begin with a header of ${file%%/*}/"
        fi
    done
}

circles() {
    local findings
    findings=$(../tests/map.py ${top_builddir:+--build "$top_builddir"} 2>&1) ||
        printf '%s\n' "$findings"
}

unguarded_headers() {
    find . -name '*.h' -exec awk '
        FNR == 1 { if (guard) print file " is not guarded by " guard
                   file = "src/" substr(FILENAME, 3)
                   guard = "RTS_" toupper(substr(FILENAME, 3)); gsub("[/.]", "_", guard) }
        $1 == "#ifndef" && $2 == guard { tested = guard }
        $1 == "#define" && $2 == guard && tested == guard { guard = "" }
        END { if (guard) print file " is not guarded by " guard }' {} + | sort
}

for stage in */; do
    point "src/$stage includes only what its stage may" forbidden_includes "${stage%/}"
done
point 'types.h includes no project header' includes_of_types
point 'every include in quotes is a path below src/' missing_includes
point 'every .c of a stage begins with its own header' own_header_not_first
point 'every header is guarded by its path' unguarded_headers
point 'nothing in src/ runs in a circle' circles
echo "1..$points"
