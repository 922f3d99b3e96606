#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What may be wrong with the arguments, the target and the place where the output goes: a clear
message, the right exit status, and nothing lost that was counted."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

PROGRAM = "chain-O2-nofp"


def complaint(run, status):
    """What is wrong with a run that had to end with this status and a message for people."""
    problems = list(run.problems)
    wanted = status if isinstance(status, tuple) else (status,)
    if run.status not in wanted:
        problems.append("exit status is %s, not %s" % (run.status, status))
    if not run.stderr.strip():
        problems.append("no message")
    return problems


# --- Arguments -----------------------------------------------------------------------------------


def bad_options():
    """wrong arguments: exit 2, a message, nothing on stdout"""
    pid = str(os.getpid())
    wrong = [
        [],
        ["-d", "1"],
        ["--no-such-option"],
        ["-p"],
        ["-p", ""],
        ["-p", "abc"],
        ["-p", "0"],
        ["-p", "-1"],
        ["-p", "1,"],
        ["-p", ",1"],
        ["-p", "1,,2"],
        ["-p", "12x"],
        ["-p", "99999999999999999999"],
        ["-p", pid, "-F", "abc"],
        ["-p", pid, "-F", "0"],
        ["-p", pid, "-F", "-5"],
        ["-p", pid, "-F", "99999999999"],
        ["-p", pid, "-d", "abc"],
        ["-p", pid, "-d", "-1"],
        ["-p", pid, "-d", "1e400"],
        ["-p", pid, "-d", "nan"],
        ["-p", pid, "--call-graph", "lbr"],
        ["-p", pid, "--call-graph", "dwarf,abc"],
        ["-p", pid, "--call-graph", "dwarf,"],
        ["-p", pid, "--call-graph", "dwarf,99999999"],
        ["-p", pid, "--call-graph", "fp,8192"],
        ["-p", pid, "--emit", "everything"],
        ["-p", pid, "-a"],
        ["-p", pid, "--", "true"],
        ["-a", "--", "true"],
        ["--"],
        ["-p", pid, "surplus"],
    ]
    problems = []
    for arguments in wrong:
        run = sample(*arguments, stats=False, output="stdout", expect=None)
        for problem in complaint(run, 2):
            problems.append("%s: %s; stderr: %s" % (arguments, problem, run.stderr[-300:]))
        if run.stdout:
            problems.append("%s: stdout holds %r" % (arguments, run.stdout[:200]))
    ok(bad_options.__doc__, problems)


def help_is_no_error():
    """--help and --version: on stdout, exit 0; and when stdout cannot take it, exit 1"""
    problems = []
    for option in ("--help", "--version"):
        run = sample(option, stats=False, output="stdout", expect=None)
        if run.status != 0 or b"rtsample" not in run.stdout or run.stderr:
            problems.append("%s: %s %r %r" % (option, run.status, run.stdout[:99], run.stderr))
        with open("/dev/full", "wb") as full:
            run = sample(option, stats=False, output="stdout", expect=None, stdout=full)
        if run.status != 1:
            problems.append("%s >/dev/full: exit status %s" % (option, run.status))
    ok(help_is_no_error.__doc__, problems)


# --- Targets -------------------------------------------------------------------------------------


def no_such_process():
    """no such process: exit 3, whichever of the list it is"""
    with open("/proc/sys/kernel/pid_max", encoding="ascii") as file:
        beyond = int(file.read())
    with Target(build(PROGRAM)) as target:
        for pids in ("%d" % beyond, "%d,%d" % (target.pid, beyond)):
            run = sample("-p", pids, "-d", 1, expect=None)
            problems = complaint(run, 3)
            if str(beyond) not in run.stderr:
                problems.append("the message does not say which: " + run.stderr)
            which = pids.replace(str(target.pid), "PID")
            ok("%s (-p %s)" % (no_such_process.__doc__, which), problems)


