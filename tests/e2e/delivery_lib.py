# SPDX-License-Identifier: Apache-2.0
"""What the scenarios of the delivery share: facts, runs of delivery_driver, and spools."""
import glob
import hashlib
import uuid

from delivery_server import Server  # noqa
from lib import *  # noqa

DRIVER = os.path.join(os.environ.get("top_builddir", "."), "tests/unit/delivery/delivery_driver")

# The sampler ends within 2 seconds; the rest is for a machine that is busy with other things.
END_SECONDS = 2
SLACK_SECONDS = 8 if os.environ.get("RTSAMPLE_SANITIZERS") else 4

QUICK = ("retry-ms=20", "help-ms=100", "eager=1")
WHO = ("callgraph-id=cg-123", "component=web", "version=1.0.0")


def require_driver():
    if not os.access(DRIVER, os.X_OK):
        skip_all("there is no %s: the unit tests were not built" % DRIVER)


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
    """What a run of the driver left: its counts, status, and what it said."""

    def __init__(self, process, seconds):
        self.status = process.returncode
        self.stderr = process.stderr
        self.seconds = seconds
        self.counts = {}
        self.problems = []
        try:
            self.counts = json.loads(process.stdout)
        except ValueError:
            if self.status in (0, 5):
                self.problems.append("no counts: %r" % process.stdout)
        if "Sanitizer" in self.stderr or "runtime error" in self.stderr:
            self.problems.append(self.stderr)
        if self.status not in (0, 1, 2, 3, 4, 5):
            self.problems.append("exit status %s: %s" % (self.status, self.stderr))
        own = self.counts.get("own")
        if own:
            parts = sum(own[key] for key in ("accepted", "spooled", "rejected", "dropped"))
            if own["submitted"] != parts:
                self.problems.append("the account does not add up: %s" % own)

    def expect(self, **wanted):
        """Compares counts: own by their names, others as earlier_NAME, left and retries."""
        for name, value in wanted.items():
            group, _, key = name.partition("_")
            found = (
                self.counts.get("earlier", {}).get(key)
                if group == "earlier"
                else self.counts.get("own", {}).get(name, self.counts.get(name))
            )
            if name == "status":
                found = self.status
            if found != value:
                self.problems.append("%s is %s, not %s; %s" % (name, found, value, self.stderr))
        return self.problems


def drive(*arguments, environment=None, wrapper=()):
    begun = time.monotonic()
    process = subprocess.run(
        list(wrapper) + [DRIVER] + [str(argument) for argument in arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=STUCK_SECONDS,
        env=dict(os.environ, **(environment or {})),
    )
    return Outcome(process, time.monotonic() - begun)


def start(*arguments, **options):
    return subprocess.Popen(
        [DRIVER] + [str(argument) for argument in arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def terminate(process):
    """SIGTERM; the outcome, whose seconds are those from the signal to the end."""
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        process.stdout_text, process.stderr_text = process.communicate(timeout=STUCK_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.stdout_text, process.stderr_text = process.communicate()
    process.stdout, process.stderr = process.stdout_text, process.stderr_text
    return Outcome(process, time.monotonic() - begun)


def until(condition, seconds=30):
    """Waits for something that has to come; False when it does not."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


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
