#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The include rule of src/types.h, checked: a stage folder includes types.h, util/ and itself;
# unwind/, identity/ and package/ also binary/, identity/ graph/ as well, report/ the account in
# facts/, trace/ the records in capture/, and doctor/ capture/ and process/. recording/ keeps what
# the stages found in a trace, settings/ knows delivery/, sending/ both of them and the account, and
# session/ every stage. Prints TAP.
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

# project_includes FILE: what it includes in quotes.
project_includes() {
    sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]*)".*/\1/p' "$1"
}

allowed_folders() {
    case $1 in
    util) echo 'util' ;;
    unwind | package) echo "util binary $1" ;;
    identity) echo "util binary graph identity" ;;
    report) echo "util facts report" ;;
    trace) echo "util capture trace" ;;
    recording) echo "util binary facts process trace unwind recording" ;;
    settings) echo "util delivery settings" ;;
    sending) echo "util delivery facts settings sending" ;;
    session) find . -mindepth 1 -maxdepth 1 -type d -printf '%f ' ;;
    doctor) echo "util capture process doctor" ;;
    *) echo "util $1" ;;
    esac
}

forbidden_includes() {
    local stage=$1 file included allowed
    allowed=" $(allowed_folders "$stage") "
    find "$stage" -name '*.[ch]' | sort | while read -r file; do
        project_includes "$file" | while read -r included; do
            [[ $included == types.h && $stage != util ]] ||
                [[ $included == */* && $allowed == *" ${included%%/*} "* ]] ||
                echo "src/$file includes \"$included\""
        done
    done
}

# Paths in quotes are relative to src/, so that they read the same from everywhere.
missing_includes() {
    local file included
    find . -name '*.[ch]' | sort | while read -r file; do
        project_includes "$file" | while read -r included; do
            [[ -f $included ]] || echo "src/${file#./} includes \"$included\": no src/$included"
        done
    done
}

# x.c begins with x.h, which shows that the header stands on its own. A module in several files may
# share one header; then each begins with a header of its folder.
own_header_not_first() {
    local file first
    find . -mindepth 2 -name '*.c' | sort | while read -r file; do
        file=${file#./}
        first=$(project_includes "$file" | head -n 1)
        if [[ -f ${file%.c}.h ]]; then
            [[ $first == "${file%.c}.h" ]] || echo "src/$file does not begin with \"${file%.c}.h\""
        else
            [[ $first == "${file%%/*}"/* ]] || echo "src/$file does not begin with a header of ${file%%/*}/"
        fi
    done
}

unguarded_headers() {
    local file guard
    find . -name '*.h' | sort | while read -r file; do
        guard=RTS_$(echo "${file#./}" | tr 'a-z/.' 'A-Z__')
        grep -q "^#ifndef $guard\$" "$file" && grep -q "^#define $guard\$" "$file" ||
            echo "src/${file#./} is not guarded by $guard"
    done
}

for stage in */; do
    point "src/$stage includes only what its stage may" forbidden_includes "${stage%/}"
done
point 'types.h includes no project header' project_includes types.h
point 'every include in quotes is a path below src/' missing_includes
point 'every .c of a stage begins with its own header' own_header_not_first
point 'every header is guarded by its path' unguarded_headers
echo "1..$points"
