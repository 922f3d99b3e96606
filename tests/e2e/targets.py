#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What can be sampled, and how a run begins and ends."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa


def as_nobody(*arguments):
    """Arguments for Sampling that run a copy of rtsample as another user."""
    copy = os.path.join(WORK, "rtsample")
    if not os.path.exists(copy):
        shutil.copy(RTSAMPLE, copy)
        os.chmod(copy, 0o755)
    folder = os.path.join(WORK, "of-nobody")
    os.makedirs(folder, exist_ok=True)
    os.chown(folder, 65534, 65534)
    return arguments + (
        "--stats",
        os.path.join(folder, "stats"),
        "-o",
        os.path.join(folder, "facts"),
    ), {"program": [copy], "stats": False, "output": "stdout", "user": 65534, "group": 65534}


def results_of_nobody(target):
    """The facts and the account of such a run, and what is wrong with them."""
    folder = os.path.join(WORK, "of-nobody")
    with open(os.path.join(folder, "facts"), "rb") as file:
        facts, problems = check_lines(file.read(), private=[target.pid])
    with open(os.path.join(folder, "stats"), "rb") as file:
        stats = json.load(file)
    return facts, stats, problems + check_account(stats, facts)


# --- -p ------------------------------------------------------------------------------------------


def family():
    """threads and children, those of later too"""
    with Target(build("family")) as target:
        run = sample_enough(
            "-p", target.pid, "-F", 199, seconds=(1.5, 4, 8), minimum=150, private=[target.pid]
        )
    problems = run.problems + check_expectations(run, {"SEEN": directives("family")["SEEN"]})
    if run.stats and run.stats["samples"]["processes"] != 3:
        problems.append("%d processes, not 3" % run.stats["samples"]["processes"])
    ok(family.__doc__, problems + ([run.summary()] if problems else []))


def several():
    """several processes, each told from the others"""
    names = ("chain-O0-fp", "chain-O2-nofp", "chain-no-pie")
    targets = [Target(build(name)) for name in names]
    run = sample_enough("-p", ",".join(str(target.pid) for target in targets), minimum=150)
    for target in targets:
        target.stop()
    problems = run.problems + check_expectations(run, directives("chain-O0-fp"))
    if len({fact["buildId"] for fact in run.find("spin")}) != 3:
        problems.append("spin was seen in %s" % {fact["buildId"] for fact in run.find("spin")})
    if run.stats and run.stats["samples"]["processes"] != 3:
        problems.append("%d processes, not 3" % run.stats["samples"]["processes"])
    ok(several.__doc__, problems)


def same_program_twice():
    """two processes of one program: a line for each"""
    targets = [Target(build("chain-O2-nofp")) for _ in range(2)]
    run = sample_enough("-p", "%d,%d" % (targets[0].pid, targets[1].pid), minimum=100)
    for target in targets:
        target.stop()
    problems = run.problems + check_expectations(run, directives("chain-O2-nofp"))
    first = [fact for fact in run.find("spin")][:2]
    if len(first) != 2 or first[0]["symbolId"] != first[1]["symbolId"]:
        problems.append("spin: %s" % first)
    ok(same_program_twice.__doc__, problems)


def second_life():
    """a target that executes another program"""
    for seconds in (3, 8, 20):  # on a busy machine the first life lasts longer
        with Target(build("two-lives")) as target:
            run = sample("-p", target.pid, "-F", 299, "-d", seconds)
        if run.problems or (run.find("first_life") and run.find("second_life")):
            break
    problems = run.problems + check_expectations(run, directives("two-lives"))
    ok(second_life.__doc__, problems + ([run.summary()] if problems else []))


