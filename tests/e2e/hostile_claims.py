#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A build-id is a claim: what a file with the build-id of another one says of its functions becomes true
of no other process, and of no other file."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("sanitizers")

BUILD_ID = "7e57" * 10

SOURCE = """
#include <unistd.h>
__attribute__((noinline)) long work(long n) { volatile long x = 0; while (n--) x += n; return x; }
#ifdef ALIAS
extern long ALIAS(long) __attribute__((alias("work")));
#endif
#ifdef LAYOUT
__attribute__((section(".text.other"), used, noinline)) long other(long n) { return n ? n * 3 : 7; }
__attribute__((used)) static const char filling[LAYOUT] = {1};
#endif
#ifndef LIBRARY
int main(void)
{
    for (;;)
        work(100000);
}
#endif
"""

LOADER = """
#include <dlfcn.h>
int main(int count, char **paths)
{
    long (*works[8])(long);
    for (int i = 1; i < count; i++)
        works[i] = (long (*)(long))dlsym(dlopen(paths[i], RTLD_NOW | RTLD_LOCAL), "work");
    for (;;)
        for (int i = 1; i < count; i++)
            works[i](100000);
}
"""


def compile_program(name, *options, source=SOURCE, build_id=BUILD_ID):
    path = os.path.join(WORK, name)
    command = [os.environ.get("CC", "cc").split()[0], "-x", "c", "-", "-O1", "-o", path, *options]
    command += ["-Wl,--build-id=0x" + build_id] if build_id else []
    result = subprocess.run(command, input=source, text=True, capture_output=True)
    if result.returncode != 0:
        raise Skip("no program can be made: " + result.stderr)
    return path


def said_of(run, pid, names):
    """What the facts of a process say of these functions, but for counts and times."""
    said = set()
    for fact in run.facts:
        if fact.get("processId") == pid and fact["metadata"]["symbol"] in names:
            known = {**fact, **fact["metadata"]}
            for key in ("hitCount", "leafHits", "observedAt", "line", "metadata", "loaderBase"):
                known.pop(key, None)
            for key in ("processId", "evidence"):
                known.pop(key)
            said.add(json.dumps(known, sort_keys=True))
    return said


def share_of(run, pid, name):
    own = [fact for fact in run.facts if fact.get("processId") == pid]
    most = sum(fact["hitCount"] for fact in own if fact["metadata"]["symbol"] == "main")
    hits = sum(fact["hitCount"] for fact in own if fact["metadata"]["symbol"] == name)
    return hits / most if most else 0


def as_nobody():
    if IS_ROOT:
        os.setgid(65534)
        os.setuid(65534)


def compare(victim_path, *forgers, names=("work", "main")):
    """The victim with the forgers, who come first, beside it alone; and the replay."""
    trace = os.path.join(WORK, "trace")
    options = ("--emit", "process", "-F", 499)

    def run_victim(others):
        with Target(victim_path, ready=False) as victim:
            run = sample_enough("-p", os.getpid(), *options, "--record", trace, minimum=150 * (1 + len(others)))
            return run, said_of(run, victim.pid, names), share_of(run, victim.pid, "work")

    alone, expected, share = run_victim([])
    others = [Target(path, ready=False, preexec_fn=as_nobody) for path in forgers]
    try:
        with_them = None
        time.sleep(0.3)
        with_them, found, share_then = run_victim(others)
        problems = alone.problems + with_them.problems + replay_differs(with_them, trace, "--emit", "process")
        theirs = set().union(*(said_of(with_them, other.pid, names) for other in others))
    finally:
        for other in others:
            other.stop()
    if not expected or found != expected:
        problems.append("alone: %s, beside others: %s" % (sorted(expected), sorted(found)))
    if abs(share - share_then) > 0.02:
        problems.append("work has %.3f of the samples alone, %.3f beside others" % (share, share_then))
    if theirs <= expected:
        problems.append("the forgers say nothing else: %s" % sorted(theirs))
    return problems


def aliases():
    """programs with its build-id and other names for its functions change nothing that a program's facts say"""
    forgers = [compile_program("forger%d" % i, "-DALIAS=CVE_%d" % i) for i in range(3)]
    return compare(compile_program("victim"), *forgers)


def layout():
    """programs with its build-id and other sections, of another size, or stripped, change nothing either"""
    forgers = [
        compile_program("layout", "-DLAYOUT=9000", "-DALIAS=CVE_forged", "-Wl,-Ttext-segment=0x10000", "-no-pie"),
        compile_program("stripped", "-DALIAS=CVE_forged", "-s"),
    ]
    return compare(compile_program("victim"), *forgers)


def debug_file():
    """nor does a program with its build-id and a debug file of its own"""
    forger, debug = compile_program("linked", "-DALIAS=CVE_of_debug_file", "-g"), os.path.join(WORK, "linked.debug")
    for command in (
        ["objcopy", "--only-keep-debug", forger, debug],
        ["objcopy", "--strip-all", forger],
        ["objcopy", "--add-gnu-debuglink=" + debug, forger],
    ):
        if subprocess.run(command, capture_output=True).returncode != 0:
            raise Skip("objcopy does not do it")
    return compare(compile_program("victim"), forger)


def in_one_process():
    """two libraries of one build-id in one process have a line each, with their own names, also in a replay"""
    real = compile_program("libreal.so", "-shared", "-fPIC", "-DLIBRARY", "-DALIAS=real_one")
    forged = compile_program("libforged.so", "-shared", "-fPIC", "-DLIBRARY", "-DALIAS=CVE_forged", "-DLAYOUT=5000")
    copy = shutil.copy(real, os.path.join(WORK, "libcopy.so"))
    loader = compile_program("loader", "-ldl", source=LOADER, build_id=None)
    trace = os.path.join(WORK, "trace")
    with Target(loader, forged, real, copy, ready=False) as target:
        run = sample_enough("-p", target.pid, "-F", 499, "--record", trace, minimum=200)
    problems = run.problems + replay_differs(run, trace)
    hits = {}
    for fact in run.find("work"):
        hits.setdefault(fact["metadata"].get("aliases"), [0, fact["symbolId"]])[0] += fact["hitCount"]
    ids = {symbol_id for _, symbol_id in hits.values()}
    if set(hits) != {"real_one", "CVE_forged"} or len(ids) != 1:
        problems.append("not the two: %s" % hits)
    elif not 1.4 < hits["real_one"][0] / hits["CVE_forged"][0] < 2.8:
        problems.append("two of three calls are of the real one and its copy: %s" % hits)
    return problems


require_sampling()
run_steps(aliases, layout, debug_file, in_one_process)
