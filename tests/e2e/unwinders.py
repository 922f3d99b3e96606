#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two unwinders: stacks by the rules, by libunwind, and by both, which are compared; and the self-test, which
has both unwind stacks that are known."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user", "sanitizers")

EVERY = {**os.environ, "Sampler__CheckEvery": "1", "Sampler__MaxCpuPercent": "0", "Sampler__SelfTest": "false"}
PROGRAMS_ALIKE = ["chain-O2-nofp", "chain-O0-fp", "chain-debug-frame", "signal-normal-stack", "threads", "vdso"]
# The head of such a note: its magic, the version of its layout and its kind (src/trace/note.h).
DISAGREEMENT = b"RTSn\x01\x0b"
FORMS = {"deep", "recursive", "signal", "alternate_stack", "no_frame_pointer", "vdso", "linkage", "noreturn",
         "tail_call"}  # fmt: skip


def run_for(target, *words, samples=40, environment=None):
    """A run until there are so many samples of the target: those that it had CPU time for."""
    for seconds in (0.5, 2, 8, 30):
        run = sample("-p", target.pid, "-F", 499, "-d", seconds, *words, env=environment or EVERY)
        if run.problems or run.kept >= samples:
            break
    return run


def by_both():
    """the rules and libunwind agree on every stack of these programs"""
    problems = []
    for name in PROGRAMS_ALIKE:
        with Target(build(name)) as target:
            run = run_for(target, "--unwinder", "both")
        unwinding = run.stats["unwinding"]
        found = run.problems + ([] if unwinding["unwinder"] == "both" else ["unwinder is %s" % unwinding["unwinder"]])
        # What takes long, such as the first one, is made up for.
        if not run.kept // 2 <= unwinding["checked"] <= run.kept:
            found.append("%d of %d stacks were checked" % (unwinding["checked"], run.kept))
        if unwinding["alike"] + sum(unwinding["differ"].values()) != unwinding["checked"]:
            found.append("it does not add up: %s" % unwinding)
        if unwinding["alike"] < 0.98 * unwinding["checked"] or not unwinding["binaries"]:
            found.append("%s" % unwinding)
        if run.complete_share() < 0.98:
            found.append(run.summary())
        problems += ["%s: %s" % (name, problem) for problem in found]
    return problems


def by_libunwind():
    """libunwind alone finds the same functions as the rules"""
    with Target(build("chain-O2-nofp")) as target:
        rules, other = run_for(target), run_for(target, "--unwinder", "libunwind")
    problems = rules.problems + other.problems
    if rules.names() != other.names():
        problems.append("%s, by libunwind %s" % (sorted(rules.names()), sorted(other.names())))
    if other.stats["unwinding"]["checked"] or other.complete_share() < 0.98:
        problems.append(other.summary())
    return problems


def disputed():
    """where only one calls a stack complete it is not; the first difference is in the trace"""
    trace = os.path.join(WORK, "trace")
    with Target(build("chain-no-cfi")) as target:  # by frame pointers, which libunwind may guess only
        run = run_for(target, "--unwinder", "both", "--record", trace)
    unwinding, problems = run.stats["unwinding"], list(run.problems)
    if unwinding["differ"]["libunwind_ends"] < 0.9 * run.kept or run.stops("disputed") < 0.9 * run.kept:
        problems.append("%s, %s" % (unwinding, run.summary()))
    if not run.find("spin") or not run.find("main"):
        problems.append("a difference has changed facts: %s" % run.summary())
    with open(trace, "rb") as file:
        notes = file.read().split(DISAGREEMENT)[1:]
    if len(notes) != 1:
        problems.append("%d differences are in the trace" % len(notes))
    wanted = (b"difference\0", b"libunwind_ends\0", b"registers\0", b"text\0", b"address\0")
    missing = [word for word in wanted if notes and word not in notes[0][:2000]]
    return problems + (["%s is not in it" % missing] if missing else [])


def every_hundredth():
    """of both, libunwind unwinds each hundredth stack"""
    with Target(build("chain-O2-nofp")) as target:
        run = run_for(target, "--unwinder", "both", samples=200, environment={**EVERY, "Sampler__CheckEvery": "100"})
    checked = run.stats["unwinding"]["checked"]
    return run.problems + ([] if 1 <= checked <= run.kept // 100 else ["%d of %d" % (checked, run.kept)])


def self_test():
    """the self-test has samples of every form, all of them right, and leaves no process and no other count"""
    metrics = os.path.join(WORK, "metrics")
    with Target(build("chain-O2-nofp")) as target:
        for seconds in (4, 20):
            run = sample("-p", target.pid, "-F", 499, "-d", seconds, "--metrics", metrics)
            test = run.stats["selftest"]
            if all(form["samples"] for form in test["forms"].values()):
                break
    problems = list(run.problems)
    if set(test["forms"]) != FORMS or test["failed"] or not all(form["samples"] for form in test["forms"].values()):
        problems.append("%s" % test)
    if test["cpu_ms"] > 200:
        problems.append("it took %d ms of CPU time" % test["cpu_ms"])
    if run.stats["samples"]["own"] or run.find("spin") and run.share("spin") > 1.0:
        problems.append("its samples are counted: %s" % run.summary())
    with open(metrics, encoding="utf-8") as file:
        if "rtsample_selftest_failed 0\n" not in file.read():
            problems.append("the metrics do not say it")
    return problems


def doctor():
    """doctor --self-test: by perf events and by ptrace, at once; its report is that of the other checks"""
    result = subprocess.run([RTSAMPLE, "doctor", "--self-test", "--json"], capture_output=True, text=True)
    report = json.loads(result.stdout)
    problems = [] if result.returncode == report["status"] == 0 else ["status %d: %s" % (result.returncode, report)]
    for key, check in report["checks"].items():
        if check["state"] not in ("works", "unknown"):
            problems.append("%s: %s" % (key, check))
    if report["checks"]["selftest.perf"]["state"] != "works":
        problems.append("%s" % report)
    both = subprocess.run([RTSAMPLE, "doctor", "--self-test", "--self"], capture_output=True, text=True)
    return problems + ([] if both.returncode == 2 else ["--self with it: %d, %s" % (both.returncode, both.stderr)])


def switched_off():
    """without a self-test there is none"""
    with Target(build("chain-O2-nofp")) as target:
        run = sample("-p", target.pid, "-d", 1.5, env={**os.environ, "Sampler__SelfTest": "false"})
    return run.problems + ([] if not run.stats["selftest"]["rounds"] else ["%s" % run.stats["selftest"]])


if __name__ == "__main__":
    require_sampling()
    run_steps(by_both, by_libunwind, disputed, every_hundredth, self_test, doctor, switched_off)