def unreadable_life():
    """a target that executes a file that may not be read, or is set-uid: said, or sampled anew"""
    first = copy_of("two-lives")
    second = shutil.copy(build("two-lives") + "-second", first + "-second")
    os.chmod(second, 0o111)
    nobody = {"user": 65534, "group": 65534} if IS_ROOT else {}
    with Target(first, **nobody) as target:
        arguments, options = as_nobody("-p", target.pid) if IS_ROOT else (("-p", target.pid), {})
        sampling = Sampling(*arguments, "-F", 299, **options)
        if not until(lambda: "not readable to it" in sampling.said(), STUCK_SECONDS):
            return ["it is not said: " + sampling.said()]
        sampling.signal(signal.SIGTERM)
        run = sampling.finish()
    problems = run.problems
    if IS_ROOT:
        run.facts, run.stats, found = results_of_nobody(target)
        problems += found
    if not run.find("first_life") or run.find("second_life"):
        problems.append(run.summary())
    if run.stats["samples"]["unwatched"] != 1:
        problems.append("the account: %s" % run.stats["samples"])
    if not IS_ROOT:
        return problems
    os.chmod(second, 0o4755)
    for seconds in (3, 8, 20):
        with Target(first, **nobody) as target:
            run = sample("-p", target.pid, "-F", 299, "-d", seconds)
        if run.problems or (run.find("first_life") and run.find("second_life")):
            break
    problems += run.problems + check_expectations(run, directives("two-lives"))
    if "sampling it again" not in run.stderr or run.stats["samples"]["unwatched"]:
        problems.append(run.summary())
    return problems


def unreadable_command():
    """a command that may not be read, of which nothing is sampled: exit status 4, and what to grant"""
    command = copy_of("short-run")
    os.chmod(command, 0o111)
    program, options = RTSAMPLE, {}
    if IS_ROOT:
        program, options = as_nobody()[1]["program"][0], {"user": 65534, "group": 65534}
    argv = [program, "-o", os.devnull, "--", command, "100"]
    done = subprocess.run(argv, capture_output=True, text=True, **options)
    problems = [] if done.returncode == 4 else ["the exit status is %d" % done.returncode]
    if "nothing was sampled, since the kernel did not permit it: grant " not in done.stderr:
        problems.append("it is not said")
    return problems + ([done.stderr] if problems else [])


def ends_by_itself():
    """the run ends when the target does"""
    with Target(build("short-run"), 1000) as target:
        run = sample("-p", target.pid, "-F", 299)
    problems = run.problems + check_expectations(run, directives("short-run"))
    ok(ends_by_itself.__doc__, problems)


def last_of_several_ends():
    """the run ends when the last of several targets does"""
    targets = [Target(build("short-run"), length) for length in (200, 700)]
    run = sample("-p", ",".join(str(target.pid) for target in targets), "-F", 299)
    status = [target.process.poll() for target in targets]
    for target in targets:
        target.stop()
    problems = run.problems + check_expectations(run, directives("short-run"))
    if run.stats and run.stats["samples"]["processes"] != 2:
        problems.append("%d processes, not 2" % run.stats["samples"]["processes"])
    if status != [0, 0]:
        problems.append("the run was over before its targets: %s" % status)
    ok(last_of_several_ends.__doc__, problems)


# Runs its arguments in turn, each for a fifth of a second and under the same process id.
REUSE = """
import os, signal, sys, time
print("ready", flush=True)
time.sleep(0.5)
reused = None
for path in sys.argv[1:] * 3:
    for _ in range(200):
        if reused:
            with open("/proc/sys/kernel/ns_last_pid", "w") as file:
                file.write(str(reused - 1))
        pid = os.fork()
        if pid == 0:
            if reused and os.getpid() != reused:
                os._exit(0)
            os.execl(path, path)
        reused = reused or pid
        if pid == reused:
            break
        os.waitpid(pid, 0)
    time.sleep(0.2)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
"""


def reused():
    """a process id that is used again, by another program each time"""
    if not IS_ROOT or not os.path.exists("/proc/sys/kernel/ns_last_pid"):
        raise Skip("needs root and a kernel that lets a process id be chosen")
    names = ("chain-O2-nofp", "recursion-O0")
    with Target(sys.executable, "-c", REUSE, *map(build, names)) as target:
        run = sample("-p", target.pid, "-F", 499, "--emit", "process")
    ids = {}
    for fact in run.find("spin"):
        ids.setdefault(fact["processId"], set()).add(fact["buildId"])
    if not ids or max(map(len, ids.values())) < 2:
        raise Skip("no process id came twice: %s" % ids)
    problems = list(run.problems)
    for function in ("inner", "large"):
        if not run.find(function):
            problems.append("%s is not seen" % function)
    in_both = run.hits("spin")
    if run.hits("inner") + run.hits("large") < NEARLY_ALL * in_both:
        problems.append("stacks of one program were taken for those of the other")
    if run.stats and run.stats["samples"]["processes"] < 6:
        problems.append("%d processes" % run.stats["samples"]["processes"])
    ok(reused.__doc__, problems + ([run.summary()] if problems else []))


