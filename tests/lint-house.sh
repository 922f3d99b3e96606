#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The rules of the house that a machine can check; HACKING.md has the reasons. Prints TAP.
set -uo pipefail
rtsample=${RTSAMPLE:-}
cd "${top_srcdir:-$(dirname "$0")/..}" || exit 99

points=0
lines_max=600

# point DESCRIPTION COMMAND...: passes when the command prints nothing.
point() {
    local description=$1 findings
    shift
    points=$((points + 1))
    findings=$("$@" 2>&1)
    if [[ -z $findings ]]; then
        echo "ok $points - $description"
    else
        echo "not ok $points - $description"
        printf '%s\n' "$findings" | sed 's/^/# /'
    fi
}

skip() {
    points=$((points + 1))
    echo "ok $points - $1 # SKIP $2"
}

c_files() {
    find src tests -name '*.[ch]' | sort
}

code_files() {
    c_files
    find src tests -name '*.cpp' -o -name '*.sh' -o -name '*.py' | sort
    find contrib .ci -type f ! -name '*.json' | sort # JSON has no comments
    ls Makefile.am configure.ac autogen.sh
}

text_files() {
    code_files
    ls ./*.md .editorconfig .clang-format man/*
}

trailing_blanks() {
    text_files | xargs grep -nE '[[:blank:]]+$'
}

tabs_in_code() {
    { c_files && find tests contrib -name '*.py' -o -name '*.sh'; } | xargs grep -nP '^ *\t'
}

no_final_newline() {
    # One by one only when there is one: that takes a while.
    [[ -n $(text_files | xargs tail -q -c 1 | tr -d '\n') ]] || return
    text_files | while read -r file; do
        [[ -z $(tail -c 1 "$file") ]] || echo "$file"
    done
}

no_licence_line() {
    code_files | xargs grep -L -m 1 'SPDX-License-Identifier: Apache-2.0'
}

too_long() {
    find src tests -name '*.c' -exec wc -l {} + |
        awk -v max="$lines_max" '$2 != "total" && $1 > max { print $2 ": " $1 " lines; split it" }'
}

scripts_not_executable() {
    { find tests \( -name '*.sh' -o -name '*.py' \) && find contrib .ci -type f; } |
        while read -r file; do
            [[ -x $file ]] || echo "$file"
        done | xargs -r grep -l -m 1 '^#!'
}

unlisted_sources() {
    comm -23 <(find src -name '*.[ch]' | sort) \
        <(cat Makefile.am src/local.mk src/*/local.mk | tr -s ' \t' '\n' | sort -u) |
        sed 's/$/ is in no local.mk/'
}

