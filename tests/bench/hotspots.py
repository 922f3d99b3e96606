# SPDX-License-Identifier: Apache-2.0
"""Where rtsample's own time goes.

callgrind counts instructions: figures per sample can be compared between two builds on a loaded
machine, but what the kernel does for rtsample is not in them. perf shows that too, in time.
"""
import os
import re
import shutil
import subprocess

import tools
from targets import TARGETS, WORK, Skip

TOOLS = ("callgrind", "perf")

# -a takes what else runs; the storm is there to give it processes.
CASES = ["redis", "storm", "all"]

# Functions whose inclusive share says what a stage costs.
STAGES = (
    ("attaching, reading maps", r"rts_session_attach|rts_process_attach"),
    ("unwinding", r"rts_unwind_stack"),
    ("  finding the code", r"rts_code_map_find"),
    ("  opening objects", r"rts_object_cache_get"),
    ("  making rules from CFI", r"rts_rule_compile"),
    ("  indexing CFI", r"rts_cfi_init_eh_frame|rts_cfi_init_debug_frame"),
    ("counting stacks", r"rts_stack_table_add"),
    ("flush", r"rts_session_flush"),
    ("  naming addresses", r"rts_object_functions"),
    ("    symbol tables", r"rts_symbols_add|rts_symbols_seal"),
    ("    separate debug file", r"rts_debug_file_find"),
    ("    opening DWARF", r"rts_inlines_create"),
    ("    inlined functions", r"rts_inlines_at"),
    ("  ids of symbols", r"rts_symbol_id_union_v01"),
    ("  lines", r"rts_window_write"),
)


def command(options, name, target):
    argv = [options.rtsample, "-F", options.rate, "-d", options.seconds]
    argv += ["-o", os.devnull, "--stats", os.path.join(WORK, "stats.json")]
    argv += ["-a"] if name == "all" else ["-p", target.pid]
    return [str(word) for word in argv]


def kept():
    with open(os.path.join(WORK, "stats.json"), encoding="utf-8") as file:
        return tools.json.load(file)["samples"]["kept"]


def annotated(data, *options):
    """{function: instructions}, the largest first, and the instructions of the whole program."""
    text = subprocess.run(
        ["callgrind_annotate", "--threshold=100", "--auto=no", "--show-percs=no", *options, data],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    ).stdout.decode("utf-8", "replace")
    functions, total = {}, 0
    for count, rest in re.findall(r"^ *([\d,]+) +(\S.*)$", text, re.M):
        count = int(count.replace(",", ""))
        if rest.startswith("PROGRAM TOTALS"):
            total = count
            continue
        # FILE:FUNCTION [OBJECT]; the function may be known by its address only. With headers and
        # inlined code a function has several lines.
        place, _, module = rest.partition(" [")
        name = re.sub(r"^\S*?:(?=\S)", "", place)
        if name.startswith("0x"):
            name += " of " + os.path.basename(module.rstrip("]"))
        if "--inclusive=yes" in options:
            functions[name] = max(count, functions.get(name, 0))
        else:
            functions[name] = functions.get(name, 0) + count
    return dict(sorted(functions.items(), key=lambda item: -item[1])), total


def callgrind(options, name, target):
    if not shutil.which("valgrind"):
        raise Skip("valgrind is not installed")
    data = os.path.join(WORK, "callgrind.out")
    argv = ["valgrind", "-q", "--tool=callgrind", "--callgrind-out-file=" + data]
    tools.measure(argv + command(options, name, target))
    samples = max(kept(), 1)
    inclusive, total = annotated(data, "--inclusive=yes")
    own, _ = annotated(data)
    print("%.1f million instructions, %d samples, %d each" % (total / 1e6, samples, total / samples))
    print("%12s %7s  stage" % ("instr.", "share"))
    for title, pattern in STAGES:
        count = sum(n for name, n in inclusive.items() if re.fullmatch(pattern, name))
        if count:
            print("%12s %6.1f%%  %s" % ("{:,}".format(count), 100 * count / total, title))
    print("%12s %7s  function itself" % ("instr.", "share"))
    for function, count in list(own.items())[: options.lines]:
        print("%12s %6.1f%%  %s" % ("{:,}".format(count), 100 * count / total, function))
    os.unlink(data)


def perf(options, name, target):
    data = os.path.join(WORK, "self.data")
    argv = ["perf", "record", "-q", "-N", "-e", "cpu-clock", "-F", "1999", "-o", data]
    tools.measure(argv + ["--call-graph", "dwarf,4096", "--"] + command(options, name, target))
    print("%d samples taken by rtsample" % kept())
    for title, order in (("with what it calls", "--children"), ("itself", "--no-children")):
        text = subprocess.run(
            ["perf", "report", "-i", data, "--stdio", "--no-inline", "-g", "none", order]
            + ["-F", "overhead_children,sym" if order == "--children" else "overhead,dso,sym"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ).stdout.decode("utf-8", "replace")
        rows = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        print("\n".join(["  share  function " + title] + rows[: options.lines]))
    os.unlink(data)


def profile(options, name):
    """One run of rtsample under a profiler; `name` is a target, or all."""
    with TARGETS["storm" if name == "all" else name]() as target:
        title = "-a, during a " + target.title if name == "all" else target.title
        print("\n=== %s, %g s at %d Hz" % (title, options.seconds, options.rate))
        {"callgrind": callgrind, "perf": perf}[options.profile](options, name, target)
