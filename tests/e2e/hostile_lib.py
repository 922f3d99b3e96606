# SPDX-License-Identifier: Apache-2.0
"""What the hostile scenarios share: who an attacker is, the ways in which the same processes are sampled,
and what has to be the same of a victim's facts with him and without him.

An attack is a list of things with a `pid` and a stop(), as Target has them; end_all() ends it.

Of these scripts one runs at a time: each keeps a machine busy, and with -a they would see each other's
attacks."""
import fcntl
import math

from lib import *  # noqa

_turn = os.open(os.environ.get("top_builddir") or ".", os.O_RDONLY)
fcntl.flock(_turn, fcntl.LOCK_EX)  # until the script ends

NOBODY = 65534

LONG = bool(os.environ.get("RTSAMPLE_LONG"))

# How nice attackers are to others: they are to attack the sampler, not the scheduler.
attackers_niceness = 0


def as_nobody():
    """To be called in the child before an attacker's program: an ordinary user, where we are root."""
    os.nice(attackers_niceness)
    if IS_ROOT:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def end_all(attackers):
    for attacker in attackers:
        attacker.stop()


def ways(pids, only=()):
    """How to sample these processes: {name: words}. All processes at once are root's to sample, and meet
    what -p does; with RTSAMPLE_LONG in the environment, both. `only`: the ways that make sense."""
    found = {"-a": ["-a"]} if IS_ROOT else {}
    if LONG or "-p" in only or not found:
        found["-p"] = ["-p", ",".join(map(str, pids))]
    return {way: words for way, words in found.items() if way in (only or found)}


def start_ways(pids, *options, program=(), only=(), kind=Sampling, **more):
    """{way: Sampling, or what `kind` is}, all under way at the same time. In a word of options and program,
    {way} is the way."""

    def of(way, words):
        return [str(word).replace("{way}", way) for word in words]

    return {
        way: kind(*of(way, options), *words, program=[*of(way, program), RTSAMPLE], **more)
        for way, words in ways(pids, only).items()
    }


def finish_ways(samplings):
    return {way: sampling.finish() for way, sampling in samplings.items()}


class Followed(Sampling):
    """A run whose facts are looked at while it is under way."""

    def __init__(self, *words, **more):
        super().__init__(*words, **more)
        self.so_far, self._at, self._rest = Run(), 0, b""
        self.so_far.facts = []

    def follow(self):
        if not os.path.exists(self.output_path):
            return self.so_far
        with open(self.output_path, "rb") as file:
            file.seek(self._at)
            new = file.read()
        self._at += len(new)
        lines = (self._rest + new).split(b"\n")
        self._rest = lines.pop()
        self.so_far.facts += [json.loads(line) for line in lines]
        self.so_far.stderr = self.said()
        return self.so_far


def sample_ways(pids, *options, enough, most=STUCK_SECONDS, **more):
    """{way: run}, which go on until enough(run) is true of all of them, of their facts and stderr so far."""
    more["env"] = {"Ingest__FlushIntervalMs": "500", **(more.get("env") or os.environ)}
    samplings = start_ways(pids, "-d", most, *options, kind=Followed, **more)

    def have_enough():
        time.sleep(0.2)
        ended = any(sampling.process.poll() is not None for sampling in samplings.values())
        return ended or all([enough(sampling.follow()) for sampling in samplings.values()])

    in_time = until(have_enough, most)
    for sampling in samplings.values():
        sampling.signal(signal.SIGTERM)
    runs = finish_ways(samplings)
    for way, run in runs.items():
        if not in_time or not enough(run):
            run.problems.append("too little in %s s: %s" % (most, run.summary()))
    return runs


def in_each(runs, judge):
    """What is wrong with the runs, and what judge(run) finds, with the way in front."""
    return ["%s: %s" % (way, problem) for way, run in runs.items() for problem in run.problems + judge(run)]


def samples_by_process(run):
    """How many samples of each process there are facts of: its outermost function has all."""
    hits = {}
    for fact in run.facts:
        key = fact.get("processId"), fact["symbolId"]
        hits[key] = hits.get(key, 0) + fact["hitCount"]
    most = {}
    for (pid, _), count in hits.items():
        most[pid] = max(most.get(pid, 0), count)
    return most


def samples_of(run, pid):
    return samples_by_process(run).get(pid, 0)


def samples_in_all(run):
    return sum(samples_by_process(run).values())


# What a fact has beside what it says of a function: when, how often, where it was loaded, whose it is.
MOMENTARY = {"hitCount", "observedAt", "loaderBase", "processId", "processName", "metadata", "line"}
MOMENTARY_METADATA = {"evidence", "leafHits"}


def said_in(fact):
    """All that a fact says of its function, as text."""
    said = {key: value for key, value in fact.items() if key not in MOMENTARY}
    said["metadata"] = {key: value for key, value in fact["metadata"].items() if key not in MOMENTARY_METADATA}
    return json.dumps(said, sort_keys=True)


class Seen:
    """What the facts of one process say: {function: (share of its samples, {all that is said of it})}"""

    def __init__(self, run, pid):
        hits, said = {}, {}
        for fact in run.facts:
            if fact.get("processId") != pid:
                continue
            name = fact["metadata"]["symbol"]
            hits[name] = hits.get(name, 0) + fact["hitCount"]
            said.setdefault(name, set()).add(said_in(fact))
        self.samples = max(hits.values(), default=0)
        self.functions = {name: (count / max(self.samples, 1), said[name]) for name, count in hits.items()}


def differences(alone, beside, least=0.05, minimum=100):
    """How a victim's facts beside an attack differ from those of it alone: functions that have `least` of
    the samples in either are to be in both, with the same said of them, and with the same share of the
    samples to 2 points. Shares are counted in samples taken at random: to the 2 points comes what chance
    does to both counts, four times the standard deviation of the difference of two binomial shares."""
    if beside.samples < minimum:
        return ["the victim has %d samples" % beside.samples]
    problems = []
    for name in sorted({*alone.functions, *beside.functions}):
        share, said = alone.functions.get(name, (0, set()))
        found, theirs = beside.functions.get(name, (0, set()))
        both = (share * alone.samples + found * beside.samples) / (alone.samples + beside.samples)
        chance = math.sqrt(both * (1 - both) * (1 / alone.samples + 1 / beside.samples))
        if max(share, found) < least:
            continue
        missing = not (said and theirs)
        # Of 16 samples that are expected none comes by chance once in ten million.
        expected = share * beside.samples if said else found * alone.samples
        if abs(found - share) > 0.02 + 4 * chance or (missing and expected >= 16):
            problems.append("%s: %.3f of the samples alone, %.3f beside the attack" % (name, share, found))
        elif not missing and theirs != said:
            problems.append("%s: %s alone, %s beside the attack" % (name, sorted(said), sorted(theirs)))
    return problems
