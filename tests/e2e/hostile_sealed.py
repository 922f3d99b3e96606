#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What our own processes and threads give up once all is open, as the kernel sees it; that somebody
who gets in is ended; and that a command starts as if we had not been there."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

SANITIZERS = bool(os.environ.get("RTSAMPLE_SANITIZERS"))
CAPABILITIES = (
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable"
    " net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio"
    " sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time"
    " sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog"
    " wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"
).split()
FILES = {"dac_override", "dac_read_search"}
# At most these.
KEEPS = {
    "main": {"perfmon", "sys_ptrace", "kill", "ipc_lock"},
    "broker": {"setuid", "setgid", "sys_ptrace", "checkpoint_restore", "dac_read_search"},
    "keeper": {"setuid", "setgid", "sys_ptrace", "checkpoint_restore", "dac_read_search", "sys_nice"},
    "near": {"sys_ptrace", "sys_nice"},
    "starter": {"chown", "setuid", "setgid", "sys_chroot", "dac_read_search", "kill"},
    "tracer": {"sys_ptrace"},
    "thread": set(),
    "replay": FILES,
    "send": FILES,
}  # fmt: skip
NOWHERE = "http://127.0.0.1:9/signals/runtime-facts/ndjson"
SUBJECT = ("--callgraph-id", "c", "--scan-id", "s", "--endpoint", NOWHERE)
VERSION = subprocess.run([RTSAMPLE, "--version"], stdout=subprocess.PIPE, text=True).stdout
HAS_FILTER = "filters: yes" in VERSION
# The sanitizers forbid cores by themselves, and look for leaks by ptrace, which strace is in the way of.
PLAIN = dict(os.environ, ASAN_OPTIONS="detect_leaks=0:disable_coredump=0:" + os.environ.get("ASAN_OPTIONS", ""))
OTHER_USER = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups"]


def names_of(word):
    """The capabilities in a set."""
    bits = int(word, 16)
    return {CAPABILITIES[i] if i < len(CAPABILITIES) else i for i in range(64) if bits >> i & 1}


def status_of(path):
    with open(path + "/status", encoding="ascii", errors="replace") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def tasks_of(pid):
    """{thread id: its status} of the process."""
    folder = "/proc/%d/task" % pid
    found = {}
    for tid in os.listdir(folder):
        try:
            found[int(tid)] = status_of(os.path.join(folder, tid))
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended
    return found


OWN = status_of("/proc/self")


def is_sealed(status):
    return status["NoNewPrivs"] == "1" and (status.get("Seccomp") == "2" or not HAS_FILTER)


def weak(who, status, keeps, bounds=None):
    """What a thread has that it should not. `bounds`: what its bounding set may have; None: any."""
    if not is_sealed(status):
        yield "%s: NoNewPrivs %s, Seccomp %s" % (who, status["NoNewPrivs"], status.get("Seccomp"))
    for name in ("CapPrm", "CapEff", "CapInh", "CapAmb", "CapBnd"):
        more = names_of(status[name]) - keeps
        if name == "CapBnd":
            more = names_of(status[name]) - bounds if bounds is not None else None
        if more:
            yield "%s: %s has %s" % (who, name, sorted(map(str, more)))


HELPERS = {
    "rtsample-starte": "starter",
    "rtsample-keeper": "keeper",
    "rtsample-broker": "broker",
    "rtsample-near": "near",
}


def look_at_helpers(pid, seen):
    """The processes beside it: who starts rtsample-rpm, who looks at targets, and who keeps that one."""
    with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
        children = [int(child) for child in file.read().split()]
    for child in children:
        status = status_of("/proc/%d" % child)
        if status["Name"] not in HELPERS:
            continue
        kind = HELPERS[status["Name"]]
        seen.add(kind)
        bounds = KEEPS["keeper" if kind == "broker" else kind]
        yield from weak(kind, status, KEEPS[kind], bounds if status["Uid"].split()[0] == "0" else None)
        # It is in effect for moments, and only in who looks at targets.
        if kind == "keeper" and "dac_read_search" in names_of(status["CapEff"]):
            yield "keeper: it reads all"
        yield from look_at_helpers(child, seen)


