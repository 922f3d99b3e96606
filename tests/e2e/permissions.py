#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may sample what: every cell of the matrix below is tried, and works in the way that the manual
says, or fails with the right cause.

Here the cells of this machine's kernel.perf_event_paranoid are tried, since other tests run beside
this one: those that say most, and all with RTSAMPLE_LONG. With that and RTSAMPLE_KERNELS (see
kernel_lib.py) all levels are, or those of RTSAMPLE_LEVELS (with commas between), on each of those
kernels in an emulator, some minutes each. As an ordinary user only the cells of an ordinary user can
be arranged."""
import sys

sys.dont_write_bytecode = True
from kernel_lib import *  # noqa

skip_in("sanitizers")

CALLERS = ("root", "perfmon", "sys_admin", "sys_ptrace", "none")
TARGETS = ("own", "other")
PLACES = ("plain", "pidns", "userns", "eperm", "enosys")
LEVELS = [int(level) for level in os.environ.get("RTSAMPLE_LEVELS", "-1,0,1,2,3").split(",")]

PROGRAM = "chain-O2-nofp"
FUNCTIONS = {"spin", "inner", "middle", "outer", "main", "_start", "__libc_start_main"}

# An emulated processor is slow.
HERE_ARGUMENTS = "-F 999 -d %s"
HERE_SECONDS = (0.2, 2, 10)  # the next one where the target had no CPU for so long
THERE_ARGUMENTS = "-F 199 -d 0.5"
BOOT_SECONDS = 3600


def cells(callers=CALLERS, places=PLACES):
    return itertools.product(callers, TARGETS, places)


# --- What the manual says --------------------------------------------------------------------------


def perf_rung(caller, target, level, userns):
    """The best rung of perf events, and why not a better one."""
    # Debian's kernels heed CAP_SYS_ADMIN alone at level 3.
    heeded = ("root", "sys_admin") if level > 2 else ("root", "perfmon", "sys_admin")
    monitors = caller in heeded and not userns
    has_access = target == "own" or caller in ("root", "sys_ptrace")
    by_level = "user_namespace" if userns and caller in ("root", "perfmon", "sys_admin") else "paranoid"
    if not monitors and level > 2:
        return None, {"perf_process": by_level}
    refused = {"perf_process": by_level} if level > 1 and not monitors else {}
    if not monitors and not has_access:
        cause = "user_namespace" if by_level == "user_namespace" else "other_user"
        refused["perf_user" if level > 1 else "perf_process"] = cause
        return None, refused
    return ("perf_user" if refused else "perf_process"), refused


def expectation(caller, target, place, level):
    """The rung that is right (None: refused), and what is refused."""
    if place in ("eperm", "enosys"):
        rung, refused = None, {"perf_process": "seccomp"}
    else:
        rung, refused = perf_rung(caller, target, level, place == "userns")
    if not rung and (target == "own" or caller in ("root", "sys_ptrace")):
        rung = "ptrace"
    return rung, refused


# What the message has to name, for each cause.
ADVICE = {
    "seccomp": "seccomp",
    "paranoid": "perf_event_paranoid",
    "user_namespace": "user namespace",
    "other_user": "another user",
}


class Cell(Run):
    """What came of one cell."""

    def __init__(self, status, output, stderr, stats):
        self.status, self.output = status, output
        self.stderr = stderr.decode("utf-8", "replace")
        self.facts, self.problems = check_lines(output)
        if stats:
            self.stats = json.loads(stats.decode("utf-8"))
            self.problems += check_account(self.stats, self.facts)

    @property
    def rung(self):
        return self.stats["run"]["rung"] if self.stats else None

    @property
    def word(self):
        """For the table."""
        if self.status == 4:
            return "refused"
        if self.status or not self.stats:
            return "FAILED"
        sort = {"perf_process": "yes", "perf_user": "user side", "ptrace": "ptrace"}
        return sort.get(self.rung, self.rung) + ("" if self.find("spin") else ", unnamed")


def check_cell(cell, caller, target, place, level):
    rung, refused = expectation(caller, target, place, level)
    if cell.status == 99:
        return ["it could not be arranged: " + cell.stderr]
    problems = list(cell.problems)
    if cell.status != (0 if rung else 4):
        return problems + ["exit status %s, expected rung %s: %s" % (cell.status, rung, cell.stderr)]
    for cause in list(refused.values())[-1:]:
        if ADVICE[cause] not in cell.stderr:
            problems.append("does not say %s: %s" % (cause, cell.stderr))
    if not rung:
        return problems + ([] if "grant" in cell.stderr else ["no advice: " + cell.stderr])
    if cell.rung != rung or cell.stats["run"]["refused"] != refused:
        problems.append("%s, not %s for %s" % (cell.stats["run"], rung, refused))
    if (rung == "ptrace") != ("with ptrace at" in cell.stderr):
        problems.append("what it says of ptrace is wrong: " + cell.stderr)
    if not cell.kept:
        problems.append("no samples: " + cell.stderr)
    # A process that may not be looked into has code without a name, and never one with a wrong one.
    looks_into = target == "own" or caller in ("root", "sys_ptrace")
    program = {name for name in cell.names() if not name.startswith(("_", "sub_", "offset_"))}
    if not program <= FUNCTIONS:
        problems.append("functions that it does not have: %s" % sorted(program - FUNCTIONS))
    if looks_into and not cell.find("spin"):
        problems.append("nothing has a name: " + cell.summary())
    if not looks_into and not cell.find("spin") and not cell.stats["frames"]["unnamed"]["no_file"]:
        problems.append("what has no name is not counted: " + cell.summary())
    return problems


def print_table(words):
    """words: {cell: word}"""
    width = max(len(word) for word in words.values()) + 2
    note("%-19s" % "" + "".join(place.ljust(width) for place in PLACES))
    for caller, target in itertools.product(CALLERS, TARGETS):
        row = [words.get((caller, target, place), "") for place in PLACES]
        if any(row):
            note("%-19s" % (caller + ", " + target) + "".join(word.ljust(width) for word in row))


def report(where, level, results):
    """One line of TAP for a level, and its table."""
    problems, words = [], {}
    for cell, outcome in results.items():
        words[cell] = outcome.word
        problems += ["%s: %s" % (" ".join(cell), text) for text in check_cell(outcome, *cell, level)]
    ok("%s, kernel.perf_event_paranoid %d: %d cells" % (where, level, len(results)), problems)
    print_table(words)


# --- Here ------------------------------------------------------------------------------------------


def read(path):
    with open(path, "rb") as file:
        return file.read()


def try_once(confine, program, cell, seconds):
    folder = tempfile.mkdtemp(dir=WORK)
    os.chmod(folder, 0o1777)
    names = {kind: os.path.join(folder, kind) for kind in ("facts", "stats", "stderr")}
    arguments = (HERE_ARGUMENTS % seconds).split() + ["-o", names["facts"], "--stats", names["stats"]]
    with open(names["stderr"], "wb") as stderr:
        process = Target(
            confine, *cell, program, os.path.join(WORK, "rtsample"), *arguments, ready=False, stderr=stderr
        )
        try:
            status = process.process.wait(STUCK_SECONDS)
        except subprocess.TimeoutExpired:
            status = "none: it hangs"
        process.stop()
    content = {kind: read(path) if os.path.exists(path) else b"" for kind, path in names.items()}
    return Cell(status, content["facts"], content["stderr"], content["stats"])


def try_here(confine, program, cell):
    for seconds in HERE_SECONDS:
        outcome = try_once(confine, program, cell, seconds)
        if outcome.status != 0 or outcome.kept:
            break
    return outcome


def here():
    with open("/proc/sys/kernel/perf_event_paranoid", encoding="ascii") as file:
        level = int(file.read())
    confine, program = build_confine(), build(PROGRAM)
    shutil.copy(RTSAMPLE, os.path.join(WORK, "rtsample"))
    os.chmod(os.path.join(WORK, "rtsample"), 0o755)
    # Those that say most: a filter asks nobody who he is, and a pid namespace changes nothing.
    wanted = [*cells(places=("plain", "userns")), *cells(("perfmon", "none"), ("pidns", "eperm"))]
    wanted += [("sys_ptrace", "other", "eperm"), ("none", "own", "enosys"), ("root", "other", "enosys")]
    if not IS_ROOT:
        wanted = list(cells(("none",), ("plain", "eperm", "enosys")))
    if os.environ.get("RTSAMPLE_LONG"):
        wanted = list(cells() if IS_ROOT else wanted)
    results = {cell: try_here(confine, program, cell) for cell in wanted}
    impossible = [cell for cell, outcome in results.items() if outcome.status == 99]
    if len(impossible) == len(results):
        skip_all(results[impossible[0]].stderr)
    for cell in impossible:
        note("%s: left out: %s" % (" ".join(cell), results.pop(cell).stderr.strip()))
    report("here", level, results)


# --- In an emulator --------------------------------------------------------------------------------

CELL = """
confine %(cell)s /bin/%(program)s /bin/rtsample %(arguments)s \\
    -o facts-%(name)s --stats stats-%(name)s 2>stderr-%(name)s
