#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Other kernels than the one we run on: each is booted in an emulator, with rtsample and a program
to sample in its initramfs, and says on its console what came of it; see kernel_lib.py. With
RTSAMPLE_LONG all that are there, and other recorders beside us, else the oldest, alone.
"""
import sys

sys.dont_write_bytecode = True
from kernel_lib import *  # noqa

skip_in("user", "sanitizers")

LONG = bool(os.environ.get("RTSAMPLE_LONG"))

PROGRAM = "chain-O2-nofp"

# An emulated processor is too slow for the usual share of it.
COMMON = "-F 199 -d " + os.environ.get("RTSAMPLE_KERNEL_SECONDS", "3")
ENVIRONMENT = "Sampler__MaxCpuPercent=0"

# Of another user, with CAP_PERFMON alone: what is executed once the sampling has begun is named where
# its file can be read, and where it cannot there is its build-id, if the kernel tells it to nobody
# else.
LATE_PLACES = ("/bin", "/secret")

# Not busybox's own, which its shell prefers and which cannot change the user.
NOBODY = "/bin/setpriv --reuid=65534 --regid=65534 --clear-groups"

# Another user than that, with CAP_PERFMON.
MONITOR = (
    "/bin/setpriv --reuid=65533 --regid=65533 --clear-groups "
    "--inh-caps=+perfmon --ambient-caps=+perfmon "
)

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


SECRET = """
mkdir /secret
cp /bin/two-lives-second /secret
chown 1001 /secret
chmod 700 /secret
"""

LATE = """
printf '#!/bin/sh\\necho ready\\nsleep 4\\nexec %(place)s/two-lives-second\\n' >/bin/late
chmod 755 /bin/late
confine perfmon other plain /bin/late /bin/rtsample -F 199 -d 9 --record trace \\
    -o facts-%(number)d --stats stats-%(number)d 2>stderr-%(number)d
echo "@@status %(number)d $?"
rtsample replay -o replayed-%(number)d trace 2>/dev/null
for kind in facts stats stderr replayed; do
    give $kind-%(number)d
done
"""


# Beside other recorders (neighbours.py): of short processes, by each kind of run.
BESIDE = {
    "-p": "rtsample %(arguments)s -p $worker",
    "-a": "rtsample %(arguments)s -a --emit process",
    "--": "rtsample %(arguments)s -- /bin/neighbour work 2 /bin/nbr",
    "--cgroup": "rtsample %(arguments)s --cgroup /group/in",
    "CAP_PERFMON": MONITOR + "rtsample %(arguments)s -p $worker",
}
BESIDE_ARGUMENTS = "-F 199 -d 5 -o facts-%(number)d --stats stats-%(number)d"

# To load a program takes an emulated processor long.
NEIGHBOURS = """
export BURN_SECONDS=2
cp /bin/neighbour /bin/nbr
mkdir /group
mount -t cgroup2 none /group
mkdir /group/in
%(user)s /bin/neighbour work 0 /bin/nbr >/dev/null &
worker=$!
echo $worker >/group/in/cgroup.procs
sleep 6 | neighbour watch $worker >marks-alone
sleep 6 | neighbour watch $worker >marks-ours &
watcher=$!
sleep 1
%(monitor)s
wait $watcher
sleep 1000 | neighbour ask >/dev/null 2>&1 &
sleep 1
sleep 6 | neighbour watch $worker >marks-asked
%(runs)s
rtsample doctor --json >doctor
for name in alone ours asked; do give marks-$name; done
give doctor
kill $worker
"""

BESIDE_RUN = """
%(command)s 2>stderr-%(number)d
echo "@@status %(number)d $?"
for kind in facts stats stderr; do
    give $kind-%(number)d
done
"""

PERF = """
perf record -q -e cpu-clock -F 99 %(what)s -o perf.data -- \\
    rtsample -F 199 -d 5 -p $worker -o facts-%(number)d --stats stats-%(number)d 2>stderr-%(number)d
echo "@@status %(number)d $?"
perf script -i perf.data -F comm,ip,sym --comms nbr >script-%(number)d 2>/dev/null
for kind in facts stats stderr script; do
    give $kind-%(number)d
