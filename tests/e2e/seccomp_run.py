#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command under a seccomp filter:

    seccomp_run.py --refuse ACTION SYSCALL[,SYSCALL...] COMMAND...
    seccomp_run.py --profile FILE COMMAND...

ACTION is the name of an errno, or "kill". FILE is a profile as docker and podman take it. Exits
with 77 when the distribution's python3 has no seccomp module (python3-seccomp).
"""
import errno
import json
import os
import sys

try:
    import seccomp
except ImportError:
    print("python3-seccomp is not installed", file=sys.stderr)
    sys.exit(77)

OPERATORS = {
    "SCMP_CMP_NE": seccomp.NE, "SCMP_CMP_LT": seccomp.LT, "SCMP_CMP_LE": seccomp.LE,
    "SCMP_CMP_EQ": seccomp.EQ, "SCMP_CMP_GE": seccomp.GE, "SCMP_CMP_GT": seccomp.GT,
    "SCMP_CMP_MASKED_EQ": seccomp.MASKED_EQ,
}  # fmt: skip


def refuse(action, names):
    action = seccomp.KILL_PROCESS if action == "kill" else seccomp.ERRNO(getattr(errno, action))
    result = seccomp.SyscallFilter(defaction=seccomp.ALLOW)
    for name in names.split(","):
        result.add_rule(action, name)
    return result


def action_of(word, number):
    if word == "SCMP_ACT_ALLOW":
        return seccomp.ALLOW
    if word == "SCMP_ACT_ERRNO":
        return seccomp.ERRNO(number if number is not None else errno.EPERM)
    raise ValueError("action " + word)


def argument(rule):
    if rule["op"] == "SCMP_CMP_MASKED_EQ":
        return seccomp.Arg(rule["index"], OPERATORS[rule["op"]], rule["value"], rule["valueTwo"])
    return seccomp.Arg(rule["index"], OPERATORS[rule["op"]], rule["value"])


def profile(path):
    with open(path, encoding="utf-8") as file:
        text = json.load(file)
    result = seccomp.SyscallFilter(
        defaction=action_of(text["defaultAction"], text.get("defaultErrnoRet"))
    )
    for group in text["syscalls"]:
        action = action_of(group["action"], group.get("errnoRet"))
        for name in group["names"]:
            try:
                number = seccomp.resolve_syscall(seccomp.Arch(), name)
            except ValueError:
                number = -1
            if number >= 0:  # the others are those of other architectures
                result.add_rule(action, name, *map(argument, group.get("args") or []))
    return result


def main(arguments):
    if arguments[0] == "--refuse":
        made, command = refuse(*arguments[1:3]), arguments[3:]
    else:
        made, command = profile(arguments[1]), arguments[2:]
    # Without the right to set a filter, no_new_privs takes its place; as root it is not wanted.
    made.set_attr(seccomp.Attr.CTL_NNP, 0 if os.geteuid() == 0 else 1)
    made.load()
    os.execvp(command[0], command)


main(sys.argv[1:])
