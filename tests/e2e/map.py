#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The map of the sources (tests/map.py): it finds the circles and arrows that are put into a tree of
three files, and none where there is none."""
import os
import shlex
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from lib import WORK, run_steps, skip_in  # noqa

MAP = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "map.py")

# One arrow down between folders, and one call within each.
TREE = {
    "tests/folders": "util\nlow\nhigh low\n",
    "src/low/a.h": "void a(void);\n",
    "src/low/a.c": '#include "low/a.h"\n#include "low/b.h"\nvoid a(void) { b(); }\n',
    "src/low/b.h": "void b(void);\nextern int b_value;\n",
    "src/low/b.c": '#include "low/b.h"\nint b_value;\nvoid b(void) { b_value++; }\n',
    "src/high/c.h": "void c(void);\n",
    "src/high/c.c": '#include "high/c.h"\n#include "low/a.h"\nvoid c(void) { a(); }\n',
}


def draw(changes, built=True):
    """(exit status, what was printed) for the tree with these files changed."""
    top = tempfile.mkdtemp(dir=WORK)
    for path, text in {**TREE, **changes}.items():
        os.makedirs(os.path.dirname(os.path.join(top, path)), exist_ok=True)
        with open(os.path.join(top, path), "w") as file:
            file.write(text)
    command = [MAP, "--tree", top]
    for path in sorted({**TREE, **changes}) if built else ():
        if path.endswith(".c"):
            subprocess.run(shlex.split(os.environ.get("CC", "cc")) +
                           ["-Isrc", "-c", path, "-o", path[:-1] + "o"], cwd=top, check=True)
    run = subprocess.run(command + (["--build", top] if built else []), stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True)
    return run.returncode, run.stdout


def problems_of(result, status, *phrases):
    """What is wrong with a result that should have this status and these phrases."""
    wrong = [] if result[0] == status else ["exit status %d" % result[0]]
    wrong += ["it does not say: " + phrase for phrase in phrases if phrase not in result[1]]
    return wrong + result[1].splitlines() if wrong else []


def sound():
    """A tree without circles is passed, its arrows are drawn"""
    return problems_of(draw({}), 0, "high/       -> low 1", "low/        -> -", "0 circles of includes",
                       "0 circles of calls")


def include_circle():
    """A circle of includes is found, also one by way of a header that is nobody's"""
    direct = {"src/low/b.c": TREE["src/low/b.c"].replace("\n", '\n#include "low/a.h"\n', 1)}
    by_way = {"src/low/b.c": TREE["src/low/b.c"].replace("\n", '\n#include "low/n.h"\n', 1),
              "src/low/n.h": '#include "low/a.h"\n'}
    return (problems_of(draw(direct, built=False), 1, "src/low/a -> src/low/b", "src/low/b -> src/low/a",
                        "1 circle of includes") +
            problems_of(draw(by_way, built=False), 1, "src/low/b -> src/low/n.h", "1 circle of includes"))


def module():
    """A module and the header of its inside are one"""
    changes = {"src/low/a.c": TREE["src/low/a.c"].replace("\n", '\n#include "low/a_state.h"\n', 1),
               "src/low/a_state.h": '#include "low/a.h"\n'}
    return problems_of(draw(changes), 0, "0 circles of includes")


def call_circle():
    """A circle of calls is found where no include shows it"""
    changes = {"src/low/b.c": '#include "low/b.h"\nint b_value;\nvoid a(void);\n'
                              "void b(void) { b_value++; a(); }\n"}
    return problems_of(draw(changes), 1, "0 circles of includes", "src/low/b -> src/low/a  (a)",
                       "1 circle of calls")


def data():
    """Data that another file defines counts as a call"""
    changes = {"src/low/b.c": '#include "low/b.h"\nextern int a_value;\nint b_value;\n'
                              "void b(void) { b_value = a_value; }\n",
               "src/low/a.c": TREE["src/low/a.c"] + "int a_value;\n"}
    return problems_of(draw(changes), 1, "src/low/b -> src/low/a  (a_value)")


def upwards():
    """An arrow upwards is found, and a folder that the table does not have"""
    up = {"src/low/b.c": TREE["src/low/b.c"] + '#include "high/c.h"\n'}
    other = {"src/other/d.c": "int d;\n"}
    return (problems_of(draw(up, built=False), 1, "high (NOT ALLOWED) 1") +
            problems_of(draw(other, built=False), 1, "other/ does not stand in tests/folders"))


def table():
    """A table that has an arrow upwards in it is refused"""
    return problems_of(draw({"tests/folders": "low high\nhigh\n"}, built=False), 1,
                       "low includes high, which does not stand below it")


skip_in("user", "sanitizers")
run_steps(sound, include_circle, module, call_circle, data, upwards, table)