def zombie():
    """a process that has ended and waits to be reaped: nothing to wait for"""
    process = subprocess.Popen(["true"])
    while True:
        with open("/proc/%d/stat" % process.pid, encoding="ascii") as file:
            if file.read().rpartition(")")[2].split()[0] == "Z":
                break
        time.sleep(0.01)
    run = sample("-p", process.pid, expect=None)
    process.wait()
    ok(zombie.__doc__, complaint(run, (0, 3)))


def kernel_thread():
    """processes without a user side and with an empty map: kernel threads are refused at once, and nothing is
    written"""
    if not IS_ROOT:
        raise Skip("needs root")
    threads = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit():
                with open("/proc/%s/stat" % name, encoding="utf-8") as file:
                    fields = file.read().rpartition(")")[2].split()
                if int(fields[6]) & 0x00200000:  # PF_KTHREAD
                    threads.append(name)
        except OSError:
            pass
    if not threads:
        raise Skip("no kernel thread is visible here")
    output = os.path.join(WORK, "threads.ndjson")
    result = subprocess.run([RTSAMPLE, "-p", ",".join(sorted(threads, key=int)[:20]), "-o", output],
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=STUCK_SECONDS)  # fmt: skip
    problems = [] if result.returncode == 3 and "kernel thread" in result.stderr else [
        "%d: %s" % (result.returncode, result.stderr)]  # fmt: skip
    if os.path.exists(output):
        problems.append("the output was opened")
    return problems


def asleep():
    """a process that does nothing: no samples, no lines, no error"""
    with Target("sleep", "60", ready=False) as target:
        time.sleep(0.2)
        run = sample("-p", target.pid, "-d", 1, "-F", 499)
    problems = run.problems
    if run.kept > 5:
        problems.append(run.summary())
    ok(asleep.__doc__, problems)


def unreadable_program():
    """a process whose program its user may execute but not read: exit 4, and why"""
    if not IS_ROOT:
        raise Skip("needs root, to make one and to be another user")
    path = shutil.copy(build(PROGRAM), os.path.join(WORK, "not-readable"))
    os.chmod(path, 0o711)
    copy = shutil.copy(RTSAMPLE, os.path.join(WORK, "rtsample"))
    os.chmod(copy, 0o755)
    with Target(path, user=65534, group=65534) as target:
        run = sample(
            *("-p", target.pid, "-d", 1),
            program=[copy],
            user=65534,
            group=65534,
            stats=False,
            output="stdout",
            expect=None
        )
    ok(unreadable_program.__doc__, complaint(run, 4))


# --- Output --------------------------------------------------------------------------------------


def cannot_be_written():
    """an output or account that cannot be opened: exit 1 before anything is sampled"""
    problems = []
    with Target(build(PROGRAM)) as target:
        for option in ("-o", "--stats"):
            for path in (WORK + "/no/such/folder", WORK):
                run = sample(
                    *("-p", target.pid, "-d", 1, "-F", 499, option, path),
                    stats=False,
                    output="stdout",
                    expect=None
                )
                problems += ["%s: %s" % (option, text) for text in complaint(run, (1, 2))]
                if path not in run.stderr:
                    problems.append("%s: the message is %r" % (option, run.stderr))
                if run.stdout:
                    problems.append("%s: it sampled first" % option)
    # The command waits to be let go meanwhile, and nothing else may wait for it.
    run = sample("-d", 1, "-o", WORK + "/no/such/folder", "--", "true", stats=False, output="stdout", expect=None)
    problems += ["with a command: %s" % text for text in complaint(run, (1, 2))]
    ok(cannot_be_written.__doc__, problems)


def lost(run):
    """What is wrong with the account of a run whose output could take nothing."""
    problems = complaint(run, 1)
    if not run.stats:
        return problems + ["there is no account"]
    events = run.stats["events"]
    if not events["unwritten"] or events["unwritten"] != events["emitted"] - len(run.facts):
        problems.append("%s, but %d lines arrived" % (events, len(run.facts)))
    return problems


