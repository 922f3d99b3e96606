#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Text that a program has moved into memory of no file keeps its names where it is the same, byte for
byte; gdb and /proc/PID/maps are asked too."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")

WANTED = directives("remapped")


def start(name, how="moved"):
    return Target(build(name), how)


def address_of(pid, path, symbol):
    """Where the function is in memory, as nm and maps tell."""
    value = 0
    for line in subprocess.run(["nm", path], capture_output=True, text=True).stdout.splitlines():
        if line.split()[2:] == [symbol]:
            value = int(line.split()[0], 16)
    first = None
    with open("/proc/%d/maps" % pid, encoding="utf-8") as file:
        for line in file:
            if line.rstrip("\n").endswith(path):
                first = first or int(line.split("-")[0], 16)
    return value + (first if value < first else 0)


def mapped_at(pid, address):
    with open("/proc/%d/maps" % pid, encoding="utf-8") as file:
        for line in file:
            fields = line.rstrip("\n").split(None, 5)
            low, high = (int(word, 16) for word in fields[0].split("-"))
            if low <= address < high:
                return fields[5] if len(fields) > 5 else ""
    return "nothing"


def gdb_names(pid):
    """The functions of the stack, as gdb tells; empty where it cannot."""
    if not shutil.which("gdb"):
        return []
    command = ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex", "bt", "-p", str(pid)]
    text = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
    return re.findall(r"^#\d+\s+(?:0x\w+ in )?(\w+) \(", text, re.M)


def check(target, path, options=(), by_gdb=True):
    """A run on a moved program, and what is wrong with its names."""
    where = mapped_at(target.pid, address_of(target.pid, path, "spin"))
    run = sample_enough("-p", target.pid, "-F", 499, *options)
    problems = run.problems + check_expectations(run, WANTED)
    if where == path or where == "nothing":
        problems.append("its text was not moved: " + where)
    copied = run.stats["frames"]["copied"]
    if copied["same"] < run.kept or copied["different"]:
        problems.append("the account has %s" % copied)
    names = gdb_names(target.pid) if by_gdb else []
    if names and not (names[:3] == ["spin", "caller", "main"] or names[:2] == ["spin", "caller"]):
        problems.append("gdb says %s" % names)
    return run, problems


def moved():
    """all text moved by mremap, in every layout of segments"""
    for name in ("remapped", "remapped-no-pie", "remapped-static", "remapped-noseparate", "remapped-huge"):
        try:
            path = build(name)
        except Skip as reason:
            skip("moved: " + name, reason)
            continue
        with start(name) as target:
            ok("moved: " + name, check(target, path, by_gdb=name == "remapped")[1])


def mapped():
    """anonymous memory mapped over two functions, as Node and PHP do"""
    with start("remapped", "mapped") as target:
        return check(target, build("remapped"))[1]


def shared():
    """a file of memory in their place"""
    with start("remapped", "shared") as target:
        return check(target, build("remapped"))[1]


def later():
    """what is moved while it is sampled is named before and after"""
    path = build("remapped")
    with start("remapped", "later") as target:
        run = Sampling("-p", target.pid, "-F", 499, "-d", 3)
        time.sleep(1)
        os.kill(target.pid, signal.SIGUSR1)
        run = run.finish()
        where = mapped_at(target.pid, address_of(target.pid, path, "spin"))
    problems = run.problems + check_expectations(run, WANTED)
    if where == path:
        problems.append("it was not moved")
    if run.kept > 100 and not 0 < run.stats["frames"]["copied"]["same"] < 2 * run.kept:
        problems.append("the account has %s" % run.stats["frames"]["copied"])
    return problems


def unlike(how):
    """The page of spin is not as the file has it, and the others are."""
    with start("remapped", how) as target:
        run = sample_enough("-p", target.pid, "-F", 499)
    problems = list(run.problems)
    for name in ("spin", "impostor"):
        if run.find(name):
            problems.append("%s is named" % name)
    frames = run.stats["frames"]
    if frames["copied"]["different"] < NEARLY_ALL * run.kept or frames["unnamed"]["anonymous"] < frames["copied"]["different"]:
        problems.append("the account has %s" % frames)
    if run.share("main") < NEARLY_ALL or run.share("caller") < NEARLY_ALL:
        problems.append("its callers are not seen: " + run.summary())
    return problems