def gone():
    """a process that is gone: exit 3"""
    with Target(build("short-run")) as target:
        pid = target.pid
    run = sample("-p", pid, "-d", 1, expect=3)
    problems = run.problems
    if str(pid) not in run.stderr:
        problems.append("the message does not say which: " + run.stderr)
    if run.output:
        problems.append("lines: %r" % run.output)
    ok(gone.__doc__, problems)


def not_permitted():
    """a process of another user: exit 4, and what to grant"""
    if IS_ROOT:
        with Target(build("chain-O2-nofp")) as target:
            arguments, options = as_nobody("-p", target.pid, "-d", 1)
            run = sample(*arguments, expect=4, **options)
    else:
        run = sample("-p", 1, "-d", 1, expect=4)
    problems = run.problems
    if not re.search(r"CAP_PERFMON|perf_event_paranoid", run.stderr):
        problems.append("no advice: " + run.stderr)
    if len(run.stderr.strip().splitlines()) > 4:
        problems.append("more than a message: " + run.stderr)
    ok(not_permitted.__doc__, problems)


def all_not_permitted():
    """-a without permission: exit 4 and what to grant, or own processes alone if there are any"""
    with open("/proc/sys/kernel/perf_event_paranoid", encoding="ascii") as file:
        if int(file.read()) <= 0:
            raise Skip("perf_event_paranoid lets everybody sample everything")
    own = Target(build("chain-O2-nofp"))
    arguments, options = as_nobody("-a", "-d", 1) if IS_ROOT else (("-a", "-d", 1), {})
    with own:
        run = sample(*arguments, expect=None, **options)
    problems = run.problems
    if run.status == 0 and not IS_ROOT:
        if run.stats["run"]["rung"] == "perf_cpus":
            raise Skip("this user may sample everything")
        if run.stats["run"]["rung"] != "own_processes" or not run.find("spin"):
            problems.append(run.summary())
    elif run.status not in (0, 4):
        problems.append("exit status is %s: %s" % (run.status, run.stderr))
    if not re.search(r"CAP_PERFMON|perf_event_paranoid", run.stderr):
        problems.append("no advice: " + run.stderr)
    ok(all_not_permitted.__doc__, problems)


def own_processes_of_nobody():
    """an ordinary user's own process: its user side, and that is said"""
    if not IS_ROOT:
        raise Skip("all the other steps are just that")
    program = build("chain-O2-nofp")
    with Target(program, user=65534, group=65534) as target:
        arguments, options = as_nobody("-p", target.pid, "-d", 1, "-F", 299)
        run = sample(*arguments, expect=None, **options)
    if run.status == 4:
        raise Skip(run.stderr)
    run.facts, run.stats, problems = results_of_nobody(target)
    problems += run.problems + check_expectations(run, directives("chain-O2-nofp"))
    if not re.search(r"user", run.stderr):
        problems.append("stderr does not say that the kernel side is missing: " + run.stderr)
    ok(own_processes_of_nobody.__doc__, problems)


def itself():
    """its own process: refused"""
    run = sample(
        program=["/bin/sh", "-c", 'exec "$0" -p $$ "$@"', RTSAMPLE], expect=None
    )
    problems = run.problems
    if run.status != 2 or run.output:
        problems.append("exit status %s: %s" % (run.status, run.stderr))
    ok(itself.__doc__, problems)


def a_thread():
    """the id of a thread that is not the first: refused, with the process named"""
    with Target(build("threads")) as target:
        others = [int(t) for t in os.listdir("/proc/%d/task" % target.pid) if int(t) != target.pid]
        run = sample("-p", others[0], "-d", 1, expect=3)
    problems = run.problems
    if "process %d" % target.pid not in run.stderr:
        problems.append(run.stderr)
    ok(a_thread.__doc__, problems)


