#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rtsample doctor: real misconfigurations, each with its cause told, and mended as it was told."""
import ctypes
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user", "sanitizers")

NOBODY = 65534
SETPRIV = "setpriv --reuid=%d --regid=%d --clear-groups" % (NOBODY, NOBODY)
AS_NOBODY = (SETPRIV + " --inh-caps=-all").split()
STATES = {"works", "limited", "refused", "unknown", "info"}
KEYS = ["state", "found", "cause", "because", "lost", "fix"]


# --- Running it ----------------------------------------------------------------------------------


class Report:
    """What doctor says, by --json, and what is wrong with the form of it."""

    def __init__(self, *arguments, before=(), program=None, **options):
        command = [*map(str, before), program or PROGRAM, "doctor", "--json", *map(str, arguments)]
        run = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            stdin=subprocess.DEVNULL, timeout=STUCK_SECONDS, **options,
        )  # fmt: skip
        self.status, self.stderr = run.returncode, run.stderr
        if self.status == 77:
            raise Skip(self.stderr)
        try:
            self.json = json.loads(run.stdout)
        except ValueError:
            raise RuntimeError("%s: %d: %s%s" % (command, run.returncode, run.stdout, run.stderr))
        self.checks = self.json["checks"]
        self.problems = list(self._check_form())

    def _check_form(self):
        if self.json["status"] != self.status or self.json["works"] != (self.status == 0):
            yield "exit status %d: %s" % (self.status, self.json["verdict"])
        if (self.json["fix"] is None) != (self.status == 0):
            yield "the fix is %s" % self.json["fix"]
        if (self.json["method"] is None) != (self.status != 0):
            yield "method %s, exit status %d" % (self.json["method"], self.status)
        for key, check in self.checks.items():
            if list(check) != KEYS or check["state"] not in STATES or not check["found"]:
                yield "%s: %s" % (key, check)
            if check["state"] == "refused" and not check["because"]:
                yield "%s does not say why" % key

    def expect(self, status):
        if self.status == status:
            return self.problems
        return self.problems + ["exit status %d: %s" % (self.status, self.json["verdict"])]

    def broken(self, key, cause, *words, state=None):
        """[] when this check says so, with a fix that has these words."""
        check = self.checks.get(key, {})
        if check.get("cause") != cause or check["state"] not in (state or ("limited", "refused")):
            return self.problems + ["%s, not %s: %s" % (key, cause, check)]
        if not check["because"] or not check["lost"]:
            return ["%s explains nothing: %s" % (key, check)]
        fixes = " ".join(check["fix"]).lower()
        return ["no %r in the fix: %s" % (word, check) for word in words if word not in fixes]

    def works(self, key):
        check = self.checks.get(key, {})
        return [] if check.get("state") == "works" else ["%s: %s" % (key, check)]

    def fix(self, key, beginning):
        """The fix of a check that begins so."""
        for text in self.checks[key]["fix"]:
            if text.startswith(beginning):
                return text
        raise RuntimeError("%s has no fix %s...: %s" % (key, beginning, self.checks[key]["fix"]))


def copy_of_program():
    """A file of its own, which anybody may run and which can be given capabilities."""
    folder = tempfile.mkdtemp(dir=WORK)
    os.chmod(folder, 0o755)
    path = shutil.copy(RTSAMPLE, os.path.join(folder, "rtsample"))
    os.chmod(path, 0o755)
    return path


def shell(script, *arguments):
    subprocess.run(["sh", "-ec", script, "sh", *map(str, arguments)], check=True)


def in_mounts(script):
    """A command prefix: its own mount namespace, changed by this script."""
    need_mounts()
    return ["unshare", "-m", "sh", "-ec", script + '\nexec "$@"', "sh"]


def sleeper(*before, **options):
    return Target(*before, "sleep", "1000", ready=False, **options)


def sleeper_of_nobody():
    return sleeper(user=NOBODY, group=NOBODY)


def filtered(action, calls, *before):
    helper = os.path.join(HERE, "seccomp_run.py")
    return [*before, "/usr/bin/python3", helper, "--refuse", action, calls]


# --- Another user's process ----------------------------------------------------------------------


_known = {}


def known(key, make):
    """What make() returned the first time: many cases differ only in what they look at."""
    if key not in _known:
        _known[key] = make()
    return _known[key]