def weaknesses(pid, kind, enough):
    """What is wrong with the threads of a process now."""
    tasks, problems = tasks_of(pid), []
    for tid, status in tasks.items():
        name = kind if tid == pid else "tracer" if status["Name"] == "rtsample-ptrace" else "thread"
        # That of a thread whose starter was sealed before it stays as it is: nobody can lower it.
        bounds = KEEPS[name] | (KEEPS[kind] if kind == "send" else set())
        is_root = status["Uid"].split()[0] == "0"
        problems += weak(
            "%s of %s (%s)" % (name, kind, status["Name"]), status, KEEPS[name], bounds if is_root else None
        )
    if len(tasks) < enough:
        problems.append("%s has %d threads" % (kind, len(tasks)))
    if kind == "main":
        seen = set()
        problems += look_at_helpers(pid, seen)
        if "keeper" not in seen:
            problems.append("only these were seen beside it: %s" % sorted(seen))
    return problems


def look_at(run, kind, enough=1):
    """Waits until all threads of the run are sealed, each by itself, and says what is not."""
    if not until(lambda: not weaknesses(run.pid, kind, enough)):
        return weaknesses(run.pid, kind, enough)
    with open("/proc/%d/limits" % run.pid) as file:
        core = next(line for line in file if line.startswith("Max core file size"))
    return ["%s: %s" % (kind, core)] if core.split()[4:6] != ["0", "0"] else []


class Live:
    """rtsample under way; ended by SIGTERM."""

    def __init__(self, *words, before=(), **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.DEVNULL)
        self.process = subprocess.Popen(
            [*before, RTSAMPLE, *map(str, words)], stderr=subprocess.PIPE, text=True, **options
        )
        self.pid = self.process.pid
        at_end(self.process.kill)

    def end(self, *allowed):
        """What is wrong with the way it ends."""
        if self.process.poll() is None:
            self.process.terminate()
        _, said = self.process.communicate(timeout=STUCK_SECONDS)
        status = self.process.returncode
        return [] if status in allowed else ["exit status %d: %s" % (status, said)]


def folder():
    return tempfile.mkdtemp(dir=WORK)


# --- What is kept --------------------------------------------------------------------------------


def a_run():
    """-p and -a, sending, with a spool and bundles: every thread keeps what is listed, and no more"""
    problems = []
    with Target(build("chain-O2-nofp")) as target:
        for words in (["-p", target.pid], ["-a"] if IS_ROOT else ["-p", target.pid, "-F", 20]):
            run = Live(
                *words, *SUBJECT, "--spool", os.path.join(folder(), "spool"), "--cas", folder(),
                "--analysis-id", "a",
            )  # fmt: skip
            seen = set()
            if not until(lambda: list(look_at_helpers(run.pid, seen)) == [] and "broker" in seen):
                problems.append("no broker is seen, or a strong one: %s" % list(look_at_helpers(run.pid, seen)))
            problems += look_at(run, "main", 3) + run.end(0, 1, 5)  # bundles may be late
    return problems


def tracing():
    """ptrace: the thread that traces keeps what that takes"""
    with Target(build("chain-O2-nofp")) as target:
        run = Live("-p", target.pid, "--method", "ptrace", "-o", "/dev/null")
        problems = look_at(run, "main", 2)
        # What reads memory for it keeps no more than it does itself.
        kept = []
        for keeper in children_of(run.pid):
            for worker in children_of(keeper):
                kept.append(names_of(status_of("/proc/%d" % worker)["CapPrm"]))
        if not any(one <= KEEPS["tracer"] for one in kept):
            problems.append("nobody reads memory with little: %s" % kept)
        return problems + run.end(0)