# --- -- COMMAND ----------------------------------------------------------------------------------


def command():
    """a command: sampled from its exec on, its output untouched, its status reported"""
    run = sample("-F", 499, "--", build("short-run"), 1000, 7)
    problems = run.problems + check_expectations(run, {"EXPECT": ["short_run < main"]})
    if run.stdout != b"ready\n":
        problems.append("stdout holds %r" % run.stdout)
    if run.stats and run.stats["run"]["command_status"] != 7:
        problems.append("command_status is %s" % run.stats["run"]["command_status"])
    if run.share("_start") < 0.9:
        problems.append("not sampled from its exec on: " + run.summary())
    strangers = [name for name in run.names() if name.startswith("rts_")]
    if strangers:
        problems.append("functions of rtsample itself: %s" % strangers)
    ok(command.__doc__, problems)


def command_killed():
    """a command that dies of a signal"""
    run = sample("-F", 499, "--", "/bin/sh", "-c", "kill -9 $$")
    problems = run.problems
    if run.stats and run.stats["run"]["command_status"] != 137:
        problems.append("command_status is %s" % run.stats["run"]["command_status"])
    ok(command_killed.__doc__, problems)


def command_found_in_path():
    """a command that is looked up in PATH, with options of its own"""
    run = sample("--", "sh", "-c", "exit 3", "-d")
    problems = run.problems
    if run.stats and run.stats["run"]["command_status"] != 3:
        problems.append("command_status is %s" % run.stats["run"]["command_status"])
    ok(command_found_in_path.__doc__, problems)


def command_not_found():
    """a command that is not there, one that may not be executed: a message, no account of a run"""
    problems = []
    for path in ("/nonexistent/program", "no-such-program-anywhere", PROGRAMS + "/program.h"):
        run = sample("--", path, expect=None)
        problems += run.problems
        if run.status not in (1, 2, 3, 4) or run.output:
            problems.append("%s: exit status %s" % (path, run.status))
        if os.path.basename(path) not in run.stderr:
            problems.append("%s: the message is %r" % (path, run.stderr))
    ok(command_not_found.__doc__, problems)


def command_outlives_duration():
    """-d ends the run of a command that goes on, and the command"""
    run = sample("-d", 1, "-F", 299, "--", build("chain-O2-nofp"))
    problems = run.problems + check_expectations(run, {"EXPECT": ["spin < inner < main"]})
    if "signal 15" not in run.stderr:
        problems.append("the command was not asked to end: " + run.stderr)
    ok(command_outlives_duration.__doc__, problems)


# --- -a ------------------------------------------------------------------------------------------


def everything():
    """-a: all processes but itself"""
    with Target(build("chain-O2-nofp")) as target:
        sampling = Sampling("-a", "-d", 1.5, "-F", 199, "--emit", "process")
        pid = sampling.pid
        run = sampling.finish(expect=None)
    if run.status == 4:
        raise Skip(run.stderr)
    problems = run.problems
    if run.status != 0:
        problems.append("exit status is %s: %s" % (run.status, run.stderr))
    of_target = [fact for fact in run.find("spin") if fact["processId"] == target.pid]
    if not of_target:
        problems.append("the target is not seen: " + run.summary())
    if {fact["processName"] for fact in of_target} - {"chain-O2-nofp"[:15]}:
        problems.append("the target is called %s" % of_target[0]["processName"])
    if [fact for fact in run.facts if fact["processId"] == pid]:
        problems.append("it sampled itself")
    ok(everything.__doc__, problems)


# --- Ends, and options ---------------------------------------------------------------------------


def stopped_by(number):
    """Stops a run with a signal once it has begun to write, and checks that nothing is missing."""
    with Target(build("chain-O2-nofp")) as target:
        sampling = Sampling("-p", target.pid, "-F", 499, private=[target.pid])
        for _ in range(STUCK_SECONDS * 10):
            if os.path.exists(sampling.output_path) and os.path.getsize(sampling.output_path):
                break
            time.sleep(0.1)
        sampling.signal(number)
        run = sampling.finish()
    return run.problems + check_expectations(run, directives("chain-O2-nofp"))