echo $? >status-%(name)s
for kind in status facts stats stderr; do
    give $kind-%(name)s
    rm -f $kind-%(name)s
done
"""


def name_of(level, cell):
    return "%s-%d" % ("-".join(cell), level)


def script():
    text = "export Sampler__MaxCpuPercent=0\n"
    for level in LEVELS:
        text += "echo %d >/proc/sys/kernel/perf_event_paranoid\n" % level
        text += "cat /proc/sys/kernel/perf_event_paranoid >level-%d; give level-%d\n" % (level, level)
        for cell in cells():
            text += CELL % {
                "cell": " ".join(cell),
                "program": PROGRAM,
                "arguments": THERE_ARGUMENTS,
                "name": name_of(level, cell),
            }
    return text


def kernel(path, image):
    console = boot(path, image, BOOT_SECONDS)
    release = release_of(console)
    if not release:
        ok("%s boots" % os.path.basename(path), [console[-3000:]])
        return
    for level in LEVELS:
        if given(console, "level-%d" % level).strip() != b"%d" % level:
            ok("Linux %s, level %d" % (release, level), ["it cannot be set"])
            continue
        results = {}
        for cell in cells():
            files = {
                kind: given(console, "%s-%s" % (kind, name_of(level, cell)))
                for kind in ("status", "facts", "stats", "stderr")
            }
            status = int(files["status"]) if files["status"] else "none"
            outcome = Cell(status, files["facts"], files["stderr"], files["stats"])
            if status == 99:  # as without filters in a kernel that was built without them
                note("%s: left out: %s" % (" ".join(cell), outcome.stderr.strip()))
            else:
                results[cell] = outcome
        report("Linux " + release, level, results)


here()
if os.environ.get("RTSAMPLE_KERNELS") and os.environ.get("RTSAMPLE_LONG"):
    images = kernel_images()
    programs = {PROGRAM: build(PROGRAM), "confine": os.path.join(WORK, "confine")}
    initramfs = make_initramfs(programs, script())
    for path in images:
        kernel(path, initramfs)
done()