def replaying():
    """replay, and send: no more than files"""
    trace = os.path.join(folder(), "trace")
    with Target(build("chain-O2-nofp")) as target:
        sample_enough("-p", target.pid, "--record", trace)
    problems = []
    # A reader that does not read: it waits with its facts in the end.
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"\n" * 4096)
    except BlockingIOError:
        pass
    run = Live("replay", trace, stdout=writer)
    os.close(writer)
    problems += look_at(run, "replay")
    os.close(reader)
    problems += run.end(0, 1)
    run = Live("send", "-", *SUBJECT, stdin=subprocess.PIPE)
    problems += look_at(run, "send", 2)
    return problems + run.end(0, 1, 5)


def doctor():
    """doctor --self tells what the kernel tells of a run, and works for an ordinary user"""
    run = subprocess.run([RTSAMPLE, "doctor", "--self", "--json"], stdout=subprocess.PIPE)
    report = json.loads(run.stdout)
    problems = [] if run.returncode == report["status"] == 0 else ["status %d" % run.returncode]
    told = {}
    for key, check in report["checks"].items():
        if check["state"] != "works" and (HAS_FILTER or check["cause"] != "no_filter"):
            problems.append("%s: %s" % (key, check))
        words = re.search(r"capabilities: ([^;]*)", check["found"]).group(1).split()
        told[key.partition(".")[2]] = set(words) - {"none"}
    for kind in ("broker", "keeper") if IS_ROOT else ():
        if not re.search(r"; at rest: dac_read_search;", report["checks"]["sealed." + kind]["found"]):
            problems.append("%s: %s" % (kind, report["checks"]["sealed." + kind]))
    with Target(build("chain-O2-nofp")) as target:
        live = Live("-p", target.pid, "-o", "/dev/null")
        problems += look_at(live, "main")
        kept = names_of(status_of("/proc/%d" % live.pid)["CapPrm"])
        problems += live.end(0)
    if kept != told["main"]:
        problems.append("main keeps %s, and doctor tells %s" % (sorted(kept), sorted(told["main"])))
    for kind, set_of in (("tracer", "tracer"), ("delivery", "thread"), ("packer", "thread"),
                         ("broker", "broker"), ("keeper", "keeper"), ("rpm_starter", "starter"), ("rpm_reader", "thread"), ("replay", "replay")):  # fmt: skip
        if told[kind] - KEEPS[set_of]:
            problems.append("%s: %s" % (kind, sorted(told[kind])))
    text = subprocess.run([RTSAMPLE, "doctor", "--self"], stdout=subprocess.PIPE, text=True).stdout
    for key in report["checks"]:
        if not re.search(r"^\w+ +%s " % re.escape(key), text, re.M):
            problems.append("%s is not in the text" % key)
    wrong = subprocess.run([RTSAMPLE, "doctor", "--self", "-p", "1"], stderr=subprocess.PIPE)
    if wrong.returncode != 2:
        problems.append("with -p: %d" % wrong.returncode)
    return problems