def granted(key, cause, capabilities, target_of=sleeper):
    """Broken as nobody; then the fix is a setcap line, which is run, and it works."""
    target = known(target_of, target_of)
    where = ("-p", target.pid)
    before = known((target_of, ""), lambda: Report(*where, before=AS_NOBODY))
    problems = before.broken(key, cause, "setcap", *capabilities)
    if problems:
        return problems
    line = before.fix(key, "setcap")

    def mended():
        program = copy_of_program()
        shell(line.replace(PROGRAM, program))
        return Report(*where, before=AS_NOBODY, program=program)

    after = known((target_of, line), mended)
    return after.works(key) + after.problems


def plain():
    """With nothing in the way."""
    return known(plain, Report)


def of_nobody():
    """Of another user's process, as root."""
    target = known(sleeper_of_nobody, sleeper_of_nobody)
    return known(of_nobody, lambda: Report("-p", target.pid))


def perf_of_other_user():
    """perf events on another user's process"""
    return granted("perf.target", "other_user", ["cap_perfmon"])


def whole():
    """what is told first mends it all"""
    program = copy_of_program()
    target = known(elsewhere, elsewhere)
    before = Report("-p", target.pid, before=AS_NOBODY, program=program)
    problems = before.expect(4)
    shell(before.json["fix"])
    after = Report("-p", target.pid, before=AS_NOBODY, program=program)
    problems += after.expect(0) + after.works("self.capabilities")
    for key in ("perf.target", "ptrace.target", "target.maps", "target.root"):
        problems += after.works(key)
    return problems


def ptrace_of_other_user():
    """ptrace of another user's process"""
    return granted("ptrace.target", "other_user", ["cap_sys_ptrace"])


def memory_of_other_user():
    """the memory of another user's process"""
    return granted("target.memory", "other_user", ["cap_sys_ptrace"])


def maps_of_other_user():
    """the mappings of another user's process"""
    return granted("target.maps", "other_user", ["cap_sys_ptrace"])


def elsewhere():
    need_mounts()
    return sleeper("unshare", "-m")


def root_of_other_user():
    """the file tree of another user's process in a mount namespace of its own"""
    return granted("target.root", "other_user", ["cap_sys_ptrace"], elsewhere)


def map_files():
    """mapped files that were deleted, of one's own process"""
    return granted("target.map_files", "capability", ["cap_checkpoint_restore"], sleeper_of_nobody)


def cpus():
    """whole CPUs without a capability"""
    return granted("perf.cpus", "paranoid", ["cap_perfmon", "sysctl"], sleeper_of_nobody)


def kernel_side():
    """samples within system calls without a capability"""
    return granted("perf.kernel", "paranoid", ["cap_perfmon", "sysctl"], sleeper_of_nobody)


def uprobes():
    """uprobes without a capability"""
    return granted("entry.uprobe", "capability", ["cap_sys_admin"], sleeper_of_nobody)


UNDUMPABLE = """
import ctypes, time
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
print("ready", flush=True)
time.sleep(1000)
"""


def undumpable():
    return Target("/usr/bin/python3", "-c", UNDUMPABLE, user=NOBODY, group=NOBODY)


def not_dumpable():
    """perf events on one's own process that is not dumpable"""
    return granted("perf.target", "not_dumpable", ["cap_perfmon"], undumpable)


def not_dumpable_ptrace():
    """ptrace of one's own process that is not dumpable"""
    return granted("ptrace.target", "not_dumpable", ["cap_sys_ptrace"], undumpable)


def more_capable():
    """one's own process with capabilities that one has not"""
    ambient = (SETPRIV + " --inh-caps=+net_raw --ambient-caps=+net_raw").split()
    return granted("perf.target", "more_capable", ["cap_perfmon"], lambda: sleeper(*ambient))


def other_group():
    """a process of one's user in another group"""
    where = lambda: sleeper(user=NOBODY, group=1)
    return granted("perf.target", "other_user", ["cap_perfmon"], where)


def sys_ptrace_only():
    """CAP_SYS_PTRACE alone does for another user's process"""
    before = (SETPRIV + " --inh-caps=+sys_ptrace --ambient-caps=+sys_ptrace").split()
    with sleeper() as target:
        report = Report("-p", target.pid, before=before)
    return report.expect(0) + report.works("perf.target") + report.works("ptrace.target")


