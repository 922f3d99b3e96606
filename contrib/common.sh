# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What contrib/check and contrib/demo share. To be sourced.

source_tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export LC_ALL=C.UTF-8

say() {
    printf '\n=== %s\n' "$*"
}

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# copy_tree DIRECTORY: a copy of the sources that any user may read, without what an earlier build
# left in them; so nothing is ever written into the tree itself, which may be read-only or belong to
# someone else.
copy_tree() {
    local file
    mkdir -p "$1"
    tar -C "$source_tree" -cf - \
        --exclude=./.git --exclude='./build*' --exclude='./rtsample-*' --exclude=./autom4te.cache \
        --exclude=./Makefile --exclude=./config.h --exclude=./config.status \
        --exclude=./src/rtsample --exclude=.deps --exclude=.dirstamp \
        --exclude='*.[ao]' --exclude='*.log' --exclude='*.trs' . |
        tar -C "$1" -xf - --no-same-owner
    find "$1/tests" -type f -perm /111 ! -name '*.*' ! -path '*/trace_files/*' | while read -r file; do
        [[ $(head -c 4 "$file" | tr -d '\0') != $'\x7fELF' ]] || rm -f "$file"
    done
    chmod -R u+w,a+rX "$1"
}

# run_logged LOG COMMAND...: runs it with all its output in LOG; shows the end of LOG if it fails.
run_logged() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 && return 0
    tail -n 60 "$log"
    return 1
}

# configure_build SOURCE BUILD [OPTION...]
configure_build() {
    local source=$1 build=$2
    shift 2
    mkdir -p "$build"
    (cd "$build" && run_logged configure.out "$source/configure" "$@")
}
