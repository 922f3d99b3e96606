#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second tenant: while an ordinary user does his worst to root's rtsample, the facts of a redis-server of
another user, under a load, are those of a run that does not look at him: the same functions with the same packages,
ids and whatever else is said of them, and the same share of its samples for each.

It is sampled with all processes, or by its id beside the attacker's, and by its id alone, all at the same time:
what a redis-server does most depends on how busy a machine is. By ptrace, which takes one tracer, it is compared
with a run before. All functions
that have one of a hundred samples count; shares may differ by 2 points, and by what chance does to two counts
(four standard deviations, see differences() of hostile_lib.py). Attackers are nice to others: they attack the
sampler, not the scheduler. A run goes on until there are enough samples, however long that takes.

With RTSAMPLE_LONG in the environment all attacks of the other hostile scenarios, else one of them."""
import sys

sys.dont_write_bytecode = True
import hostile_lib
from hostile_lib import *  # noqa

skip_in("user", "sanitizers")

import hostile_budgets as budgets
import hostile_claims as claims
import hostile_ptrace as tracing
import hostile_roots as roots
import hostile_text as text
import hostile_waits as waits

TENANT = 12345  # the user that the victim runs as
# Samples of it beside an attack; by ptrace twice as many alone.
SAMPLES, SAMPLES_TRACED = (2000, 600) if LONG else (1000, 300)
LEAST = 0.01  # of the samples: functions that are compared
PATIENCE = 4 * STUCK_SECONDS
# A second has more samples than the limits for everyday runs are for.
ENVIRONMENT = {**os.environ, "Sampler__MaxEventsPerSecond": "100000", "Sampler__MaxCpuPercent": "0"}
PTRACE = ("--method", "ptrace")


def as_tenant():
    os.setgroups([])
    os.setgid(TENANT)
    os.setuid(TENANT)


class Victim(Target):
    """redis-server as another user, and what keeps it busy."""

    def __init__(self):
        server, folder = system_program("redis-server"), tempfile.mkdtemp(dir=WORK)
        os.chown(folder, TENANT, TENANT)
        path = os.path.join(folder, "socket")
        options = "--port 0 --appendonly no --daemonize no --loglevel warning".split()
        words = [server, "--unixsocket", path, "--save", "", "--dir", folder, *options]
        super().__init__(*words, ready=False, preexec_fn=as_tenant)
        if not until(lambda: os.path.exists(path) or self.process.poll() is not None, STUCK_SECONDS):
            raise Skip("redis-server does not run here")
        load = os.path.join(HERE, "redis_load.py")
        self.load = Target("/usr/bin/python3", load, path, stderr=None, preexec_fn=as_tenant)

    def stop(self):
        if hasattr(self, "load"):
            self.load.stop()
        super().stop()


OWNER = re.compile(rb'"processId":(\d+),"processName":"([^"]*)')


class Watched(Sampling):
    """A run whose lines are read while it is under way: those of the victim, and whose the others are, of which
    there can be very many."""

    def __init__(self, *words, victim, **more):
        super().__init__(*words, **more)
        self.file, self.rest, self.victim = None, b"", victim
        self.lines, self.hits, self.pids, self.names = [], {}, set(), set()

    def read(self):
        if not self.file:
            if not os.path.exists(self.output_path):
                return
            self.file = open(self.output_path, "rb")
        lines = (self.rest + self.file.read()).split(b"\n")
        self.rest = lines.pop()
        for line in lines:
            pid, name = OWNER.search(line).groups()
            self.pids.add(int(pid))
            self.names.add(name.decode("utf-8", "replace"))
            if int(pid) == self.victim:
                self.lines.append(line + b"\n")
                fact = json.loads(line)
                self.hits[fact["symbolId"]] = self.hits.get(fact["symbolId"], 0) + fact["hitCount"]

    def samples(self):
        return max(self.hits.values(), default=0)

    def _read_output(self, run):
        self.read()
        self.file.close()
        os.unlink(self.output_path)
        run.output = b"".join(self.lines)
        self.output_path = os.devnull  # these are not all lines that the account is about


def facts_of(attackers, sampling):
    """Has the sampler met each of the attackers?"""
    return all(attacker.pid in sampling.pids for attacker in attackers)


def named(prefix):
    """Has the sampler met one whose processes are called so?"""
    return lambda attackers, sampling: any(name.startswith(prefix) for name in sampling.names)


def said(text):
    """Has the sampler said that?"""
    return lambda attackers, sampling: text in sampling.said()


def sample_until(attackers, samples, met, *options):
    """{way: run} of the victim beside attackers, with as many samples of it as that, after all were met."""
    pids = [*(attacker.pid for attacker in attackers), victim.pid]
    only = ["-p"] if options == TRACED else []
    watched = {"victim": victim.pid, "env": ENVIRONMENT}
    samplings = start_ways(pids, "--emit", "process", *options, only=only, kind=Watched, **watched)
    if attackers and options != TRACED:
        samplings["alone"] = Watched("--emit", "process", *options, "-p", victim.pid, **watched)

    def enough():
        time.sleep(0.1)
        for sampling in samplings.values():
            sampling.read()
        ended = any(sampling.process.poll() is not None for sampling in samplings.values())
        return ended or all(
            s.samples() >= samples and (way == "alone" or met(attackers, s)) for way, s in samplings.items()
        )

    missing = [] if until(enough, PATIENCE) else ["after %d s they were not all met, or too few samples" % PATIENCE]
    for sampling in samplings.values():
        sampling.signal(signal.SIGTERM)
    runs = finish_ways(samplings)
    for way, run in runs.items():
        run.way, run.seen = way, Seen(run, victim.pid)
        run.problems += missing
    return runs


victim = None
alone = {}


def compared(run):
    """What is wrong with what there is to compare."""
    count = sum(share >= LEAST for share, _ in run.seen.functions.values())
    note("%s: %d samples, %d functions, %d of them compared"
         % (run.way, run.seen.samples, len(run.seen.functions), count))  # fmt: skip
    return [] if count >= 20 else ["%d functions are too few to compare" % count]


def sample_alone(options, samples):
    """Samples it without attackers, to compare with; what is wrong with that."""
    runs = sample_until([], samples, lambda attackers, sampling: True, *options)
    alone.update({options: run.seen for run in runs.values()})
    return in_each(runs, compared)


EVENTS, TRACED = ("-F", 499), ("-F", 499, *PTRACE)


def by_events():
    """redis-server is sampled without an attacker"""
    return sample_alone(EVENTS, SAMPLES)


def by_ptrace():
    """and so by ptrace"""
    return sample_alone(TRACED, 2 * SAMPLES_TRACED)


def attack(name, docstring, *makers, met=facts_of, options=EVENTS, samples=SAMPLES):
    """A step: the victim's facts beside these attackers."""

    def step():
        if options == TRACED and options not in alone:
            by_ptrace()
        attackers = []
        try:
            for make in makers:
                attackers += make()
            runs = sample_until(attackers, samples, met, *options)
        finally:
            end_all(attackers)

        def judge(run):
            note("%s: %d samples of the victim, %d of all, late %d, peak %d MiB"
                 % (run.way, run.seen.samples, run.kept, run.stats["unreadable"]["late"],
                    run.stats["self"]["peak_rss_kib"] >> 10))  # fmt: skip
            return differences(expected, run.seen, LEAST, samples)

        one = runs.pop("alone", None)
        expected = one.seen if one else alone[options]
        return ([] if not one else one.problems + compared(one)) + in_each(runs, judge)

    step.__name__, step.__doc__ = name, docstring
    return step


