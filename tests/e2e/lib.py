# SPDX-License-Identifier: Apache-2.0
"""What the scenarios share: TAP, targets, runs of rtsample, and the checks that every run passes.

A scenario is a script of steps. Each step ends in ok(), which prints one TAP line; what is wrong is
a list of sentences, empty when nothing is. Every run goes through sample(), whose result carries
`problems`: what check_lines() and check_account() found wrong with its lines and its account.

Nothing asserts on time. Where a number of samples is needed, sample_enough() runs again for longer.
"""
import atexit
import calendar
import itertools
import json
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(os.path.dirname(HERE), "programs")
RTSAMPLE = os.path.abspath(os.environ.get("RTSAMPLE", "./src/rtsample"))
IS_ROOT = os.geteuid() == 0

# A run that has not ended this long after it should have is stuck, on any machine.
STUCK_SECONDS = 120

# All temporary files of this process lie below here. The name is looked for in what is emitted.
WORK = tempfile.mkdtemp(prefix="rtsample-e2e-")
os.chmod(WORK, 0o755)


# --- TAP -----------------------------------------------------------------------------------------

_count = 0
_failed = False
_begin = time.monotonic()


def ok(name, problems=()):
    """One TAP line; `problems` are sentences that say what is wrong."""
    global _count, _failed
    _count += 1
    print("%sok %d - %s" % ("not " if problems else "", _count, name))
    for problem in problems:
        for line in str(problem).splitlines() or [""]:
            print("#   " + line)
    if problems:
        _failed = True
    sys.stdout.flush()


def skip(name, reason):
    global _count
    _count += 1
    print("ok %d - %s # SKIP %s" % (_count, name, " ".join(str(reason).split())))
    sys.stdout.flush()


def todo(name, reason):
    """Something that is known not to hold, and why."""
    global _count
    _count += 1
    print("not ok %d - %s # TODO %s" % (_count, name, reason))
    sys.stdout.flush()


def note(text):
    for line in str(text).splitlines():
        print("# " + line)
    sys.stdout.flush()


def done():
    """Prints the plan and ends the script."""
    cpu = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    note("took %.0f s, and %.0f s of CPU time" % (time.monotonic() - _begin, cpu))
    print("1..%d" % _count)
    sys.exit(1 if _failed else 0)


def skip_all(reason):
    print("1..0 # SKIP " + " ".join(str(reason).split()))
    sys.exit(0)


def skip_in(*passes):
    """For a scenario that proves little more when it is run again by an ordinary user ("user"), or
    is too much with the sanitizers ("sanitizers"): ends the script in those passes of contrib/check,
    which come after one that has run it. --full has an ordinary user run them all."""
    if os.environ.get("RTSAMPLE_PASS") in passes:
        skip_all("an earlier pass has run it")


class Skip(Exception):
    """This step cannot be taken here; the text says why."""