# A prototype is documented by the comment above its paragraph, by a comment of the header that
# names it, or, in the first paragraph of prototypes, by the comment that opens the header. What
# _create, _destroy, _init, _finish, _ref and _unref do is the same everywhere (HACKING.md).
undocumented_prototypes() {
    find src -name '*.h' -exec awk '
        function check_header(    i, name, paragraph, first, explained) {
            for (i = 1; i <= lines; i++) {
                if (line[i] == "") { explained = 0; paragraph++; continue }
                if (is_comment[i]) { explained = 1; continue }
                if (line[i] !~ /^[a-z].*[ *]rts_[a-z0-9_]+\(/ || line[i] ~ /^(typedef|return|static)/)
                    continue
                name = line[i]
                sub(/\(.*/, "", name)
                sub(/.*[ *]/, "", name)
                if (!first) first = paragraph
                if (explained || paragraph == first || index(comments, name "()") ||
                    name ~ /_(create|destroy|init|finish|ref|unref)$/)
                    continue
                print header ":" i ": " name "() has no comment"
            }
        }
        FNR == 1 { check_header(); header = FILENAME; comments = ""; in_comment = 0; split("", is_comment) }
        { line[FNR] = $0; lines = FNR }
        /^ *\/\*/ { in_comment = 1 }
        in_comment { comments = comments "\n" $0; is_comment[FNR] = 1 }
        /\*\// { in_comment = 0 }
        END { check_header() }' {} + | sort
}

options_of_help() {
    "$rtsample" --help | grep -oE -- '--[a-z][a-z-]+' | sort -u
}

options_of_manual() {
    sed -nE '/^\.Sh OPTIONS/,/^\.Sh [^O]/p' man/rtsample.1 | grep '^\.It' |
        grep -oE 'Fl -[a-z][a-z-]+' | sed 's/^Fl -/--/' | sort -u
}

options_apart() {
    diff <(options_of_help) <(options_of_manual) |
        sed -nE 's/^< (.*)/\1 is in --help only/p; s/^> (.*)/\1 is in man\/rtsample.1 only/p'
}

# Stop reasons, unwinders, drop reasons and symbol sources: all the words that leave the program.
unexplained_words() {
    grep -oE '\] = "[a-z_-]+"' src/types.c | sed -E 's/.*"(.*)"/\1/' | while read -r word; do
        grep -qw -- "$word" man/rtsample.1 || echo "$word"
    done
}

# The function number $1 in the blocks of C in HACKING.md.
quoted_function() {
    awk -v wanted="$1" '/^```$/ { block = function_begun = 0 }
        block && /./ && !function_begun { function_begun = 1; count++ }
        function_begun && count == wanted { print }
        /^}/ { function_begun = 0 }
        /^```c$/ { block = 1 }' HACKING.md
}

# The function of $1 whose first line is $2, to its end.
function_of() {
    awk -v first="$2" '$0 == first { inside = 1 } inside { print } inside && /^}/ { exit }' "$1"
}

# HACKING.md quotes functions of src/ in its blocks of C, each whole: from its first line, which says
# which one it is, to its closing brace.
stale_quotations() {
    local number first file
    for ((number = 1; ; number++)); do
        first=$(quoted_function "$number" | head -n 1)
        [[ -n $first ]] || break
        file=$(grep -rlFx --include='*.c' -- "$first" src)
        if [[ -f $file ]]; then
            diff --label "$file" --label HACKING.md -U 1 \
                <(function_of "$file" "$first") <(quoted_function "$number")
        else
            echo "HACKING.md quotes '$first', which is in ${file:-no file}"
        fi
    done
    ((number > 1)) || echo 'HACKING.md quotes no function'
}

unclean_format() {
    c_files | xargs clang-format --dry-run 2>&1 | grep 'warning:' | sed 's/ *warning:.*//'
}

manual_findings() {
    mandoc -T lint -W warning man/*.[15] | grep -v 'referenced manual not found'
}

point 'no blanks at the end of a line' trailing_blanks
point 'no tabs in the indentation of C, shell and Python' tabs_in_code
point 'every file ends with a newline' no_final_newline
point 'every source names its licence' no_licence_line
point "no .c file has more than $lines_max lines" too_long
point 'every script is executable' scripts_not_executable
point 'every source is listed in a local.mk' unlisted_sources
point 'every prototype in a header is documented' undocumented_prototypes
point 'the manual explains every word of src/types.c' unexplained_words

point 'HACKING.md quotes whole functions as they are' stale_quotations

if [[ -x $rtsample ]]; then
    point 'the manual and --help have the same options' options_apart
else
    skip 'the manual and --help have the same options' 'the program is not built'
fi
if command -v mandoc >/dev/null; then
    point 'mandoc has nothing to say about the manual' manual_findings
else
    skip 'mandoc has nothing to say about the manual' 'mandoc is not installed'
fi
# Other versions of clang-format lay out some lines in another way.
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    point 'the code is formatted' unclean_format
else
    skip 'the code is formatted' 'clang-format 14 is not installed'
fi
if command -v shellcheck >/dev/null; then
    point 'shellcheck has nothing to say' \
        shellcheck -f gcc -x -P SCRIPTDIR contrib/check contrib/common.sh contrib/demo \
        contrib/install-deps .ci/run autogen.sh tests/lint-*.sh
else
    skip 'shellcheck has nothing to say' 'shellcheck is not installed'
fi
echo "1..$points"
