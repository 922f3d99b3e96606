#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A build-id is a claim: what a file with the build-id of another one says of its functions becomes true
of no other process, and of no other file."""
import sys

sys.dont_write_bytecode = True
from hostile_lib import *  # noqa

skip_in("user", "sanitizers")

BUILD_ID = "7e57" * 10

# What is replayed is the trace of -p.
WAYS = () if LONG else ("-p",)

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


def said_of(run, pid, names=("work", "main")):
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


def run_victim(path, trace, attackers=()):
    """{way: run} of a victim beside attackers, who come first."""
    minimum = 150 * (1 + len(attackers))
    with Target(path, ready=False) as victim:
        runs = sample_ways(
            [*(attacker.pid for attacker in attackers), victim.pid],
            *("--emit", "process", "-F", 499, "--record", trace),
            enough=lambda run: samples_in_all(run) >= minimum and samples_of(run, victim.pid) >= 100,
            only=WAYS,
        )
    for run in runs.values():
        run.said, run.share_of_work = said_of(run, victim.pid), share_of(run, victim.pid, "work")
    return runs


def compare(victim_path, attack):
    """The victim beside attackers and alone; and the replay."""
    trace = os.path.join(WORK, "trace{way}")
    alone = run_victim(victim_path, trace)
    attackers = attack()
    try:
        runs = run_victim(victim_path, trace, attackers)
    finally:
        end_all(attackers)
    problems = in_each(alone, lambda run: []) + in_each(runs, lambda run: [])
    for way, run in runs.items():
        expected, share = alone[way].said, alone[way].share_of_work
        theirs = set().union(*(said_of(run, attacker.pid) for attacker in attackers))
        # With all processes there are some whose files are gone by the time of the replay.
        wrong = replay_differs(run, trace.replace("{way}", way), "--emit", "process") if way == "-p" else []
        if not expected or run.said != expected:
            wrong.append("alone: %s, beside others: %s" % (sorted(expected), sorted(run.said)))
        if abs(share - run.share_of_work) > 0.02:
            wrong.append("work has %.3f of the samples alone, %.3f beside others" % (share, run.share_of_work))
        if theirs <= expected:
            wrong.append("the forgers say nothing else: %s" % sorted(theirs))
        problems += ["%s: %s" % (way, problem) for problem in wrong]
    return problems


def forgers(*paths):
    return [Target(path, ready=False, preexec_fn=as_nobody) for path in paths]


def aliases_attack(build_id=BUILD_ID, name="work"):
    return forgers(*(
        compile_program("forger%d" % i, "-DALIAS=CVE_%d" % i, build_id=build_id, source=SOURCE.replace("work", name))
        for i in range(3)
    ))  # fmt: skip


def aliases():
    """programs with its build-id and other names for its functions change nothing that a program's facts say"""
    return compare(compile_program("victim"), aliases_attack)


def layout():
    """programs with its build-id and other sections, of another size, or stripped, change nothing either"""
    paths = [
        compile_program("layout", "-DLAYOUT=9000", "-DALIAS=CVE_forged", "-Wl,-Ttext-segment=0x10000", "-no-pie"),
        compile_program("stripped", "-DALIAS=CVE_forged", "-s"),
    ]
    return compare(compile_program("victim"), lambda: forgers(*paths))


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
    return compare(compile_program("victim"), lambda: forgers(forger))


def in_one_process():
    """two libraries of one build-id in one process have a line each, with their own names, also in a replay"""
    real = compile_program("libreal.so", "-shared", "-fPIC", "-DLIBRARY", "-DALIAS=real_one")
    forged = compile_program("libforged.so", "-shared", "-fPIC", "-DLIBRARY", "-DALIAS=CVE_forged", "-DLAYOUT=5000")
    copy = shutil.copy(real, os.path.join(WORK, "libcopy.so"))
    loader = compile_program("loader", "-ldl", source=LOADER, build_id=None)
    trace = os.path.join(WORK, "trace{way}")
    with Target(loader, forged, real, copy, ready=False) as target:
        runs = sample_ways([target.pid], "--emit", "process", "-F", 499, "--record", trace,
                           enough=lambda run: samples_of(run, target.pid) >= 200, only=WAYS)  # fmt: skip

    def judge(run):
        hits = {}
        for fact in run.find("work"):
            if fact["processId"] == target.pid:
                place = hits.setdefault(fact["metadata"].get("aliases"), [0, fact["symbolId"]])
                place[0] += fact["hitCount"]
        ids = {symbol_id for _, symbol_id in hits.values()}
        if set(hits) != {"real_one", "CVE_forged"} or len(ids) != 1:
            return ["not the two: %s" % hits]
        if not 1.4 < hits["real_one"][0] / hits["CVE_forged"][0] < 2.8:
            return ["two of three calls are of the real one and its copy: %s" % hits]
        return []

    return in_each(runs, judge) + replay_differs(runs["-p"], trace.replace("{way}", "-p"), "--emit", "process")


if __name__ == "__main__":
    require_sampling()
    run_steps(aliases, layout, debug_file, in_one_process)