def hidden():
    """others of our user cannot look into us"""
    before = OTHER_USER if IS_ROOT else []
    if IS_ROOT and subprocess.run([*before, RTSAMPLE, "--version"], stdout=subprocess.DEVNULL).returncode:
        raise Skip("another user cannot run the program here")
    run = Live("-o", "/dev/null", "--", "sleep", "100", before=before)
    problems = look_at(run, "main")
    for name in ("environ", "mem", "maps"):
        look = subprocess.run(
            [*before, "dd", "if=/proc/%d/%s" % (run.pid, name), "of=/dev/null", "count=1"],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        if "ermission denied" not in look.stderr:
            problems.append("%s: %s" % (name, look.stderr))
    return problems + run.end(0)


# --- The filter ----------------------------------------------------------------------------------


def nothing_refused():
    """no call that a run makes once it is sealed is one that its filter refuses"""
    system_program("strace")
    if not HAS_FILTER:
        raise Skip("built without libseccomp")
    problems, log = [], os.path.join(folder(), "strace")
    with Target(build("chain-O2-nofp")) as target:
        for words in (
            ["-p", target.pid, *SUBJECT, "--cas", folder(), "--analysis-id", "a", "--segment", "1",
             "--metrics", os.path.join(folder(), "m"), "--union", os.path.join(folder(), "u")],
            ["-p", target.pid, "--method", "ptrace", "-o", "/dev/null"],
            ["-a", "-o", "/dev/null"] if IS_ROOT else ["-o", "/dev/null", "--", "sleep", "1"],
        ):  # fmt: skip
            run = subprocess.run(
                ["strace", "-f", "-qq", "-e", "signal=SIGSYS", "-o", log, RTSAMPLE, "-d", "2",
                 *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=PLAIN,
            )  # fmt: skip
            asked, sealed, count = set(), set(), 0
            with open(log, errors="replace") as file:
                for line in file:
                    tid, call = line.split(None, 1)
                    # Another thread's line may come between a call and what it returned.
                    if re.match(r"seccomp\(SECCOMP_SET_MODE_FILTER, 0, |prctl\(PR_SET_SECCOMP", call):
                        asked.add(tid)
                    if tid in asked and re.search(r"(seccomp|prctl).*\) += 0$", call):
                        sealed.add(tid)
                    elif re.match(r"--- SIGSYS|\+\+\+ killed by SIGSYS", call):
                        problems.append("%s: %s" % (words, line))
                    elif tid in sealed:
                        count += 1
                        if "= -1 ENOSYS" in call and not re.match(r"(<\.\.\. )?clone3|epoll_pwait2|openat.*/cpu/online", call):
                            problems.append("%s: %s" % (words, line))
            if run.returncode not in (0, 5) or not sealed or count < 20:
                problems.append("%s: %d, %d sealed, %d calls" % (words, run.returncode, len(sealed), count))
                problems.append(run.stderr.decode(errors="replace"))
    return problems


def intruders():
    """somebody who has got into the main thread is ended at the first call that it never makes"""
    if not HAS_FILTER:
        raise Skip("built without libseccomp")
    if SANITIZERS:
        raise Skip("their library has to be the first")
    library, problems = os.path.join(folder(), "intruder.so"), []
    source = os.path.join(HERE, "intruder.c")
    compiler = os.environ.get("CC", "cc").split()
    subprocess.run([*compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    kill = -signal.SIGSYS
    # As before Linux 4.14: the filter cannot end a process, but send a signal that does.
    old = [
        "/usr/bin/python3", os.path.join(HERE, "seccomp_run.py"), "--refuse", "ENOSYS", "seccomp",
    ]  # fmt: skip
    has_old = IS_ROOT and not subprocess.run([*old, "true"], stderr=subprocess.DEVNULL).returncode
    with Target(build("chain-O2-nofp")) as target:
        for words, call, wanted, before in [
            (["-p", target.pid], "none", 0, []),
            (["-p", target.pid], "unknown", 0, []),
            (["-p", target.pid], "read", 0, []),
            *((["-p", target.pid], call, kill, []) for call in
              ("open", "socket", "ptrace", "execve", "mount", "bpf", "poke", "unshare")),
            *((["-a"], call, kill, []) for call in ("open", "socket", "ptrace", "execve") if IS_ROOT),
            (["-p", target.pid, *SUBJECT], "socket", kill, []),
            (["-p", target.pid, "--method", "ptrace"], "socket", kill, []),
            *([(["-p", target.pid], "none", 0, old), (["-p", target.pid], "bpf", kill, old)]
              if has_old else []),
        ]:  # fmt: skip
            mark = os.path.join(folder(), "mark")
            output = [] if "--endpoint" in words else ["-o", "/dev/null"]
            run = Live(
                *words, *output, *(["-d", "2"] if wanted == 0 else []),
                before=[*before, "env", "LD_PRELOAD=" + library],
                env=dict(os.environ, INTRUDER=call, INTRUDER_MARK=mark),
            )  # fmt: skip
            try:
                run.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                problems.append("%s: %s: it lives on" % (words, call))
            made = os.path.exists(mark) and os.path.getsize(mark) == 1
            if not made:
                problems.append("%s: %s was never made" % (words, call))
            problems += ["%s: %s: %s" % (words, call, text) for text in run.end(wanted)]
    return problems


def without_filters():
    """where no filter is permitted the run goes on without, and doctor tells"""
    refused = [
        "/usr/bin/python3", os.path.join(HERE, "seccomp_run.py"), "--refuse", "EPERM", "seccomp,prctl",
    ]  # fmt: skip
    run = subprocess.run([*refused, RTSAMPLE, "doctor", "--self", "--json"], stdout=subprocess.PIPE)
    if run.returncode == 77:
        raise Skip("python3-seccomp is not installed")
    problems = []
    checks = json.loads(run.stdout)["checks"]
    if {check["state"] for check in checks.values()} != {"limited"}:
        problems.append(str(checks))
    with Target(build("chain-O2-nofp")) as target:
        live = Live("-p", target.pid, "-d", "0.5", "-o", "/dev/null", before=refused)
        live.process.wait(timeout=STUCK_SECONDS)
        problems += live.end(0)
    return problems


# --- A command -----------------------------------------------------------------------------------

SHOWS = (
    "grep -E '^(Cap|NoNew|Seccomp|Uid|Gid|Groups|Sig(Ign|Blk)|CoreDumping)' /proc/self/status;"
    "cat /proc/self/limits; stat -c %u /proc/self/environ; ulimit -c; ulimit -n"
)


def shown(words, before=(), **options):
    run = subprocess.run(
        [*before, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=PLAIN, **options
    )
    return run.stdout


def lower_limits():
    """Such as rtsample would raise, or lower, for itself."""
    files, core = (resource.getrlimit(name) for name in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE))
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, files[1]), files[1]))
    if core[1] != 0:
        resource.setrlimit(resource.RLIMIT_CORE, (4096, core[1]))


def a_command():
    """a command is what it is without us: capabilities, limits, filters, signals, no_new_privs"""
    problems = []
    for method in ("perf", "ptrace"):
        words = ["sh", "-c", SHOWS]
        ours = [RTSAMPLE, "-o", "/dev/null", "--method", method, "--"]
        alone = shown(words, preexec_fn=lower_limits)
        with_us = shown(words, ours, preexec_fn=lower_limits)
        if alone != with_us or "NoNewPrivs" not in alone:
            problems.append("%s:\n%s\nand with rtsample\n%s" % (method, alone, with_us))
    return problems


def a_set_uid_command():
    """a set-uid program that an ordinary user runs under us is root"""
    if not IS_ROOT:
        raise Skip("making a set-uid program takes root")
    place = folder()
    os.chmod(place, 0o755)
    program, source = os.path.join(place, "suid"), os.path.join(place, "suid.c")
    with open(source, "w") as file:
        file.write(
            "#include <stdio.h>\n#include <sys/prctl.h>\n#include <unistd.h>\n"
            'int main(void) { printf("%d %d\\n", (int)geteuid(), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));'
            " return 0; }\n"
        )
    subprocess.run([*os.environ.get("CC", "cc").split(), "-o", program, source], check=True)
    os.chmod(program, 0o4755)
    alone = shown([program], OTHER_USER)
    if alone != "0 0\n":
        raise Skip("set-uid programs have no effect here: %r" % alone)
    with_us = shown([RTSAMPLE, "-o", "/dev/null", "--", program], OTHER_USER)
    return [] if with_us == alone else ["%r, and with rtsample %r" % (alone, with_us)]


run_steps(
    a_run, tracing, replaying, doctor, hidden, nothing_refused, intruders, without_filters, a_command,
    a_set_uid_command,
)  # fmt: skip
