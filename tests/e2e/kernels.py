#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Other kernels than the one we run on: each is booted in an emulator, with rtsample and a program
to sample in its initramfs, and says on its console what came of it; see kernel_lib.py.
"""
import sys

sys.dont_write_bytecode = True
from kernel_lib import *  # noqa

skip_in("user", "sanitizers")

PROGRAM = "chain-O2-nofp"

# An emulated processor is too slow for the usual share of it.
COMMON = "-F 199 -d " + os.environ.get("RTSAMPLE_KERNEL_SECONDS", "3")
ENVIRONMENT = "Sampler__MaxCpuPercent=0"

# Not busybox's own, which its shell prefers and which cannot change the user.
NOBODY = "/bin/setpriv --reuid=65534 --regid=65534 --clear-groups"

# What is run there: a name, kernel.perf_event_paranoid, the exit status that is right, and as whom.
RUNS = [
    ("root", 2, 0, ""),
    ("nobody, paranoid 3", 3, None, NOBODY),
    ("nobody, paranoid 2", 2, 0, NOBODY),
]

# The program is sampled once it runs: an emulated processor spends seconds on loading one.
RUN = """
echo %(paranoid)d >/proc/sys/kernel/perf_event_paranoid
%(user)s /bin/%(program)s >ready-%(number)d &
target=$!
while ! test -s ready-%(number)d; do sleep 0.1; done
%(user)s rtsample %(arguments)s -o facts-%(number)d --stats stats-%(number)d -p $target \
    2>stderr-%(number)d
echo "@@status %(number)d $?"
kill $target
for kind in facts stats stderr; do
    give $kind-%(number)d
done
"""


def script():
    runs = [
        RUN
        % {
            "number": number,
            "paranoid": paranoid,
            "user": user,
            "arguments": COMMON,
            "program": PROGRAM,
        }
        for number, (_, paranoid, _, user) in enumerate(RUNS)
    ]
    return "export %s\n%s" % (ENVIRONMENT, "".join(runs))


class BootRun(Run):
    """One run on that machine, as its console tells it."""

    def __init__(self, console, number):
        self.problems = []
        found = re.search(r"^@@status %d (\d+)$" % number, console, re.M)
        self.status = int(found.group(1)) if found else None
        self.output = given(console, "facts-%d" % number)
        self.stderr = given(console, "stderr-%d" % number).decode("utf-8", "replace")
        self.facts, problems = check_lines(self.output)
        self.problems += problems
        stats = given(console, "stats-%d" % number)
        if stats:
            self.stats = json.loads(stats.decode("utf-8"))
            self.problems += check_account(self.stats, self.facts)


def check_run(run, expected):
    if run.status is None:
        return ["there was no such run"]
    if expected is None:
        # Only Debian's kernels know 3; elsewhere it is like 2.
        expected = 4 if run.status == 4 else 0
        if run.status == 4 and "perf_event_paranoid" not in run.stderr:
            run.problems.append("it does not say what to change: " + run.stderr)
    if run.status != expected:
        return run.problems + ["exit status %s: %s" % (run.status, run.stderr)]
    if run.status:
        return run.problems
    problems = run.problems + check_expectations(run, directives(PROGRAM))
    if run.kept < 20:
        problems.append("too few samples")
    return problems + ([run.summary()] if problems else [])


def kernel(path, image):
    console = boot(path, image)
    release = release_of(console)
    if not release:
        ok("%s boots" % os.path.basename(path), [console[-3000:]])
        return
    for number, (name, _, expected, _) in enumerate(RUNS):
        run = BootRun(console, number)
        problems = check_run(run, expected)
        ok("Linux %s, %s" % (release, name), problems)
        if run.stats:
            note("kept %d, gave up %s" % (run.kept, run.stats["run"].get("gave_up")))


images = kernel_images()
if not shutil.which("setpriv"):
    skip_all("setpriv is not installed")
initramfs = make_initramfs({PROGRAM: build(PROGRAM), "setpriv": shutil.which("setpriv")}, script())
for path in images:
    kernel(path, initramfs)
done()
