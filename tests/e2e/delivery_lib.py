# SPDX-License-Identifier: Apache-2.0
"""What the scenarios of the delivery share: facts, runs that deliver them, and spools."""
import concurrent.futures
import glob
import hashlib
import uuid

from delivery_server import Server  # noqa
from lib import *  # noqa

# A run ends within 2 seconds; the rest is for a machine that is busy with other things.
END_SECONDS = 2
SLACK_SECONDS = 8 if os.environ.get("RTSAMPLE_SANITIZERS") else 4

# Settings that make a test short.
QUICK = {"Ingest__RetryMs": 20, "Ingest__RetryMaxMs": 100}
WHO = ("--callgraph-id", "cg-123", "--component", "web", "--component-version", "1.0.0")

# Nothing is there, and nothing is resolved for it.
NOWHERE = "https://signals.invalid/signals/runtime-facts/ndjson"


def fact(number, filling=0):
    metadata = {"symbol": "function_%d" % number}
    if filling:
        metadata["filling"] = hashlib.sha256(b"%d" % number).hexdigest() * (filling // 64 + 1)
    return json.dumps(
        {
            "symbolId": "sym:binary:%08d" % number,
            "hitCount": number % 7 + 1,
            "observedAt": "2025-11-26T12:%02d:%02d.%03dZ"
            % (number // 60000 % 60, number // 1000 % 60, number % 1000),
            "metadata": metadata,
        },
        separators=(",", ":"),
    )


def write_facts(count, first=0, filling=0):
    """(the path of a file, its lines)"""
    lines = [fact(number, filling) for number in range(first, first + count)]
    path = os.path.join(tempfile.mkdtemp(dir=WORK), "facts.ndjson")
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in lines))
    return path, lines


def new_spool():
    return os.path.join(tempfile.mkdtemp(dir=WORK), "spool")


class Outcome:
    """What a run of "rtsample send" left: its account, its status, and what it said."""

    def __init__(self, status, stderr, stats_path, seconds):
        self.status, self.stderr, self.seconds = status, stderr, seconds
        self.counts = {}
        self.stats = None
        self.problems = []
        if "Sanitizer" in stderr or "runtime error" in stderr:
            self.problems.append(stderr)
        if status not in (0, 1, 2, 3, 4, 5):
            self.problems.append("exit status %s: %s" % (status, stderr))
        if os.path.exists(stats_path) and os.path.getsize(stats_path):
            with open(stats_path, encoding="utf-8") as file:
                self.stats = json.load(file)
            self.problems += check_account(self.stats, delivers=True)
            self.counts = dict(self.stats["delivery"], **self.stats["events"])
        elif status in (0, 5):
            self.problems.append("no account: %s" % stderr)

    def expect(self, status=None, **counts):
        """Compares the exit status, and counts of the account."""
        wanted = dict(counts) if status is None else dict(counts, status=status)
        for name, value in wanted.items():
            found = self.status if name == "status" else self.counts.get(name)
            if found != value:
                self.problems.append("%s is %s, not %s; %s" % (name, found, value, self.stderr))
        return self.problems


def environment_of(settings):
    """Our environment with these settings, and no others."""
    environment = {name: value for name, value in os.environ.items() if "__" not in name}
    return dict(environment, **{name: str(value) for name, value in settings.items()})


