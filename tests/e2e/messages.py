#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What rtsample says to somebody who mistyped, and of what it leaves out: that the sentence names
what is wrong, and what to do. The texts are those of the manual's users; a test of each."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

BUSY = ["sh", "-c", "i=0; while [ $i -lt 3000000 ]; do i=$((i+1)); done"]


def run(*arguments, stdin=None, **environment):
    return subprocess.run([RTSAMPLE, *map(str, arguments)], stdin=stdin or subprocess.DEVNULL,
                          capture_output=True, text=True, env={**os.environ, **environment},
                          timeout=STUCK_SECONDS)


def says(status, wanted, *arguments, never=None, **options):
    """Problems of a run that is to end with this status and to say all of these."""
    result = run(*arguments, **options)
    problems = []
    if result.returncode != status:
        problems.append("%s: exit status %d, not %d" % (arguments, result.returncode, status))
    problems += ["%s: no %r in %r" % (arguments, text, result.stderr)
                 for text in ([wanted] if isinstance(wanted, str) else wanted) if text not in result.stderr]
    if never and never in result.stderr:
        problems.append("%s: %r in %r" % (arguments, never, result.stderr))
    return problems


def commands():
    """a mistyped command is told from a program to sample, and the nearest one is named"""
    problems = []
    for wrong, right in (("replya", "replay"), ("docter", "doctor"), ("sned", "send"), ("rep", "replay")):
        problems += says(2, ['"%s" is not a command' % wrong, '"%s"' % right], wrong)
    problems += says(2, 'the command "doctor" comes first', "-F", "99", "doctor")
    problems += says(2, '"sleep" is neither an option nor a command', "sleep", "5", never="nearest")
    return problems


def options():
    """a mistyped option is named with the nearest one, in every command"""
    problems = []
    for words in ([], ["replay"], ["send"], ["doctor"]):
        problems += says(2, ["--hlep is not an option", "--help"], *words, "--hlep")
        problems += says(2, "--qqqqqq is not an option", *words, "--qqqqqq=5", never="nearest")
        problems += says(2, "-Z is not an option", *words, "-Z")
    problems += says(2, ["--durration is not an option", "--duration"], "--durration", "3")
    problems += says(2, ["--endpont is not an option", "--endpoint"], "send", "--endpont=x")
    problems += says(2, ["--ca may be any of", "--cas", "--cacert", "--call-graph"], "--ca", "x")
    problems += says(2, "-F takes a value", "-F")
    problems += says(2, "--freq takes a value", "--freq")
    problems += says(2, "--all takes no value", "--all=3")
    problems += says(2, "--\\x1b[31m is not an option", "--\x1b[31m")
    return problems


def process_lists():
    """-p takes what pidof and pgrep print, and says when that is nothing"""
    targets = [subprocess.Popen(["sleep", "100"]) for _ in range(2)]
    problems = []
    try:
        ids = [str(target.pid) for target in targets]
        for separator in (" ", "\n", ",", ", "):
            stats = os.path.join(WORK, "pids.json")
            result = run("-p", separator.join(ids) + "\n", "-d", "0.1", "-o", os.devnull, "--stats", stats)
            if result.returncode != 0:
                problems.append("%r: %d: %s" % (separator, result.returncode, result.stderr))
    finally:
        for target in targets:
            target.kill()
            target.wait()
    problems += says(2, "there is no process id in it", "-p", "")
    problems += says(2, "there is no process id in it", "-p", " ")
    problems += says(2, '"x1" is not a process id', "-p", "1 x1")
    return problems


def kernel_threads():
    """a kernel thread is refused at once"""
    # Linux tells by PF_KTHREAD; kthreadd is their parent, and 2 where the first pid namespace is ours.
    with open("/proc/2/status", encoding="utf-8") if os.path.exists("/proc/2/status") else open(os.devnull) as file:
        if "kthreadd" not in file.read():
            raise Skip("no kernel thread is to be seen here")
    return says(3, "process 2 is a kernel thread", "-p", "2", "-d", "60")