done
rm perf.data
"""

# The target of perf, and its number.
PERFS = {"perf record": ("-p $worker", 300), "perf record -a --buildid-mmap": ("-a --buildid-mmap", 301)}


def neighbours():
    runs = []
    for number, command in enumerate(BESIDE.values(), 200):
        arguments = BESIDE_ARGUMENTS % {"number": number}
        runs.append(BESIDE_RUN % {"command": command % {"arguments": arguments}, "number": number})
    perfs = [PERF % {"what": what, "number": number} for what, number in PERFS.values()]
    monitor = MONITOR + "rtsample -F 99 -d 2 -p $worker -o /dev/null 2>/dev/null"
    text = NEIGHBOURS % {"user": NOBODY, "monitor": monitor, "runs": "".join(runs)}
    # perf before anybody asks: it may be ended by it.
    return text.replace("sleep 1000 |", "".join(perfs if shutil.which("perf") else []) + "sleep 1000 |")


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
    late = [LATE % {"place": place, "number": 100 + i} for i, place in enumerate(LATE_PLACES)]
    beside = neighbours() if LONG else ""
    return "export %s\n%s%s%s%s" % (ENVIRONMENT, "".join(runs), SECRET, "".join(late), beside)


class BootRun(Run):
    """One run on that machine, as its console tells it."""

    def __init__(self, console, number, opted_in=False):
        self.problems = []
        found = re.search(r"^@@status %d (\d+)$" % number, console, re.M)
        self.status = int(found.group(1)) if found else None
        self.output = given(console, "facts-%d" % number)
        self.stderr = given(console, "stderr-%d" % number).decode("utf-8", "replace")
        self.facts, problems = check_lines(self.output, opted_in)
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
    # By ptrace a slow machine leaves a thread alone for most of the time.
    if run.kept < (5 if run.stats["method"].startswith("ptrace") else 20):
        problems.append("too few samples")
    return problems + ([run.summary()] if problems else [])


def check_late(run, console, number, build_id):
    second = [fact for fact in run.facts if fact["buildId"] == "gnu-build-id:" + build_id]
    readable = LATE_PLACES[number] == "/bin"
    problems = list(run.problems)
    if run.status != 0:
        return problems + ["exit status %s: %s" % (run.status, run.stderr)]
    if given(console, "replayed-%d" % (100 + number)) != run.output:
        problems.append("the replay differs")
    if readable:
        return problems + ([] if run.find("second_life") else [run.summary()])
    if "build_ids" in run.stats["run"]["gave_up"]:
        return problems + (["has facts of a file that it cannot know"] if second else [])
    for fact in second:
        metadata = fact["metadata"]
        if metadata["symbolSource"] != "none" or not metadata["symbol"].startswith("offset_"):
            problems.append("a name for what cannot be read: %s" % metadata)
        if "loaderBase" in fact:
            problems.append("a load base that nobody knows")
    return problems + ([] if second else ["its build-id is missing: " + run.summary()])


def check_beside(run, name):
    """The account and facts of a run beside others."""
    of_all = name == "-a"
    if run.status not in (0, 143) or not run.stats:
        return ["exit status %s: %s" % (run.status, run.stderr)]
    samples = run.stats["samples"]
    problems = list(run.problems)
    if samples["dropped"]["malformed"] or samples["malformed_side_band"]:
        problems.append("records are damaged: %s" % samples)
    hot = sum(fact["hitCount"] for fact in run.find("hot") if not of_all or fact["processName"] == "nbr")
    # Loading is most of the rest; all of it is of files that are there. (Old kernels do not let
    # CAP_PERFMON see what the process had mapped that ran at the beginning.)
    unnamed = run.stats["frames"]["unnamed"]["no_file"]
    if hot < 10 or (unnamed > 0.02 * run.kept and name != "CAP_PERFMON"):
        problems.append("hot is in %d samples: %s" % (hot, run.summary()))
    return problems


def check_neighbours(release, console):
    """What is right beside others, and whether this kernel marks the records of others."""
    marks = {}
    for name in ("alone", "ours", "asked"):
        counts = given(console, "marks-" + name).split()[1:]
        marks[name] = tuple(int(word) for word in counts) or (0, 0)
    problems = ["nothing was recorded, %s" % name for name, (count, _) in marks.items() if not count]
    cause = None
    if not problems:
        problems += ["records are marked, %s" % name for name in ("alone", "ours") if marks[name][1]]
        check = json.loads(given(console, "doctor"))["checks"]["feature.build_id"]
        note("%d of %d records of others are marked; %s" % (*marks["asked"][::-1], check["found"]))
        cause = check["cause"]
        if (cause == "leaks") != (marks["asked"][1] > 0):
            problems.append("doctor says: %s" % check)
    ok("Linux %s: nobody is misled, and doctor tells whether asking for build-ids would" % release, problems)
    for number, name in enumerate(BESIDE, 200):
        run = BootRun(console, number, opted_in=name == "-a")
        ok("Linux %s, %s beside a recorder with build-ids" % (release, name), check_beside(run, name))
    for name, (_, number) in PERFS.items():
        title = "Linux %s, beside %s" % (release, name)
        if not shutil.which("perf") or (cause == "not_built_in" and "buildid" in name):
            skip(title, "there is no such perf")
            continue
        run = BootRun(console, number)
        blocks = given(console, "script-%d" % number).decode("utf-8", "replace").splitlines()
        problems = check_beside(run, name)
        if sum(" hot" in line for line in blocks) < 10:
            problems.append("perf has too few samples of hot: %s" % blocks[:20])
        ok(title, problems)


def kernel(path, image, build_id):
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
    for number, place in enumerate(LATE_PLACES):
        run = BootRun(console, 100 + number)
        problems = check_late(run, console, number, build_id)
        ok("Linux %s, CAP_PERFMON alone, another user's program in %s" % (release, place), problems)
    if LONG:
        check_neighbours(release, console)


# The oldest one says most that the kernel that we run on does not.
images = kernel_images() if LONG else kernel_images()[:1]
if not shutil.which("setpriv"):
    skip_all("setpriv is not installed")
neighbour = os.path.join(WORK, "neighbour")
compiler = os.environ.get("CC", "cc").split()
subprocess.run([*compiler, "-O2", "-o", neighbour, os.path.join(HERE, "neighbour.c")], check=True)
second = build("two-lives") + "-second"
notes = subprocess.run(["readelf", "-n", second], stdout=subprocess.PIPE, text=True, check=True).stdout
programs = {
    PROGRAM: build(PROGRAM),
    "setpriv": shutil.which("setpriv"),
    "confine": build_confine(),
    "two-lives-second": second,
    "neighbour": neighbour,
}
if shutil.which("perf"):
    programs["perf"] = shutil.which("perf")
initramfs = make_initramfs(programs, script())
for path in images:
    kernel(path, initramfs, re.search(r"Build ID: (\w+)", notes).group(1))
done()