def altered():
    """a page with one other byte is not named, and the pages around it are"""
    return unlike("altered")


def other():
    """nor is one that holds another function"""
    return unlike("other")


def child():
    """a child has what its parent has moved"""
    path = build("remapped")
    with start("remapped", "child") as target:
        with open("/proc/%d/task/%d/children" % (target.pid, target.pid), encoding="ascii") as file:
            pid = int(file.read().split()[0])
        run = sample_enough("-p", pid, "-F", 499)
        problems = run.problems + check_expectations(run, {"EXPECT": ["spin < caller < main"]})
        if mapped_at(pid, address_of(pid, path, "spin")) == path:
            problems.append("its text was not moved")
    return problems


def replayed():
    """a replay says the same, and perf script has the names in the trace"""
    path, trace = build("remapped"), os.path.join(WORK, "moved.data")
    with start("remapped") as target:
        run, problems = check(target, path, ("--record", trace), by_gdb=False)
    problems += replay_differs(run, trace)
    if shutil.which("perf"):
        text = subprocess.run(["perf", "script", "-i", trace, "-F", "ip,sym"], capture_output=True, text=True)
        names = re.findall(r"^\s*[0-9a-f]+ (\S+)", text.stdout, re.M)
        if text.returncode == 0 and (names.count("spin") < NEARLY_ALL * run.kept or names.count("caller") == 0):
            problems.append("perf script says %s: %s" % (sorted(set(names)), text.stderr[-500:]))
    with start("remapped", "altered") as target:
        run = sample_enough("-p", target.pid, "-F", 499, "--record", trace)
    return problems + run.problems + replay_differs(run, trace)


def generated():
    """code of a JIT compiler is no copy of anything"""
    with Target(build("jit")) as target:
        run = sample_enough("-p", target.pid, "-F", 499)
    frames = run.stats["frames"]
    problems = list(run.problems)
    if frames["copied"] != {"same": 0, "different": 0} or frames["unnamed"]["anonymous"] == 0:
        problems.append("the account has %s" % frames)
    return problems


def by_ptrace():
    """the same by ptrace"""
    with start("remapped") as target:
        return check(target, build("remapped"), ("--method", "ptrace"), by_gdb=False)[1]


def start_php():
    """A PHP that has moved some of its text: where it is loaded, which is random, some has to fill a huge
    page."""
    path = system_program("php")
    options = ["opcache.enable_cli=1", "opcache.huge_code_pages=1", "opcache.jit=off"]
    code = 'echo "ready\\n"; for(;;){ $a=range(1,10000); shuffle($a); sort($a); $s=md5(serialize($a)); }'
    arguments = [word for option in options for word in ("-d", option)]
    for _ in range(10):
        target = Target(path, *arguments, "-r", code)
        with open("/proc/%d/maps" % target.pid, encoding="utf-8") as file:
            if re.search(r"^\S+ r.xp 00000000 00:00 0 *$", file.read(), re.M):
                return target
        target.stop()
    raise Skip("this PHP moves nothing: it has no opcache, or no huge pages")


def php():
    """PHP with opcache.huge_code_pages: functions that gdb names are named"""
    with start_php() as target:
        run = sample_enough("-p", target.pid, "-F", 499)
        seen = gdb_names(target.pid)
    frames = run.stats["frames"]
    wanted = {"execute_ex", "zend_execute"} & set(seen) if seen else {"execute_ex"}
    problems = run.problems + ["gdb alone has " + name for name in wanted if run.share(name) < 0.9]
    if frames["copied"]["same"] < run.kept or frames["unnamed"]["anonymous"] > 0.05 * frames["total"]:
        problems.append("the account has %s" % frames)
    return problems


require_sampling()
run_steps(moved, mapped, shared, later, altered, other, child, replayed, generated, by_ptrace, php)
