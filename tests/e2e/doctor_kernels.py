#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rtsample doctor where settings of the whole machine are wrong, in an emulated one: what it finds,
the fix that it names, and what it finds after that. All kernels with RTSAMPLE_LONG, else the newest.
"""
import sys

sys.dont_write_bytecode = True
from kernel_lib import *  # noqa

skip_in("user", "sanitizers")

# The steps in order: a name, what is broken, and then as whom and of what doctor is asked.
NOBODY = "/bin/setpriv --reuid=65534 --regid=65534 --clear-groups"
STEPS = [
    ("fine", "", "", ""),
    ("paranoid-3", "put kernel/perf_event_paranoid 3", NOBODY, ""),
    ("paranoid-2", "busybox sysctl -w kernel.perf_event_paranoid=2", NOBODY, ""),
    ("paranoid-0", "busybox sysctl -w kernel.perf_event_paranoid=0", NOBODY, ""),
    ("mlock-0", "put kernel/perf_event_mlock_kb 0; ulimit -l 0", NOBODY, ""),
    ("mlock-4096", "busybox sysctl -w kernel.perf_event_mlock_kb=4096", NOBODY, ""),
    ("rate-50", "put kernel/perf_event_max_sample_rate 50", "", ""),
    ("rate", "busybox sysctl -w kernel.perf_event_max_sample_rate=100000", "", ""),
    ("yama-1", "put kernel/yama/ptrace_scope 1", NOBODY, "-p $target"),
    ("yama-0", "busybox sysctl -w kernel.yama.ptrace_scope=0", NOBODY, "-p $target"),
    ("lockdown", "echo confidentiality >/sys/kernel/security/lockdown", "", ""),
    ("yama-3", "put kernel/yama/ptrace_scope 3", "", ""),
]

BEGIN = """
put() { echo "$2" >"/proc/sys/$1"; }
mount -t securityfs none /sys/kernel/security
%s /bin/busybox sleep 1000 &
target=$!
""" % NOBODY

STEP = """
%(broken)s
%(user)s rtsample doctor --json %(arguments)s >report-%(name)s
give report-%(name)s
"""


def script():
    steps = [
        STEP % {"name": name, "broken": broken, "user": user, "arguments": arguments}
        for name, broken, user, arguments in STEPS
    ]
    return BEGIN + "".join(steps)


def broken(report, key, cause, fix):
    """[] when a check of a report says so, and names this fix."""
    check = report["checks"][key]
    if check["cause"] != cause or not any(text.startswith(fix) for text in check["fix"]):
        return ["%s, not %s with %r: %s" % (key, cause, fix, check)]
    return []


def state(report, key, wanted="works"):
    check = report["checks"][key]
    return [] if check["state"] == wanted else ["%s: %s" % (key, check)]


def paranoid(reports):
    """kernel.perf_event_paranoid 3, set to 2 for commands and to 0 for whole CPUs"""
    if reports["paranoid-3"]["checks"]["perf.child"]["state"] == "works":
        raise Skip("this kernel does not know the level 3")
    name = "sysctl -w kernel.perf_event_paranoid="
    return (
        broken(reports["paranoid-3"], "perf.child", "paranoid", name + "2")
        + ([] if reports["paranoid-3"]["method"] == "ptrace" else ["no ptrace"])
        + state(reports["paranoid-2"], "perf.child")
        + broken(reports["paranoid-2"], "perf.kernel", "paranoid", name + "1")
        + broken(reports["paranoid-2"], "perf.cpus", "paranoid", name + "0")
        + state(reports["paranoid-0"], "perf.kernel")
        + state(reports["paranoid-0"], "perf.cpus")
    )


def locked_memory(reports):
    """kernel.perf_event_mlock_kb 0 and no locked memory"""
    name = "sysctl -w kernel.perf_event_mlock_kb=4096"
    problems = broken(reports["mlock-0"], "perf.child", "locked_memory", name)
    return problems + state(reports["mlock-4096"], "perf.child")


def sample_rate(reports):
    """kernel.perf_event_max_sample_rate 50"""
    name = "sysctl -w kernel.perf_event_max_sample_rate="
    problems = broken(reports["rate-50"], "kernel.max_sample_rate", "sample_rate", name)
    return problems + state(reports["rate"], "kernel.max_sample_rate", "info")


def ptrace_scope(reports):
    """kernel.yama.ptrace_scope 1, and 3, which only booting mends"""
    if reports["fine"]["checks"]["kernel.ptrace_scope"]["found"].startswith("not"):
        raise Skip("this kernel has no Yama")
    name = "sysctl -w kernel.yama.ptrace_scope=0"
    return (
        broken(reports["yama-1"], "ptrace.target", "ptrace_scope", name)
        + state(reports["yama-1"], "ptrace.child")
        + state(reports["yama-0"], "ptrace.target")
        + broken(reports["yama-3"], "ptrace.child", "ptrace_scope", "reboot")
        + state(reports["fine"], "ptrace.child")
    )


def lockdown(reports):
    """a kernel that is locked down is sampled all the same"""
    report = reports["lockdown"]
    if report["checks"]["kernel.lockdown"]["found"] != "confidentiality":
        raise Skip("this kernel cannot be locked down")
    return state(report, "perf.child") + state(report, "perf.cpus")


def kernel(path, image):
    console = boot(path, image)
    release = release_of(console)
    if not release:
        ok("%s boots" % os.path.basename(path), [console[-3000:]])
        return
    reports = {}
    for name, _, _, _ in STEPS:
        text = given(console, "report-" + name)
        if not text:
            ok("Linux %s: %s" % (release, name), ["no report", console[-3000:]])
            return
        reports[name] = json.loads(text.decode("utf-8"))
    for step in (paranoid, locked_memory, sample_rate, ptrace_scope, lockdown):
        name = "Linux %s: %s" % (release, step.__doc__)
        try:
            ok(name, step(reports))
        except Skip as reason:
            skip(name, reason)


images = kernel_images()
setpriv = shutil.which("setpriv")
if not setpriv:
    skip_all("setpriv is not installed")
initramfs = make_initramfs({"setpriv": setpriv}, script())
for path in images if os.environ.get("RTSAMPLE_LONG") else images[-1:]:
    kernel(path, initramfs)
done()