def hanging(kind):
    return lambda: [waits.Hanging(kind)]


def claims_of_libc():
    return claims.aliases_attack(roots.build_id_of(roots.libc()), "epoll_wait")


GIVEN_UP = waits.GIVEN_UP
SHORT = [
    by_events,
    attack("names", "beside functions with names of 16 KiB", budgets.long_names_attack),
]
ALL = SHORT + [
    attack("root", "beside a root of somebody's own that shows the host's /usr, and the C library's build-id",
           roots.shown_usr_attack, claims_of_libc),
    attack("hanging", "beside processes that hold their own lock, for ever or in turns, or never answer",
           hanging("code"), hanging("lock"), hanging("turns"), met=said(GIVEN_UP)),
    by_ptrace,
    attack("threads", "by ptrace beside thousands of threads and a stack that never comes",
           lambda: tracing.plain_attack("threads", 4000), tracing.fuse_attack, met=said("is given up"),
           options=TRACED, samples=SAMPLES_TRACED),
    attack("files", "beside hundreds of programs, one after the other", budgets.many_files_attack, met=named("brief")),
    attack("packed", "beside debug information that is small only as long as it is packed",
           budgets.packed_debug_attack, met=named("packed")),
    attack("mappings", "beside a process with thousands of mappings", budgets.mappings_attack, met=named("mapper")),
    # Root may not look into his file system, so nothing is said of it.
    attack("many", "beside six that hang", waits.many_attack, met=lambda *_: True),
    attack("slow", "beside code in many files that each come just in time", waits.slow_attack, met=said(GIVEN_UP)),
    attack("emptied", "beside a view in which dpkg's folder is empty", roots.emptied_database_attack),
    attack("bound", "beside the C library at another path", roots.bound_elsewhere_attack),
    attack("chroot", "beside a chroot into /usr", roots.chroot_above_attack),
    attack("secrets", "beside links to what only root may read", roots.secret_attack),
    attack("doors", "beside doors into the kernel in place of files", roots.doors_attack),
    attack("database", "beside a database of 200 GiB", roots.endless_database_attack),
    attack("roots", "beside many roots with damaged databases", roots.many_roots_attack),
    attack("json", "beside a package.json that grows", roots.growing_json_attack, met=named("busy")),
    attack("sparse", "beside a debug file of a GiB without content", roots.sparse_debug_link_attack),
    attack("containers", "beside claims to be in a container", roots.forged_containers_attack),
    attack("text", "beside names that steer a terminal", text.names_attack),
    attack("crowd", "beside thousands of threads", lambda: tracing.plain_attack("threads", 4000)),
    attack("births", "by ptrace beside one that forks and executes all the time",
           lambda: tracing.plain_attack("births"), met=lambda *_: True, options=TRACED, samples=SAMPLES_TRACED),
    attack("stops", "by ptrace beside one that is stopped and continued all the time",
           lambda: tracing.plain_attack("stops"), met=lambda *_: True, options=TRACED, samples=SAMPLES_TRACED),
    attack("execs", "by ptrace beside one that executes for ever", lambda: tracing.fuse_attack("exec"),
           met=said("is given up"), options=TRACED, samples=SAMPLES_TRACED),
]  # fmt: skip

if __name__ == "__main__":
    if not IS_ROOT:
        skip_all("it takes root to sample what others run")
    require_sampling()
    hostile_lib.attackers_niceness = 10
    try:
        victim = Victim()
    except (Skip, RuntimeError) as reason:
        skip_all(reason)
    at_end(victim.stop)
    try:
        run_steps(*(ALL if LONG else SHORT))
    finally:
        waits.abort_mounts()