def need_mounts():
    """For what mounts in a namespace of its own, which takes root and a / that can be mounted upon."""
    probe = ["unshare", "-m", "true"]
    if not IS_ROOT or not shutil.which("unshare"):
        raise Skip("mount namespaces take root, and unshare")
    if subprocess.run(probe, stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("no mount namespace can be had here")


def need_user_namespace():
    """For what runs in a user namespace of its own."""
    if subprocess.run(["unshare", "-U", "-r", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("no user namespace can be had, as in a chroot")


def left_out(descriptions):
    """Of these, what an earlier pass left out, where contrib/check asks for no more than that. All of
    them when that pass left out something else too."""
    path = os.environ.get("RTSAMPLE_LEFT_OUT")
    if not path:
        return descriptions
    script = "tests/e2e/%s - " % os.path.basename(sys.argv[0])
    with open(path, encoding="utf-8") as file:
        wanted = [line[len(script) :].strip() for line in file if line.startswith(script)]
    return wanted if wanted and set(wanted) <= set(descriptions) else descriptions


def about(step):
    """What a step shows, in one line."""
    return " ".join((step.__doc__ or step.__name__.replace("_", " ")).split())


def run_steps(*steps):
    """Takes the steps of a script, functions whose docstring says what they show, and ends the script.
    A step prints points of its own, or returns its problems, and is a point then. Names of steps as
    arguments of the script choose."""
    wanted = left_out([about(step) for step in steps])
    for step in steps:
        if sys.argv[1:] and step.__name__ not in sys.argv[1:] or about(step) not in wanted:
            continue
        before, began = _count, time.monotonic()
        try:
            problems = step()
            if problems is not None or _count == before:
                ok(about(step), problems or ())
        except Skip as reason:
            skip(about(step), reason)
        if time.monotonic() - began > 10:
            note("%s took %d s" % (step.__name__, time.monotonic() - began))
    done()


# --- Cleaning up ---------------------------------------------------------------------------------

running = []
_undo = []


def at_end(function, *arguments):
    """Has the function called when the script ends, however it ends; the last ones first."""
    _undo.append((function, arguments))


def _clean_up():
    for target in list(running):
        target.stop()
    while _undo:
        function, arguments = _undo.pop()
        function(*arguments)
    shutil.rmtree(WORK, ignore_errors=True)


atexit.register(_clean_up)
for _number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(_number, lambda number, frame: sys.exit(128 + number))


# --- Programs that are sampled -------------------------------------------------------------------


def sources():
    return [
        os.path.join(PROGRAMS, name)
        for name in sorted(os.listdir(PROGRAMS))
        if name.endswith((".c", ".cpp"))
    ]


def program_names():
    """Every program that tests/programs/build can make, in a fixed order."""
    names = []
    for path in sources():
        with open(path, encoding="utf-8") as file:
            for name in re.findall(r"^[ /*]*BUILD ([\w-]+):", file.read(), re.M):
                if name not in names:
                    names.append(name)
    return names


def directives(name):
    """What the source of a program says about it: {word: [text, …]}; see program.h there."""
    for path in sources():
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if not re.search(r"^[ /*]*BUILD %s:" % re.escape(name), text, re.M):
            continue
        general, own = {}, {}
        for word, variant, rest in re.findall(
            r"^[ /*]*([A-Z]+)(?: ([\w-]+))?:[ ]*(.*?)(?:\*/)?[ ]*$", text, re.M
        ):
            if variant == name:
                own.setdefault(word, []).append(rest)
            elif not variant:
                general.setdefault(word, []).append(rest)
        general.update(own)
        return general
    raise KeyError(name)


_built = {}


def build(name):
    """The path of a program of tests/programs, built once. Skip when it cannot be built here."""
    if name not in _built:
        folder = os.path.join(WORK, "programs")
        os.makedirs(folder, exist_ok=True)
        result = subprocess.run(
            [os.path.join(PROGRAMS, "build"), name, folder],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if result.returncode == 77:
            raise Skip(result.stderr.strip())
        if result.returncode != 0:
            raise RuntimeError("building %s failed: %s" % (name, result.stderr))
        _built[name] = os.path.join(folder, name)
    return _built[name]


def copy_of(name, called=None):
    """A copy that may be deleted, replaced or damaged."""
    folder = tempfile.mkdtemp(dir=WORK)
    os.chmod(folder, 0o755)
    return shutil.copy(build(name), os.path.join(folder, called or name))


class Target:
    """A running program, in a session of its own. Used with `with`: it is killed at the end, with
    all that it started."""

    def __init__(self, *argv, ready=True, **options):
        self.argv = [str(word) for word in argv]
        options.setdefault("stderr", subprocess.DEVNULL)
        options.setdefault("stdin", subprocess.DEVNULL)
        try:
            self.process = subprocess.Popen(
                self.argv,
                stdout=subprocess.PIPE if ready else subprocess.DEVNULL,
                start_new_session=True,
                **options,
            )
        except OSError as error:
            raise Skip("%s cannot be run: %s" % (os.path.basename(self.argv[0]), error))
        self.pid = self.process.pid
        running.append(self)
        if ready and not self._wait_for_ready():
            self.stop()
            raise RuntimeError("%s did not become ready" % self.argv[0])

    def _wait_for_ready(self):
        readable, _, _ = select.select([self.process.stdout], [], [], STUCK_SECONDS)
        return bool(readable) and self.process.stdout.readline() == b"ready\n"

    def stop(self):
        if self not in running:
            return
        running.remove(self)
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()


def system_program(name):
    """The distribution's own one, before what somebody put into PATH in front of it."""
    path = shutil.which(name, path="/usr/bin:/bin:/usr/sbin") or shutil.which(name)
    if not path:
        raise Skip(name + " is not installed")
    return os.path.realpath(path) if name == "python3" else path


class Redis(Target):
    """A private redis-server, and redis-benchmark at work on it over a socket."""

    commands = "set,get,incr,lpush,lrange_100,mset"

    def __init__(self):
        server, client = system_program("redis-server"), system_program("redis-benchmark")
        folder = tempfile.mkdtemp(dir=WORK)
        self.socket = os.path.join(folder, "socket")
        options = "--port 0 --appendonly no --daemonize no --loglevel warning".split()
        super().__init__(
            *(server, "--unixsocket", self.socket, "--save", "", "--dir", folder), *options, ready=False
        )
        while not os.path.exists(self.socket):
            if self.process.poll() is not None:
                raise Skip("redis-server does not run here")
            time.sleep(0.05)
        self.client = Target(
            *(client, "-s", self.socket, "-t", self.commands, "-n", 10000, "-r", 10000, "-q", "-l"),
            # Pipelined, so that the server is busy with requests. Else it sleeps and wakes all the
            # time, and what a sample hits depends on when the machine lets it run.
            *("-c", 50, "-P", 16),
            ready=False
        )
        time.sleep(1)

    def stop(self):
        if hasattr(self, "client"):
            self.client.stop()
        super().stop()


# --- Lines ---------------------------------------------------------------------------------------

LINE_KEYS = [
    "symbolId",
    "codeId",
    "purl",
    "buildId",
    "loaderBase",
    "processId",
    "processName",
    "containerId",
    "socketAddress",
    "evidenceUri",
    "hitCount",
    "observedAt",
    "metadata",
]
REQUIRED_KEYS = {"symbolId", "codeId", "buildId", "hitCount", "observedAt", "metadata"}
METADATA_KEYS = [
    "aliases",
    "buildIdFallback",
    "casUri",
    "containerRuntime",
    "demangled",
    "evidence",
    "idScheme",
    "join",
    "leafHits",
    "module",
    "packageModified",
    "staleMapping",
    "symbol",
    "symbolSource",
]
REQUIRED_METADATA = {"evidence", "idScheme", "symbol", "symbolSource"}
SYMBOL_SOURCES = {
    "symtab",
    "debug-file",
    "minidebuginfo",
    "gopclntab",
    "dynsym",
    "dwarf-inline",
    "plt",
    "fde",
    "none",
}
FORMS = {
    "symbolId": r"sym:binary:[A-Za-z0-9_-]{43}|sym:test:[0-9a-f]{64}",
    "codeId": r"(buildid-([0-9a-f]{2})+|sha256-[0-9a-f]{64}|code:(binary:[A-Za-z0-9_-]{43}|test:[0-9a-f]{16}))",
    "buildId": r"(gnu-build-id:([0-9a-f]{2})+|sha256:[0-9a-f]{64})",
    "purl": r"pkg:[a-z]+/[A-Za-z0-9._~/%:-]+@[A-Za-z0-9._~%:-]+(\?[a-z]+=[A-Za-z0-9._~%:&=-]+)?",
    "evidenceUri": r"cas://runtime_traces/([0-9a-f]{2})/\1[0-9a-f]{62}\.tar\.zst",
    "loaderBase": r"0x(0|[1-9a-f][0-9a-f]*)",
    "observedAt": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
}


def _no_duplicates(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("a key appears twice in %s" % keys)
    return dict(pairs)


def _check_line(fact, opted_in):
    keys = list(fact)
    if keys != [key for key in LINE_KEYS if key in fact]:
        yield "keys are %s" % keys
    if not REQUIRED_KEYS <= set(keys):
        yield "missing: %s" % sorted(REQUIRED_KEYS - set(keys))
    if not opted_in and {"processId", "processName"} & set(keys):
        yield "names its process without having been asked to"
    if opted_in and not {"processId", "processName"} <= set(keys):
        yield "does not name its process"
    for key, form in FORMS.items():
        if key in fact and not (isinstance(fact[key], str) and re.fullmatch(form, fact[key])):
            yield "%s is %r" % (key, fact[key])
    if type(fact.get("hitCount")) is not int or fact["hitCount"] < 1:
        yield "hitCount is %r" % (fact.get("hitCount"),)
    computed = fact.get("metadata", {}).get("idScheme") == "union-v0.1"
    if computed and fact.get("codeId", "").partition("-")[2] != fact.get("buildId", "").partition(":")[2]:
        yield "codeId and buildId differ"

    metadata = fact.get("metadata")
    if not isinstance(metadata, dict):
        yield "metadata is %r" % (metadata,)
        return
    if list(metadata) != [key for key in METADATA_KEYS if key in metadata]:
        yield "metadata's keys are %s" % list(metadata)
    if not REQUIRED_METADATA <= set(metadata):
        yield "metadata lacks %s" % sorted(REQUIRED_METADATA - set(metadata))
    if not all(isinstance(value, str) for value in metadata.values()):
        yield "metadata has a value that is not a string"
        return
    if metadata.get("symbolSource") not in SYMBOL_SOURCES:
        yield "symbolSource is %r" % metadata.get("symbolSource")
    leaf_hits = metadata.get("leafHits")
    if metadata.get("evidence") == "sampled-leaf":
        if leaf_hits is None or not 1 <= int(leaf_hits) <= fact["hitCount"]:
            yield "leafHits is %r of %r" % (leaf_hits, fact["hitCount"])
    elif metadata.get("evidence") != "sampled-caller" or leaf_hits is not None:
        yield "evidence is %r with leafHits %r" % (metadata.get("evidence"), leaf_hits)
    if metadata.get("casUri") != fact.get("evidenceUri"):
        yield "casUri is %r, evidenceUri %r" % (metadata.get("casUri"), fact.get("evidenceUri"))
    if metadata.get("demangled") == metadata.get("symbol"):
        yield "demangled repeats the symbol"
    if ("buildIdFallback" in metadata) != fact.get("buildId", "").startswith("sha256:"):
        yield "buildIdFallback and buildId disagree"
    if re.fullmatch(r".*@[A-Z]+[A-Z0-9_]*_[0-9.]+", metadata.get("symbol", "")):
        yield "the symbol carries a version: %s" % metadata["symbol"]


def _strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)


def check_lines(data, opted_in=False, private=()):
    """Parses NDJSON strictly. Returns the facts and what is wrong with them. `private` are values
    that must not appear: process ids and names."""
    facts, problems = [], []
    private = {str(value) for value in private}
    if data and not data.endswith(b"\n"):
        problems.append("the last line is not whole")
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        try:
            fact = json.loads(line.decode("utf-8"), object_pairs_hook=_no_duplicates)
        except ValueError as error:
            problems.append("line %d: %s: %r" % (number, error, line[:200]))
            continue
        if not isinstance(fact, dict):
            problems.append("line %d is no object" % number)
            continue
        wrong = list(_check_line(fact, opted_in))
        if not opted_in:
            # A program's process is named for its file, whose name facts do tell.
            module = fact["metadata"].get("module") if isinstance(fact.get("metadata"), dict) else None
            for text in _strings(fact):
                if (text in private and text != module) or re.search(r"(^|[ ,])/|/proc/|/tmp/|rtsample-e2e-", text):
                    wrong.append("leaks %r" % text)
        compact = json.dumps(fact, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
        if compact != line and b"\\u" not in line:
            wrong.append("is not compact JSON")
        problems += ["line %d %s: %r" % (number, text, line[:300]) for text in wrong]
        fact["line"] = line
        facts.append(fact)
    return facts, problems


def _check_order(facts, batches, processes):
    """Within a batch lines are sorted; across batches the order may start anew."""
    keys = [
        (fact["observedAt"], fact["symbolId"].encode(), fact["line"])
        for fact in facts
        if "observedAt" in fact and "symbolId" in fact
    ]
    descents = sum(1 for before, after in zip(keys, keys[1:]) if after < before)
    if descents > max(batches - 1, 0):
        yield "%d lines are out of order in %d batches" % (descents, batches)
    # Two processes of one program can give the same line, since it does not say whose it is; and so can
    # two threads, on either side of a flush and within one millisecond. A batch is more than that.
    if processes <= 1 and len(set(fact["line"] for fact in facts)) + 2 < len(facts):
        yield "lines appear twice"


def _check_clock(facts, started, ended):
    """observedAt is real time: within the run, with slack for a clock that is being adjusted."""
    for fact in facts:
        text = fact.get("observedAt", "")
        if not re.fullmatch(FORMS["observedAt"], text):
            continue
        seconds = calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))
        if not started - 30 <= seconds <= ended + 30:
            yield "observedAt %s is not within the run" % text
            return


# --- The account ---------------------------------------------------------------------------------

STATS_KEYS = {
    "version",
    "method",
    "duration_ms",
    "config_sha256",
    "samples",
    "stacks",
    "frames",
    "events",
    "packages",
    "delivery",
    "graph",
    "self",
    "memory",
    "unreadable",
    "broker",
    "near",
}


# What is of the run, and not of what it recorded.
LIVE_ONLY = ("self", "memory", "broker", "unreadable", "near", "unwinding", "selftest")


def check_account(stats, facts=None, delivers=False):
    """What does not add up. `facts`: the lines that the run's output holds, when it holds all."""
    if not STATS_KEYS <= set(stats):
        return ["--stats lacks %s" % sorted(STATS_KEYS - set(stats))]
    samples, stacks, frames = stats["samples"], stats["stacks"], stats["frames"]
    events, delivery = stats["events"], stats["delivery"]
    sums = [
        ("taken", samples["taken"], samples["kept"] + sum(samples["dropped"].values())),
        ("kept", samples["kept"], stacks["complete"] + sum(stacks["truncated"].values())),
        ("frames.total", frames["total"], sum(frames["by_unwinder"].values())),
    ]
    if facts is not None:
        packages = stats["packages"]
        sums += [
            ("packages", packages["with_purl"], sum(1 for fact in facts if "purl" in fact)),
            ("packages and none", packages["with_purl"] + packages["without_purl"], len(facts)),
            (
                "hits of packages",
                packages["hits_with_purl"],
                sum(fact["hitCount"] for fact in facts if "purl" in fact),
            ),
            ("events.emitted", events["emitted"], len(facts)),
            ("events.hits", events["hits"], sum(fact["hitCount"] for fact in facts)),
        ]
    if delivers:
        places = sum(delivery[word] for word in ("accepted", "spooled", "rejected", "dropped"))
        sums.append(("events.emitted", events["emitted"], places))
    problems = ["%s is %d, its parts are %d" % item for item in sums if item[1] != item[2]]
    for reason in ("rate_limit", "cpu_guard", "kernel_lost", "throttled"):
        if reason not in samples["dropped"]:
            problems.append("samples.dropped lacks %s" % reason)
    if frames["symbolized"] > frames["total"]:
        problems.append("more frames have names than there are")
    if frames["total"] < samples["kept"]:
        problems.append("a sample without a frame was kept")
    if not delivers and sum(delivery.values()) != 0:
        problems.append("nothing was to be delivered: %s" % delivery)
    if not re.fullmatch("[0-9a-f]{64}", stats["config_sha256"]):
        problems.append("config_sha256 is %r" % stats["config_sha256"])
    if facts is not None:
        hits = {}
        for fact in facts:
            hits[fact["symbolId"]] = hits.get(fact["symbolId"], 0) + fact["hitCount"]
        leaves = sum(int(fact["metadata"].get("leafHits", 0)) for fact in facts)
        if hits and max(hits.values()) > samples["kept"]:
            problems.append("a symbol has more hits than there are samples")
        if leaves > samples["kept"]:
            problems.append("%d leaves of %d samples" % (leaves, samples["kept"]))
        if events["emitted"] and not events["batches"]:
            problems.append("lines without a batch")
    return problems


# --- Runs ----------------------------------------------------------------------------------------


class Run:
    """A run of rtsample that has ended."""

    status = None  # exit status; negative: killed by that signal
    output = b""  # the NDJSON
    stdout = b""
    stderr = ""
    facts = ()
    stats = None
    problems = ()  # what is wrong with any run: its lines, its account, its end

    @property
    def kept(self):
        return self.stats["samples"]["kept"] if self.stats else 0

    def find(self, names, by=("symbol",)):
        """The facts of a function; `names` may offer several: a|b."""
        wanted = set(names.split("|"))
        found = []
        for fact in self.facts:
            metadata = fact["metadata"]
            own = {metadata["symbol"]} | set(metadata.get("aliases", "").split(","))
            if "demangled" in by:
                own.add(metadata.get("demangled"))
            if wanted & own:
                found.append(fact)
        return found

    def hits(self, names):
        return sum(fact["hitCount"] for fact in self.find(names))

    def leaf_hits(self, names):
        return sum(int(fact["metadata"].get("leafHits", 0)) for fact in self.find(names))

    def share(self, names):
        """Of all kept samples, the part whose stack holds the function."""
        return self.hits(names) / self.kept if self.kept else 0.0

    def names(self):
        return {fact["metadata"]["symbol"] for fact in self.facts}

    def stops(self, reason):
        """How many stacks ended this way."""
        stacks = self.stats["stacks"]
        return stacks["complete"] if reason == "complete" else stacks["truncated"].get(reason, 0)

    def complete_share(self):
        return self.stops("complete") / self.kept if self.kept else 0.0

    def truncated(self):
        return {word: n for word, n in self.stats["stacks"]["truncated"].items() if n}

    def summary(self):
        """For people who look at a failure."""
        shares = sorted(self.names(), key=lambda name: (-self.hits(name), name))
        shares = ", ".join("%s %.1f%%" % (name, 100 * self.share(name)) for name in shares[:12])
        text = "%d samples; %s" % (self.kept, shares)
        if self.stats:
            text += "; complete %d, truncated %s" % (self.stops("complete"), self.truncated())
        return text + "\nstderr: " + self.stderr.strip()[-1500:]


_run_numbers = itertools.count(1)


def until(condition, seconds=30):
    """Waits for something that has to come; False when it does not."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def children_of(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def _heeds(pid, number):
    """Whether the process catches or blocks the signal; strace in front of it does so too."""
    with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as file:
        masks = re.findall(r"^Sig(?:Blk|Cgt):\s*([0-9a-f]+)", file.read(), re.M)
    return any(int(mask, 16) >> (number - 1) & 1 for mask in masks)


class Sampling:
    """A run of rtsample under way. finish() waits for its end and gives the Run."""

    def __init__(self, *arguments, stats=True, output="file", private=(), delivers=False, **options):
        """output: 'file' (-o into the work folder), 'stdout' (no -o), or a path for -o."""
        stem = os.path.join(WORK, "run-%d" % next(_run_numbers))
        arguments = [str(word) for word in arguments]
        own = []
        self.stats_path = stem + ".stats" if stats else None
        self.output_path = None
        if stats:
            own += ["--stats", self.stats_path]
        if output == "file":
            self.output_path = stem + ".ndjson"
        elif output != "stdout":
            self.output_path = output
        if self.output_path:
            own += ["-o", self.output_path]
        emitted = arguments[arguments.index("--emit") + 1] if "--emit" in arguments else ""
        self.opted_in = "process" in emitted.split(",")
        self.delivers = delivers or "--endpoint" in arguments
        self.private = list(private)
        self.stdout = open(stem + ".stdout", "w+b")
        self.stderr = open(stem + ".stderr", "w+b")
        options.setdefault("stdout", self.stdout)
        options.setdefault("stderr", self.stderr)
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("start_new_session", True)
        self.started = time.time()
        program = options.pop("program", [RTSAMPLE])
        self.process = subprocess.Popen(program + own + arguments, **options)
        self.pid = self.process.pid
        running.append(self)

    def stop(self):
        if self in running:
            running.remove(self)
        try:
            os.killpg(self.pid, signal.SIGKILL)  # the command that it runs may be left
        except (ProcessLookupError, PermissionError):
            pass
        self.process.wait()

    def own_pid(self):
        """The process id of rtsample itself, which strace may have started."""
        try:
            for pid in (self.pid, *children_of(self.pid)):
                with open("/proc/%d/comm" % pid, encoding="utf-8", errors="replace") as file:
                    if file.read() == "rtsample\n":
                        return pid
        except OSError:
            pass
        return self.pid

    def signal(self, number):
        """Sends it; one that ends a run not before rtsample listens."""
        if number in (signal.SIGINT, signal.SIGTERM):
            until(lambda: self.process.poll() is not None or _heeds(self.own_pid(), number))
        if self.process.poll() is None:
            os.kill(self.own_pid(), number)

    def said(self):
        """What is on stderr so far."""
        with open(self.stderr.name, encoding="utf-8", errors="replace") as file:
            return file.read()

    def finish(self, expect=0):
        """`expect`: the exit status that is right; None: the caller looks at it."""
        run = Run()
        run.problems = []
        try:
            run.status = self.process.wait(STUCK_SECONDS)
        except subprocess.TimeoutExpired:
            run.problems.append("rtsample did not end within %d s" % STUCK_SECONDS)
        self.stop()
        ended = time.time()
        for name in ("stdout", "stderr"):
            file = getattr(self, name)
            file.seek(0)
            setattr(run, name, file.read())
            file.close()
        run.stderr = run.stderr.decode("utf-8", "replace")
        if None not in (run.status, expect) and run.status != expect:
            run.problems.append(
                "exit status is %s, not %s; stderr: %s" % (run.status, expect, run.stderr[-3000:])
            )
        if re.search(r"AddressSanitizer|runtime error:|LeakSanitizer", run.stderr):
            run.problems.append("a sanitizer complained: " + run.stderr[-6000:])
        self._read_output(run)
        run.facts, problems = check_lines(run.output, self.opted_in, self.private)
        run.problems += problems
        run.problems += _check_clock(run.facts, self.started, ended)
        self._read_stats(run)
        return run

    def _read_output(self, run):
        if self.output_path is None:
            run.output = run.stdout
        elif os.path.isfile(self.output_path):
            with open(self.output_path, "rb") as file:
                run.output = file.read()

    def _read_stats(self, run):
        if not self.stats_path or not os.path.exists(self.stats_path):
            if self.stats_path and run.status == 0:
                run.problems.append("--stats wrote nothing")
            return
        with open(self.stats_path, "rb") as file:
            text = file.read()
        if not text and run.status in (2, 3, 4):
            return  # opened in time, and then there was no run
        try:
            run.stats = json.loads(text.decode("utf-8"), object_pairs_hook=_no_duplicates)
        except ValueError as error:
            run.problems.append("--stats is no JSON: %s: %r" % (error, text[:300]))
            return
        whole = self.output_path is None or os.path.isfile(self.output_path)
        lost = run.stats["events"].get("unwritten", 0)
        facts = run.facts if whole and not lost else None
        run.problems += check_account(run.stats, facts, self.delivers)
        run.problems += _check_order(
            run.facts, run.stats["events"]["batches"], run.stats["samples"]["processes"]
        )


def strace(log, *options):
    """What is put before a command, to have its calls in the file `log`; nothing without strace."""
    if not shutil.which("strace"):
        return []
    # LeakSanitizer cannot work under strace.
    return ["strace", "-E", "ASAN_OPTIONS=detect_leaks=0", "-f", "-qq", "-o", log, *options]


def sample(*arguments, expect=0, **options):
    """Runs rtsample to its end."""
    return Sampling(*arguments, **options).finish(expect)


def cpu_seconds(pid):
    """The CPU time so far of a process with its children, those that have ended too; 0 when there is none."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        children = children_of(pid)
    except OSError:
        return 0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") + sum(map(cpu_seconds, children))


def sample_cpu(arguments, seconds, most, options):
    """Runs rtsample until the processes of -p have had CPU time of so many seconds."""
    options = dict(options)
    expect = options.pop("expect", 0)
    pids = [int(pid) for pid in str(arguments[arguments.index("-p") + 1]).split(",")]
    sampling = Sampling("-d", most, *arguments, **options)

    def ended():
        return sampling.process.poll() is not None

    until(lambda: ended() or "sampling target" in sampling.said(), STUCK_SECONDS)
    before = sum(map(cpu_seconds, pids))
    while not ended() and sum(map(cpu_seconds, pids)) - before < seconds:
        time.sleep(0.02)
    sampling.signal(signal.SIGTERM)
    return sampling.finish(expect)


def sample_enough(*arguments, minimum=60, seconds=(), **options):
    """Runs rtsample until `minimum` samples were kept: of -p by the CPU time that those have; of others,
    and where `seconds` are given, for a time that grows. A busy machine may give the target little of a
    short time, and not all samples are kept."""
    if "-p" in arguments and not seconds:
        rate = int(arguments[arguments.index("-F") + 1]) if "-F" in arguments else 99
        tries = [
            (sample_cpu, arguments, times * minimum / rate, length, options)
            for times, length in ((1.5, 8), (6, 30), (24, STUCK_SECONDS))
        ]
    else:
        lengths = (*seconds, 4 * seconds[-1]) if seconds else (0.5, 3, 10, 40)
        tries = [(sample_for, arguments, length, options) for length in lengths]
    for attempt, *words in tries:
        run = attempt(*words)
        if run.kept >= minimum or run.problems:
            return run
    run.problems.append("%d samples are too few" % run.kept)
    return run


def sample_for(arguments, seconds, options):
    return sample("-d", seconds, *arguments, **options)


def replay_differs(run, trace, *options, prefix=()):
    """What is not the same in a replay as in the run that recorded the trace: bytes of the facts, and
    keys of the account. `prefix` goes before the command."""
    stats = os.path.join(WORK, "replay.json")
    command = [*prefix, RTSAMPLE, "replay", *options, "-o", "-", "--stats", stats, trace]
    result = subprocess.run([str(word) for word in command], capture_output=True)
    if result.returncode != 0:
        return ["replay: status %d: %s" % (result.returncode, result.stderr.decode()[-1000:])]
    problems = [] if result.stdout == run.output else ["the facts of the replay are not the same bytes"]
    with open(stats, encoding="utf-8") as file:
        theirs = json.load(file)
    for key in sorted(set(theirs) | set(run.stats)):
        if key not in LIVE_ONLY and theirs.get(key) != run.stats.get(key):
            problems.append("%s: live %s, replay %s" % (key, run.stats.get(key), theirs.get(key)))
    return problems


def require_sampling():
    """Ends the script, with the reason, when this machine does not let us sample our own processes
    or has no compiler for the programs that are sampled."""
    if not os.access(RTSAMPLE, os.X_OK):
        print("Bail out! there is no program at %s" % RTSAMPLE)
        sys.exit(1)
    try:
        path = build("chain-O0-fp")
    except Skip as reason:
        skip_all(reason)
    with Target(path) as target:
        run = sample("-p", target.pid, "-d", "0.2", expect=None)
    if run.status == 4 or (run.stats and not run.stats["method"].startswith("perf:")):
        skip_all(run.stderr)


# --- Expectations --------------------------------------------------------------------------------

# Of the stacks of a program that does one thing, this part has to look as expected: a few samples
# fall into its start or into the moment of attaching.
NEARLY_ALL = 0.97


def check_expectations(run, wanted):
    """What the run does not show that the program's source says; see tests/programs/program.h."""
    if not run.stats:
        return ["there is no account"]
    problems = []
    for chain in wanted.get("EXPECT", []):
        problems += _check_chain(run, chain)
    for text in wanted.get("SEEN", []):
        problems += ["%s is not seen" % name for name in text.split() if not run.find(name)]
    for text in wanted.get("ABSENT", []):
        problems += ["%s is seen" % name for name in text.split() if run.find(name)]
    for text in wanted.get("SHARE", []):
        name, low, high = text.split()
        if not float(low) <= 100 * run.share(name) <= float(high):
            problems.append("%s is on %.1f %% of the stacks" % (name, 100 * run.share(name)))
    for key, field in (("SOURCE", "symbolSource"), ("ALIASES", "aliases")):
        for text in wanted.get(key, []):
            name, value = text.split()
            values = {fact["metadata"].get(field) for fact in run.find(name)}
            if values != {value}:
                problems.append("%s of %s is %s" % (field, name, sorted(map(str, values))))
    for text in wanted.get("DEMANGLED", []):
        name, value = text.split(None, 1)
        for fact in run.find(name):
            found = fact["metadata"].get("demangled", "(none)")
            if not _same_demangled(name, found, value):
                problems.append("%s is demangled to %s" % (name, found))
    ends = wanted.get("STOP", ["complete"])[-1].split()
    if sum(run.stops(reason) for reason in ends) < NEARLY_ALL * run.kept:
        problems.append("stacks do not end with %s" % " or ".join(ends))
    for text in wanted.get("FRAMES", []):
        if run.stats["frames"]["total"] < int(text) * run.kept * NEARLY_ALL:
            problems.append("%d frames are too few" % run.stats["frames"]["total"])
    for text in wanted.get("UNWINDER", []):
        if run.stats["frames"]["by_unwinder"].get(text, 0) < NEARLY_ALL * run.kept:
            problems.append("frames by unwinder: %s" % run.stats["frames"]["by_unwinder"])
    for text in wanted.get("COUNTED", []):
        if run.stats["frames"]["unnamed"].get(text, 0) < NEARLY_ALL * run.kept:
            problems.append("unnamed frames: %s" % run.stats["frames"]["unnamed"])
    return problems


def _check_chain(run, chain):
    """`leaf < caller < …`: all of them on nearly every stack, and each in its part."""
    names = [name.strip() for name in chain.split("<")] if chain else []
    for place, name in enumerate(names):
        if place == 0 and name == "_":
            continue
        share = run.share(name)
        if share < NEARLY_ALL:
            yield "%s is on %.1f %% of the stacks" % (name, 100 * share)
            continue
        leaf_share = run.leaf_hits(name) / run.hits(name)
        if place == 0 and leaf_share < NEARLY_ALL:
            yield "%s is the leaf of %.1f %% only" % (name, 100 * leaf_share)
        if place > 0 and names[0] != "_" and leaf_share > 1 - NEARLY_ALL:
            yield "%s is the leaf of %.1f %%" % (name, 100 * leaf_share)


def _same_demangled(name, found, wanted):
    """Rust's crate and legacy hashes are noise to people and may be left out."""
    if found == "(none)" and not _demangles(name):
        return True
    bare = re.sub(r"\[[0-9a-f]+\]", "", found)
    bare = re.sub(r"::h[0-9a-f]{16}$", "", bare)
    return bare == wanted


_version = None


def _demangles(name):
    """Whether this build was made with a demangler for such a name."""
    global _version
    if _version is None:
        _version = subprocess.run(
            [RTSAMPLE, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ).stdout
    word = re.search(r"demangling: ([^,)]*)", _version).group(1)
    return word == "yes" or word == "C++" and not name.startswith("_R")