# --- Capabilities that do not come ---------------------------------------------------------------


def bounding_set():
    """root without the capability in the bounding set"""
    dropped = "-cap_38,-sys_admin,-sys_ptrace"  # setpriv before 2.37 does not know perfmon
    before = ["setpriv", "--bounding-set=" + dropped, "--inh-caps=" + dropped]
    target = known(sleeper_of_nobody, sleeper_of_nobody)
    report = Report("-p", target.pid, before=before)
    problems = report.expect(4) + report.broken("perf.target", "other_user", "bounding")
    problems += report.broken("self.capabilities", "bounding_set", "bounding")
    after = of_nobody()
    return problems + after.expect(0) + after.works("self.capabilities")


def no_new_privileges():
    """a program with capabilities, and no_new_privs"""
    program = copy_of_program()
    shell('setcap cap_perfmon,cap_sys_ptrace+ep "$1"', program)
    with sleeper() as target:
        # In two steps: setpriv keeps root's capabilities until it executes something.
        before = [*AS_NOBODY, "setpriv", "--no-new-privs"]
        report = Report("-p", target.pid, before=before, program=program)
        problems = report.broken("self.capabilities", "no_new_privileges", "ambient")
        problems += report.broken("perf.target", "other_user", "no_new_privs")
        line = report.fix("self.capabilities", "setpriv").split()
        after = Report("-p", target.pid, before=line[:-1], program=line[-1])
    return problems + after.expect(0) + after.works("perf.target")


def nosuid():
    """a program with capabilities on a file system mounted nosuid"""
    folder = tempfile.mkdtemp(dir=WORK)
    os.chmod(folder, 0o755)
    program = os.path.join(folder, "rtsample")
    script = (
        "mount -t tmpfs -o nosuid,mode=755 none %s; cp %s %s\n"
        "setcap cap_perfmon,cap_sys_ptrace+ep %s\n" % (folder, PROGRAM, folder, program)
    )
    with sleeper() as target:
        before = [*in_mounts(script), *AS_NOBODY]
        report = Report("-p", target.pid, before=before, program=program)
        problems = report.broken("self.capabilities", "nosuid", "setcap")
        mended = "mount -t tmpfs -o mode=755 none /usr/local/bin\n"
        mended += report.fix("self.capabilities", "cp")
        before = [*in_mounts(script + mended), *AS_NOBODY]
        after = Report("-p", target.pid, before=before, program="/usr/local/bin/rtsample")
    return problems + after.expect(0) + after.works("self.capabilities")


def user_namespace():
    """root of a user namespace"""
    need_user_namespace()
    target = known(sleeper_of_nobody, sleeper_of_nobody)
    report = Report("-p", target.pid, before=["unshare", "-Ur"])
    problems = report.expect(4) + report.works("perf.child")
    for key in ("perf.target", "perf.kernel", "self.capabilities"):
        problems += report.broken(key, "user_namespace", "user namespace")
    after = of_nobody()
    return problems + after.expect(0) + after.works("self.capabilities")


# --- Filters -------------------------------------------------------------------------------------


def refused_by_filter(action):
    report = Report(before=filtered(action, "perf_event_open"))
    problems = report.expect(0) + report.broken("perf.child", "seccomp", "seccomp", "perf_event")
    problems += report.broken("self.seccomp", "seccomp", "perf_event_open")
    if report.json["method"] != "ptrace":
        problems.append("method %s" % report.json["method"])
    return problems + plain().works("perf.child") + plain().expect(0)


def filter_eperm():
    """perf_event_open refused by a filter with EPERM"""
    return refused_by_filter("EPERM")


def filter_enosys():
    """perf_event_open refused by a filter with ENOSYS"""
    return refused_by_filter("ENOSYS")


def filter_eacces():
    """perf_event_open refused by a filter with EACCES, as the kernel does"""
    return refused_by_filter("EACCES")


def filter_kill():
    """a filter that kills for perf_event_open"""
    return refused_by_filter("kill")


def ptrace_by_filter(action, call):
    report = Report(before=filtered(action, call))
    problems = report.expect(0) + report.broken("ptrace.child", "seccomp", "seccomp", call)
    problems += report.broken("self.seccomp", "seccomp", call)
    return problems + plain().works("ptrace.child")


def filter_ptrace():
    """ptrace refused by a filter"""
    return ptrace_by_filter("EPERM", "ptrace")