class Sending:
    """An "rtsample send" under way. `more`: options and inputs; settings: as in the environment."""

    def __init__(self, endpoint, *more, spool=None, settings=(), who=WHO, wrapper=(), **options):
        folder = tempfile.mkdtemp(dir=WORK)
        self.stats_path = os.path.join(folder, "stats")
        self.stderr_path = os.path.join(folder, "stderr")
        command = [RTSAMPLE, "send", "--endpoint", endpoint, "--stats", self.stats_path, *who]
        command += ["--spool", spool] if spool else []
        environment = environment_of({**QUICK, **dict(settings)})
        environment.update(options.pop("environment", {}))
        self.begun = time.monotonic()
        with open(self.stderr_path, "wb") as stderr:
            self.process = subprocess.Popen(
                [*map(str, wrapper), *command, *map(str, more)],
                stdin=options.pop("stdin", subprocess.DEVNULL), stdout=subprocess.DEVNULL, stderr=stderr,
                start_new_session=True, env=environment, **options,
            )  # fmt: skip
        self.pid = self.process.pid
        running.append(self)

    def stop(self):
        if self in running:
            running.remove(self)
        self.process.kill()
        self.process.wait()

    def terminate(self):
        """SIGTERM; the seconds of the outcome count from here."""
        self.begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.finish()

    def said(self):
        with open(self.stderr_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def finish(self):
        problems = []
        try:
            self.process.wait(STUCK_SECONDS)
        except subprocess.TimeoutExpired:
            problems.append("it did not end within %d s" % STUCK_SECONDS)
        seconds = time.monotonic() - self.begun
        self.stop()
        run = Outcome(self.process.returncode, self.said(), self.stats_path, seconds)
        run.problems += problems
        return run


def send(endpoint, *more, **options):
    return Sending(endpoint, *more, **options).finish()


def drain(spool, server, *more, **options):
    """Sends what waits in a spool; it says for itself what it belongs to."""
    return send(server.url(), *more, spool, who=(), **options)


def fill_spool(spool, count, *more, first=0, settings=()):
    """(the run, the lines): facts that are put into a spool while nothing may be sent."""
    path, lines = write_facts(count, first)
    settings = {**dict(settings), "Egress__Enabled": "false"}
    return send(NOWHERE, *more, path, spool=spool, settings=settings), lines


def sampling(pid, endpoint, *more, spool=None, settings=(), frequency=499, who=WHO, **options):
    """A run of the sampler that delivers what it sees, in many small batches unless the settings
    say otherwise, and writes it to a file as well: that one says what has to be somewhere."""
    settings = {**QUICK, "Ingest__BatchSize": 10, "Ingest__FlushIntervalMs": 20, **dict(settings)}
    arguments = ["-p", pid, "-F", frequency, "--endpoint", endpoint, *who]
    arguments += ["--spool", spool] if spool else []
    environment = environment_of(settings)
    environment.update(options.pop("environment", {}))
    return Sampling(*arguments, *more, private=[pid], env=environment, **options)


def emitted(run):
    """The lines of a run of the sampler."""
    return run.output.decode().splitlines()


def in_parallel(function, cases, workers=4):
    """The results for the cases, in their order, of which some are under way at a time."""
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, cases))


# --- Spools: read here from their description, not with the program's code -----------------------


class SpoolFile:
    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)
        with open(path, "rb") as file:
            self.bytes = file.read()
        head, separator, self.body = self.bytes.partition(b"\n\n")
        self.problems = [] if separator else ["%s has no head" % self.name]
        self.fields = {}
        for line in head.decode().splitlines()[1:]:
            key, _, value = line.partition(": ")
            self.fields.setdefault(key, []).append(value)
        digest = hashlib.sha256(self.body).hexdigest()
        if not re.fullmatch(r"[0-9a-f]{16}[ab]*-%s\.batch" % digest, self.name):
            self.problems.append("%s is not named by its body" % self.name)
        stated = self.fields.get("head-sha256", [""])[0]
        before = head[: head.rfind(b"head-sha256: ")]
        if hashlib.sha256(before).hexdigest() != stated:
            self.problems.append("%s: the digest of the head is wrong" % self.name)
        if self.fields.get("body-bytes") != [str(len(self.body))]:
            self.problems.append("%s: body-bytes is wrong" % self.name)
        if not head.startswith(b"rtsample-spool 1\n"):
            self.problems.append("%s begins in another way" % self.name)
        if os.stat(path).st_mode & 0o7777 != 0o600:
            self.problems.append("%s has mode %o" % (self.name, os.stat(path).st_mode))

    def key(self):
        return self.fields["idempotency-key"][0]

    def lines(self):
        import gzip

        zipped = self.fields.get("content-encoding") == ["gzip"]
        content = gzip.decompress(self.body) if zipped else self.body
        return content.decode().splitlines()


def spool_files(folder, below=""):
    return [SpoolFile(path) for path in sorted(glob.glob(os.path.join(folder, below, "*.batch")))]


def check_spool(folder):
    problems = []
    if os.stat(folder).st_mode & 0o7777 != 0o700:
        problems.append("the spool has mode %o" % os.stat(folder).st_mode)
    for below in ("", "rejected"):
        for file in spool_files(folder, below):
            problems += file.problems
    leftover = [name for name in os.listdir(folder) if name.startswith(".tmp-")]
    return problems + ["left behind: %s" % name for name in leftover]


def spooled_lines(folder, below=""):
    return [line for file in spool_files(folder, below) for line in file.lines()]


def same_lines(found, wanted, what):
    """Are these the same lines, each as often?"""
    found, wanted = sorted(found), sorted(wanted)
    if found == wanted:
        return []
    missing, extra = list(wanted), []
    for line in found:
        if line in missing:
            missing.remove(line)
        else:
            extra.append(line)
    return [
        "%s: %d lines instead of %d; %d are missing (%s), %d too many (%s)"
        % (what, len(found), len(wanted), len(missing), missing[:1], len(extra), extra[:1])
    ]


def check_uuid(text):
    value = uuid.UUID(text)
    return [] if value.version == 8 and value.variant == uuid.RFC_4122 else ["%s" % text]
