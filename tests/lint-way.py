#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""HACKING.md lists the way of one sample, function by function. Each line is a function, indented
below the one that calls it, with its file, and "by NAME" where the call goes through a pointer of
that name. Prints TAP."""

import os
import re
import sys

TOP = os.environ.get("top_srcdir") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
LINE = re.compile(r"^( *)(\w+) +(\S+\.c)(?: +by (\w+))?$")


def listed():
    """(depth, function, file, pointer) of each line of the list."""
    with open(os.path.join(TOP, "HACKING.md"), encoding="utf-8") as file:
        text = file.read()
    block = text.split("```way\n", 1)[1].split("```", 1)[0]
    return [(len(m[1]) // 2, m[2], m[3], m[4]) for m in map(LINE.match, block.splitlines()) if m], block


def body(function, path):
    """The text of a function; None: it is not there."""
    try:
        with open(os.path.join(TOP, "src", path), encoding="utf-8") as file:
            source = file.read()
    except OSError:
        return None
    found = re.search(r"^[a-z][^;{}\n]*\b%s\((?:[^;{}]*)\)\n\{\n(.*?)^\}" % function, source,
                      re.MULTILINE | re.DOTALL)
    return found and found[1]


def finding(stack, function, path, pointer):
    """What is wrong with a line, below the functions on the stack; None: nothing."""
    if body(function, path) is None:
        return f"src/{path} has no function {function}"
    if stack and not re.search(r"\b%s\(" % (pointer or function), body(*stack[-1])):
        return f"{stack[-1][0]} in src/{stack[-1][1]} does not call {pointer or function}"
    return None


def main():
    lines, block = listed()
    findings, stack = [], []
    for depth, function, path, pointer in lines:
        stack = stack[:depth]
        wrong = finding(stack, function, path, pointer)
        if wrong:
            findings.append(wrong)
        stack.append((function, path))
    if len(lines) != len(block.splitlines()) or len(lines) < 10:
        findings.append("the list has lines that cannot be read")
    print("not ok" if findings else "ok", "1 - the way of one sample in HACKING.md is that of the code")
    for wrong in findings:
        print("#", wrong)
    print("1..1")
    return 0


sys.exit(main())