def filter_ptrace_kill():
    """a filter that kills for ptrace"""
    return ptrace_by_filter("kill", "ptrace")


def filter_memory():
    """a filter that kills for process_vm_readv; one that refuses it is no matter"""
    report = Report(before=filtered("ENOSYS", "process_vm_readv"))
    problems = report.expect(0) + report.works("ptrace.child")
    return problems + ptrace_by_filter("kill", "process_vm_readv")


def filter_both():
    """both perf_event_open and ptrace refused: exit 4"""
    report = Report(before=filtered("EPERM", "perf_event_open,ptrace"))
    problems = report.expect(4) + report.broken("perf.child", "seccomp", "perf_event_open")
    after = Report(before=filtered("EPERM", "ptrace"))
    return problems + after.expect(0)


# --- Limits --------------------------------------------------------------------------------------


def limited_to(limit, *before):
    return ["sh", "-c", 'ulimit %s && exec "$@"' % limit, "sh", *before]


def little_memory():
    """a limit of 0 on locked memory"""
    report = Report(before=limited_to("-l 0", *AS_NOBODY))
    problems = report.expect(0) + report.broken("perf.rings", "locked_memory", "ulimit", "mlock_kb")
    value = report.fix("perf.rings", "ulimit")[len("ulimit ") :]
    after = Report(before=limited_to(value, *AS_NOBODY))
    return problems + after.works("perf.rings")


def fallen(cause, *target):
    """What is wrong with a sampler that such a user starts then: it has to go on by ptrace."""
    folder = tempfile.mkdtemp(dir=WORK)
    os.chmod(folder, 0o777)
    words = [*limited_to("-l 0", *AS_NOBODY), PROGRAM, "--stats", folder + "/stats"]
    run = sample(*target, "-d", "0.2", program=words, stats=False, output="stdout")
    with open(folder + "/stats", encoding="utf-8") as file:
        receipt = json.load(file)["run"]
    if receipt["rung"] != "ptrace" or cause not in receipt["refused"].values():
        return run.problems + ["the receipt: %s" % receipt]
    return run.problems + ([] if "perf_event_mlock_kb" in run.stderr else [run.stderr])


def no_memory():
    """locked memory that another profiler of the same user holds"""
    environment = dict(os.environ, Sampler__MaxCpuPercent="0")
    with sleeper_of_nobody() as target:
        words = [*limited_to("-l 0", *AS_NOBODY), PROGRAM, "-p", target.pid, "-o", "/dev/null"]
        with Target(*words, ready=False, env=environment, stderr=subprocess.PIPE) as other:
            while b"sampling" not in other.process.stderr.readline():
                if other.process.poll() is not None:
                    return ["the other one does not sample"]
            report = Report(before=limited_to("-l 0", *AS_NOBODY))
            problems = report.broken("perf.child", "locked_memory", "ulimit")
            problems += fallen("locked_memory", "-p", target.pid)
        after = Report(before=limited_to("-l 0", *AS_NOBODY))
    return problems + after.works("perf.child")


def few_files():
    """a limit of 5 open files"""
    report = Report(before=limited_to("-n 5"))
    problems = report.broken("perf.child", "open_files", "ulimit")
    problems += report.broken("limit.files", "open_files", "ulimit")
    value = report.fix("limit.files", "ulimit")[len("ulimit ") :]
    after = Report(before=limited_to(value))
    return problems + after.expect(0) + after.works("perf.child")


def files_can_be_raised():
    """a soft limit on open files does not matter"""
    report = Report(before=limited_to("-S -n 5"))
    return report.expect(0) + report.works("perf.child")


# --- What is mounted -----------------------------------------------------------------------------


def mended_by_mount(script, key, cause, status, beginning="mount", after_status=0, arguments=()):
    report = Report(*arguments, before=in_mounts(script))
    problems = report.expect(status) + report.broken(key, cause, "mount")
    mended = script + "\n" + report.fix(key, beginning)
    after = Report(*arguments, before=in_mounts(mended))
    return problems + after.expect(after_status) + after.works(key)


def no_proc():
    """nothing at /proc"""
    return mended_by_mount("mount -t tmpfs none /proc", "self.proc", "no_proc", 4)


def partial_proc():
    """a /proc without the kernel's settings"""
    script = "mount -t proc -o subset=pid proc /proc"
    return mended_by_mount(script, "self.proc", "partial_proc", 0)