def stdout_closed():
    """stdout closed from the start: exit 1"""
    with Target(build(PROGRAM)) as target:
        run = sample(
            *("-p", target.pid, "-d", 1, "-F", 499),
            program=["/bin/sh", "-c", 'exec "$0" "$@" >&-', RTSAMPLE],
            output="stdout",
            expect=None
        )
    problems = complaint(run, 1)
    if "stdout" not in run.stderr or "temporarily" in run.stderr:
        problems.append("the message is " + run.stderr)
    ok(stdout_closed.__doc__, problems)


def pipe_closed():
    """stdout a pipe that nobody reads any more: the run ends, exit 1"""
    reader, writer = os.pipe()
    os.close(reader)
    with Target(build(PROGRAM)) as target:
        # Without -d: the closed pipe has to end it.
        run = sample(
            *("-p", target.pid, "-F", 499), output="stdout", stdout=writer, expect=None
        )
    os.close(writer)
    ok(pipe_closed.__doc__, lost(run))


def full_device():
    """/dev/full, as stdout and as a file: exit 1"""
    with Target(build(PROGRAM)) as target:
        with open("/dev/full", "wb") as full:
            run = sample(
                *("-p", target.pid, "-d", 1, "-F", 499), output="stdout", stdout=full, expect=None
            )
        ok("stdout is /dev/full: exit 1", lost(run))
        run = sample("-p", target.pid, "-d", 1, "-F", 499, output="/dev/full", expect=None)
        ok("-o /dev/full: exit 1", lost(run))
        run = sample(
            *("-p", target.pid, "-d", 1, "--stats", "/dev/full"), stats=False, expect=None
        )
        ok("--stats /dev/full: exit 1", complaint(run, 1))


def small_disk():
    """A folder with 64 KiB of room."""
    if not IS_ROOT:
        raise Skip("needs root, to mount a small file system")
    folder = tempfile.mkdtemp(dir=WORK)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder]
    result = subprocess.run(mount, stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        raise Skip("mounting is not permitted here: " + result.stderr)
    at_end(subprocess.run, ["umount", "-l", folder])
    filler = os.open(os.path.join(folder, "filler"), os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(filler, bytes(4096)):
            pass
    except OSError:
        pass
    os.close(filler)
    return folder


def disk_full():
    """a full disk: exit 1, only whole lines in the file, and the account says what is missing"""
    folder = small_disk()
    with Target(build(PROGRAM)) as target:
        path = os.path.join(folder, "facts")
        run = sample("-p", target.pid, "-d", 3, "-F", 499, output=path, expect=None)
    ok(disk_full.__doc__, lost(run))


def disk_full_for_a_while():
    """a disk that has room again before the end: nothing is missing"""
    folder = small_disk()
    with Target(build(PROGRAM)) as target:
        path = os.path.join(folder, "facts")
        sampling = Sampling("-p", target.pid, "-F", 499, output=path)
        # A flush comes every two seconds: one finds the disk full, later ones do not.
        time.sleep(3)
        os.unlink(os.path.join(folder, "filler"))
        time.sleep(1)
        sampling.signal(signal.SIGINT)
        run = sampling.finish()
    problems = run.problems + check_expectations(run, directives(PROGRAM))
    if run.stats and (run.stats["events"]["unwritten"] or run.stats["events"]["batches"] < 2):
        problems.append("%s" % run.stats["events"])
    ok(disk_full_for_a_while.__doc__, problems)


require_sampling()
run_steps(
    bad_options,
    help_is_no_error,
    no_such_process,
    zombie,
    kernel_thread,
    asleep,
    unreadable_program,
    cannot_be_written,
    stdout_closed,
    pipe_closed,
    full_device,
    disk_full,
    disk_full_for_a_while,
)