def interrupted():
    """SIGINT and SIGTERM end a run properly"""
    ok("SIGINT ends a run properly", stopped_by(signal.SIGINT))
    ok("SIGTERM ends a run properly", stopped_by(signal.SIGTERM))


def interrupted_at_once():
    """a signal before there is anything to tell"""
    with Target(build("chain-O2-nofp")) as target:
        sampling = Sampling("-p", target.pid, stats=False)
        sampling.signal(signal.SIGTERM)
        run = sampling.finish()
    ok(interrupted_at_once.__doc__, run.problems)


def process_opted_in():
    """--emit process: names and ids, as the kernel has them"""
    with Target(build("chain-O2-nofp")) as target:
        run = sample_enough("-p", target.pid, "--emit", "process", "-F", 299)
    problems = run.problems + check_expectations(run, directives("chain-O2-nofp"))
    who = {(fact["processId"], fact["processName"]) for fact in run.facts}
    if who != {(target.pid, "chain-O2-nofp"[:15])}:
        problems.append("they are %s" % who)
    ok(process_opted_in.__doc__, problems)


def on_stdout():
    """without -o the lines are on stdout, and nothing else is"""
    with Target(build("chain-O2-nofp")) as target:
        run = sample_enough("-p", target.pid, "-F", 299, output="stdout", private=[target.pid])
    ok(on_stdout.__doc__, run.problems + check_expectations(run, directives("chain-O2-nofp")))


def call_graph_fp():
    """--call-graph fp: chains of the kernel's making"""
    with Target(build("chain-O2-fp")) as target:
        run = sample_enough("-p", target.pid, "-F", 299, "--call-graph", "fp")
    problems = run.problems + [
        "%s is on %.1f %% of the stacks" % (name, 100 * run.share(name))
        for name in ("spin", "inner", "middle", "outer", "main")
        if run.share(name) < NEARLY_ALL
    ]
    ok(call_graph_fp.__doc__, problems + ([run.summary()] if problems else []))


def call_graph_none():
    """--call-graph none: the leaf alone"""
    with Target(build("chain-O2-nofp")) as target:
        run = sample_enough("-p", target.pid, "-F", 299, "--call-graph", "none")
    wanted = {"EXPECT": ["spin"], "ABSENT": ["inner main _start"], "STOP": ["not_taken"]}
    ok(call_graph_none.__doc__, run.problems + check_expectations(run, wanted))


def call_graph_small():
    """--call-graph dwarf,BYTES: a copy that is too small is called that"""
    with Target(build("recursion-O0")) as target:
        environment = {**os.environ, "Sampler__NearReader": "off"}
        run = sample_enough("-p", target.pid, "-F", 299, "--call-graph", "dwarf,4096", env=environment)
    wanted = {"EXPECT": ["spin < small < odd"], "ABSENT": ["main"], "STOP": ["stack_short"]}
    problems = run.problems + check_expectations(run, wanted)
    ok(call_graph_small.__doc__, problems + ([run.summary()] if problems else []))


def rate_is_kept():
    """-F is a rate: more of it, more samples of the same processor time"""
    counts = []
    problems = []
    for rate in (50, 400):
        run = sample("-F", rate, "--", build("short-run"), 1000)
        problems += run.problems
        counts.append(run.stats["samples"]["taken"] if run.stats else 0)
    # 1 s of processor time, and a little for starting, are 50 and 400 samples.
    if not (40 <= counts[0] <= 75 and 320 <= counts[1] <= 600):
        problems.append("%s samples" % counts)
    ok(rate_is_kept.__doc__, problems)


require_sampling()
run_steps(
    family,
    several,
    same_program_twice,
    second_life,
    unreadable_life,
    unreadable_command,
    ends_by_itself,
    last_of_several_ends,
    reused,
    gone,
    not_permitted,
    all_not_permitted,
    own_processes_of_nobody,
    itself,
    a_thread,
    command,
    command_killed,
    command_found_in_path,
    command_not_found,
    command_outlives_duration,
    everything,
    interrupted,
    interrupted_at_once,
    process_opted_in,
    on_stdout,
    call_graph_fp,
    call_graph_none,
    call_graph_small,
    rate_is_kept,
)