def no_sys():
    """nothing at /sys"""
    return mended_by_mount("mount -t tmpfs none /sys", "self.sys", "no_sys", 0)


def no_tracefs():
    """no tracefs"""
    script = "umount -l /sys/kernel/tracing 2>/dev/null || :"
    return mended_by_mount(script, "entry.tracefs", "not_mounted", 0)


def read_only():
    """a root file system that is read-only is no matter"""
    with sleeper() as target:
        report = Report("-p", target.pid, before=in_mounts("mount -o remount,bind,ro /"))
    return report.expect(0) + report.works("perf.target") + report.works("ptrace.target")


def foreign_proc():
    """the /proc of another pid namespace"""
    before = ["unshare", "-pf", *in_mounts("")]
    report = Report(before=before)
    problems = report.broken("self.proc", "foreign_proc", "mount")
    mended = in_mounts(report.fix("self.proc", "mount"))
    after = Report(before=["unshare", "-pf", *mended])
    return problems + after.expect(0) + after.works("self.proc")


def hidden():
    """a process that /proc hides"""
    program = copy_of_program()
    before = [*in_mounts("mount -t proc -o hidepid=2 proc /proc"), *AS_NOBODY]
    with sleeper() as target:
        report = Report("-p", target.pid, before=before, program=program)
        problems = report.expect(4) + report.broken("target.process", "hidden", "hidepid")
        shell(report.fix("target.process", "setcap"))
        after = Report("-p", target.pid, before=before, program=program)
    return problems + after.expect(0) + after.works("target.process")


def chroot():
    """a target in a chroot and a mount namespace of its own"""
    need_mounts()
    with sleeper("unshare", "-m", "chroot", "/") as target:
        report = Report("-p", target.pid)
    problems = report.expect(0) + report.works("target.root") + report.works("target.exe")
    if "mount: its own" not in report.checks["target.namespaces"]["found"]:
        problems.append(report.checks["target.namespaces"]["found"])
    return problems


# --- Processes that cannot be sampled ------------------------------------------------------------


def gone():
    """a process that is gone: exit 3"""
    with sleeper() as target:
        pid = target.pid
    report = Report("-p", pid)
    problems = report.expect(3) + report.broken("target.process", "no_process", "pid namespace")
    return problems + of_nobody().expect(0)


def beyond_the_namespace():
    """a process outside of our pid namespace: exit 3"""
    if subprocess.run(["nsenter", "-t", str(os.getpid()), "-m", "test", "-e", PROGRAM]).returncode != 0:
        raise Skip("nsenter leaves a chroot such as this")
    need_mounts()
    with sleeper() as target:
        report = Report("-p", target.pid, before=["unshare", "-pf", "--mount-proc"])
        problems = report.expect(3) + report.broken("target.process", "no_process", "nsenter")
        inside = report.fix("target.process", "nsenter").replace("PID", str(target.pid)).split()[:-2]
        after = Report("-p", target.pid, before=inside)
    return problems + after.expect(0)


def inner_namespace():
    """a target in a pid namespace of its own"""
    with Target("unshare", "-pf", "--kill-child", "sleep", "1000", ready=False) as outer:
        children = "/proc/%d/task/%d/children" % (outer.pid, outer.pid)
        pid = ""
        while not pid:
            with open(children) as file:
                pid = file.read().strip()
        report = Report("-p", pid)
    problems = report.expect(0) + report.works("perf.target")
    if "its own, where its pid is 1" not in report.checks["target.namespaces"]["found"]:
        problems.append(report.checks["target.namespaces"]["found"])
    return problems


def zombie():
    """a zombie: exit 3"""
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    report = Report("-p", child.pid)
    child.wait()
    return report.expect(3) + report.broken("target.process", "zombie", "runs")


def kernel_thread():
    """a kernel thread: exit 3"""
    with open("/proc/2/comm") as file:
        if file.read() != "kthreadd\n":
            raise Skip("there are no kernel threads in this pid namespace")
    report = Report("-p", 2)
    return report.expect(3) + report.broken("target.process", "kernel_thread", "process")