def root():
    """root is not told to be root"""
    if not IS_ROOT or not shutil.which("setpriv"):
        raise Skip("it takes root, and setpriv")
    sleeper = subprocess.Popen(["setpriv", "--reuid=1", "--regid=1", "--clear-groups", "sleep", "100"])
    try:
        bare = subprocess.run(
            ["setpriv", "--bounding-set=-all", "--inh-caps=-all", RTSAMPLE, "-p", str(sleeper.pid), "-d", "0.1",
             "-o", os.devnull], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=STUCK_SECONDS)
    finally:
        sleeper.kill()
        sleeper.wait()
    problems = [] if "CAP_" in bare.stderr else ["nothing was refused: " + bare.stderr]
    return problems + (["root is told so: " + bare.stderr] if "as root" in bare.stderr else [])


def rate_limit():
    """a frequency beyond Sampler:MaxEventsPerSecond names that setting, and what to set"""
    result = run("-F", "999", "-o", os.devnull, "--", *BUSY, Sampler__MaxEventsPerSecond="50")
    if "kernel side" in result.stderr or "ptrace" in result.stderr:
        raise Skip("perf events are refused here")
    wanted = str(999 * os.sysconf("SC_NPROCESSORS_ONLN"))
    text = [line for line in result.stderr.splitlines() if "Sampler:MaxEventsPerSecond" in line]
    if len(text) != 1 or wanted not in text[0] or "Sampler__MaxEventsPerSecond" not in text[0]:
        return ["not said once, with %s: %s" % (wanted, result.stderr)]
    return []


def empty_inputs():
    """what was empty is named"""
    empty = os.path.join(WORK, "empty.ndjson")
    open(empty, "w").close()
    to = ["--endpoint", "http://127.0.0.1:9/x", "--callgraph-id", "c", "--scan-id", "s"]
    problems = says(1, ["runtime fact stream was empty", empty], "send", *to, empty)
    problems += says(1, ["runtime fact stream was empty", "any of the 2 files", empty], "send", *to, empty, empty)
    problems += says(1, ["empty.ndjson"], "replay", empty)
    return problems


def nameless():
    """what has no name is summed, with the package that would name it"""
    dash = shutil.which("dash")
    if not dash or not shutil.which("dpkg"):
        raise Skip("there is no dash, or no dpkg")
    owner = subprocess.run(["dpkg", "-S", "*bin/dash"], capture_output=True, text=True)
    sections = subprocess.run(["readelf", "-SW", dash], capture_output=True, text=True).stdout
    if owner.returncode != 0 or ".symtab" in sections:
        raise Skip("there is no stripped dash of a package here")
    stats = os.path.join(WORK, "nameless.json")
    result = run("--stats", stats, "-o", os.path.join(WORK, "nameless.ndjson"), "--", dash, *BUSY[1:])
    with open(stats, encoding="utf-8") as file:
        counted = json.load(file)["events"]["hits_nameless"]
    with open(os.path.join(WORK, "nameless.ndjson"), encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    hits = sum(line["hitCount"] for line in lines if line["metadata"]["symbolSource"] in ("fde", "none"))
    problems = [] if hits == counted > 0 else ["%d hits of functions without a name, %d counted" % (hits, counted)]
    if owner.stdout.split(":")[0] + "-dbgsym" not in result.stderr:
        problems.append("no package with their names: " + result.stderr)
    return problems


def asked_to_end():
    """a command that rtsample asked to end did not end by itself"""
    result = run("-d", "0.2", "-o", os.devnull, "--", "sleep", "100")
    return [] if "asked to by rtsample" in result.stderr else [result.stderr]


run_steps(commands, options, process_lists, kernel_threads, root, rate_limit, empty_inputs, nameless, asked_to_end)