def thread():
    """a thread's id: exit 3, and the process's"""
    with Target(build("family")) as target:
        threads = []
        while len(threads) < 2:
            threads = [tid for tid in os.listdir("/proc/%d/task" % target.pid)]
        other = next(tid for tid in threads if int(tid) != target.pid)
        report = Report("-p", other)
        problems = report.expect(3) + report.broken("target.process", "thread", "-p")
        right = report.fix("target.process", "rtsample").split()[-2:]
        return problems + Report(*right).expect(0)


def stopped():
    """a stopped process"""
    with sleeper() as target:
        os.kill(target.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, target.pid, os.WSTOPPED | os.WNOWAIT)
        report = Report("-p", target.pid)
        problems = report.expect(0) + report.broken("target.process", "stopped", "kill -cont")
        shell(report.fix("target.process", "kill"))
        after = Report("-p", target.pid)
    return problems + after.works("target.process")


TRACER = """
import ctypes, sys, time
if ctypes.CDLL(None).ptrace(0x4206, int(sys.argv[1]), None, None) == 0:
    print("ready", flush=True)
time.sleep(1000)
"""


def traced():
    """a process that is traced already"""
    with sleeper() as target:
        with Target("/usr/bin/python3", "-c", TRACER, target.pid) as tracer:
            report = Report("-p", target.pid)
            problems = report.expect(0)
            problems += report.broken("ptrace.target", "traced", "process %d" % tracer.pid)
        after = Report("-p", target.pid)
    return problems + after.works("ptrace.target")


# --- Beside that ---------------------------------------------------------------------------------


def untouched():
    """the target is not stopped, traced or signalled"""
    with Target(build("chain-O0-fp")) as target:
        log = os.path.join(WORK, "strace")
        run = subprocess.run(
            ["strace", "-f", "-e", "trace=ptrace,kill,tkill,tgkill,process_vm_writev,bpf", "-o", log]
            + [PROGRAM, "doctor", "-p", str(target.pid)],
            stdout=subprocess.DEVNULL,
        )
    with open(log) as file:
        lines = [line for line in file if re.search(r"\(.*\b%d\b" % target.pid, line)]
    lines = [line for line in lines if "kill(%d, 0)" % target.pid not in line]
    # Under a tracer ptrace of our child is refused: exit 0 all the same.
    return lines + ([] if run.returncode == 0 else ["exit status %d" % run.returncode])


def text():
    """the table for people has the same checks"""
    report = Report(before=AS_NOBODY)
    run = subprocess.run(
        [*AS_NOBODY, PROGRAM, "doctor"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    problems = ["%s is not there" % key for key in report.checks if key not in run.stdout]
    for check in report.checks.values():
        problems += ["not there: " + fix for fix in check["fix"] if fix not in run.stdout]
    if run.returncode != report.status or run.stderr:
        problems.append("%d: %s" % (run.returncode, run.stderr))
    if any(len(line) > 96 and "fix" not in line and "or " not in line for line in run.stdout.split("\n")):
        problems.append("lines are too long")
    return problems


def usage():
    """wrong usage: exit 2"""
    problems = []
    for words in (["-p", "x"], ["-p", "0"], ["-p", "1,2"], ["more"], ["--wrong"]):
        run = subprocess.run([PROGRAM, "doctor", *words], stderr=subprocess.PIPE, text=True)
        if run.returncode != 2 or ("rtsample --help" if words == ["--wrong"] else "doctor") not in run.stderr:
            problems.append("%s: %d: %s" % (words, run.returncode, run.stderr))
    return problems


if not IS_ROOT:
    skip_all("misconfiguring takes root")
PROGRAM = copy_of_program()
run_steps(
    whole, perf_of_other_user, ptrace_of_other_user, memory_of_other_user, maps_of_other_user,
    root_of_other_user, map_files, cpus, kernel_side, uprobes, not_dumpable, not_dumpable_ptrace,
    more_capable, other_group, sys_ptrace_only, bounding_set, no_new_privileges, nosuid,
    user_namespace, filter_eperm, filter_enosys, filter_eacces, filter_kill, filter_ptrace,
    filter_ptrace_kill, filter_memory, filter_both, little_memory, no_memory, few_files,
    files_can_be_raised, no_proc, partial_proc, no_sys, no_tracefs, read_only, foreign_proc, hidden,
    chroot, gone, beyond_the_namespace, inner_namespace, zombie, kernel_thread, thread, stopped,
    traced, untouched, text, usage,
)  # fmt: skip
