#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Other kernels than the one we run on: each is booted in an emulator, with rtsample and a program
to sample in its initramfs, and says on its console what came of it.

RTSAMPLE_KERNELS names the folder with their images, vmlinuz-*; contrib/fetch-kernels fills one.
"""
import base64
import glob
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user", "sanitizers")

PROGRAM = "chain-O2-nofp"

# An emulated machine on a busy one may take its time; one that hangs is ended then.
BOOT_SECONDS = 300

# An emulated processor is too slow for the usual share of it.
COMMON = "-F 199 -d " + os.environ.get("RTSAMPLE_KERNEL_SECONDS", "3")
ENVIRONMENT = "Sampler__MaxCpuPercent=0"

# Not busybox's own, which its shell prefers and which cannot change the user.
NOBODY = "/bin/setpriv --reuid=65534 --regid=65534 --clear-groups"

# What is run there: a name, kernel.perf_event_paranoid, the exit status that is right, and as whom.
RUNS = [
    ("root", 2, 0, ""),
    ("nobody, paranoid 3", 3, None, NOBODY),
    ("nobody, paranoid 2", 2, 0, NOBODY),
]

INIT = """#!/bin/sh
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs -o mode=1777 tmp /tmp
exec </dev/null >/dev/ttyS0 2>&1
echo "@@release $(uname -r)"
export %s
%s
poweroff -f
"""

# The program is sampled once it runs: an emulated processor spends seconds on loading one.
RUN = """
echo %(paranoid)d >/proc/sys/kernel/perf_event_paranoid
cd /tmp
%(user)s /bin/%(program)s >/tmp/ready-%(number)d &
target=$!
while ! test -s /tmp/ready-%(number)d; do sleep 0.1; done
%(user)s rtsample %(arguments)s -o /tmp/facts-%(number)d --stats /tmp/stats-%(number)d -p $target \
    2>/tmp/stderr-%(number)d
echo "@@status %(number)d $?"
kill $target
for kind in facts stats stderr; do
    if test -e /tmp/$kind-%(number)d; then
        echo "@@begin $kind %(number)d"
        base64 /tmp/$kind-%(number)d
        echo "@@end"
    fi
done
"""


def libraries(path):
    """What the loader maps for a program, itself included."""
    listed = subprocess.run(["ldd", path], stdout=subprocess.PIPE, text=True, check=True).stdout
    return re.findall(r"(/\S+) \(0x", listed)


def init_script():
    runs = [
        RUN
        % {
            "number": number,
            "paranoid": paranoid,
            "user": user,
            "arguments": COMMON,
            "program": PROGRAM,
        }
        for number, (_, paranoid, _, user) in enumerate(RUNS)
    ]
    return INIT % (ENVIRONMENT, "".join(runs))


def add_file(root, source, target):
    target = os.path.join(root, target.lstrip("/"))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy(source, target)
    os.chmod(target, 0o755)


def make_initramfs():
    root = os.path.join(WORK, "initramfs")
    for name in ("bin", "dev", "proc", "sys", "tmp"):
        os.makedirs(os.path.join(root, name))
    busybox = shutil.which("busybox")
    setpriv = shutil.which("setpriv")
    programs = {"rtsample": RTSAMPLE, PROGRAM: build(PROGRAM), "setpriv": setpriv}
    for name, path in programs.items():
        add_file(root, path, "/bin/" + name)
        for library in libraries(path):
            add_file(root, library, library)
    add_file(root, busybox, "/bin/busybox")
    for name in "sh mount echo uname test base64 poweroff kill sleep".split():
        os.symlink("busybox", os.path.join(root, "bin", name))
    with open(os.path.join(root, "init"), "w", encoding="utf-8") as file:
        file.write(init_script())
    os.chmod(os.path.join(root, "init"), 0o755)
    image = os.path.join(WORK, "initramfs.cpio")
    names = subprocess.run(["find", "."], cwd=root, stdout=subprocess.PIPE, check=True).stdout
    with open(image, "wb") as file:
        subprocess.run(
            ["cpio", "-o", "-H", "newc", "-R", "0:0", "--quiet"],
            cwd=root, input=names, stdout=file, check=True,
        )
    return image


def boot(kernel, image):
    """What the machine says on its console until it is off."""
    console = os.path.join(WORK, "console")
    command = [
        "qemu-system-x86_64", "-accel", "tcg", "-m", "768", "-smp", "2", "-no-reboot",
        "-display", "none", "-monitor", "none", "-net", "none", "-serial", "file:" + console,
        "-kernel", kernel, "-initrd", image, "-append", "console=ttyS0 quiet panic=-1",
    ]  # fmt: skip
    machine = Target(*command, ready=False)
    try:
        machine.process.wait(BOOT_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    machine.stop()
    with open(console, encoding="utf-8", errors="replace") as file:
        return file.read().replace("\r", "")


class BootRun(Run):
    """One run on that machine, as its console tells it."""

    def __init__(self, console, number):
        self.problems = []
        found = re.search(r"^@@status %d (\d+)$" % number, console, re.M)
        self.status = int(found.group(1)) if found else None
        self.output = self._file(console, "facts", number)
        self.stderr = self._file(console, "stderr", number).decode("utf-8", "replace")
        self.facts, problems = check_lines(self.output)
        self.problems += problems
        stats = self._file(console, "stats", number)
        if stats:
            self.stats = json.loads(stats.decode("utf-8"))
            self.problems += check_account(self.stats, self.facts)

    @staticmethod
    def _file(console, kind, number):
        found = re.search(r"^@@begin %s %d\n(.*?)^@@end" % (kind, number), console, re.M | re.S)
        return base64.b64decode(found.group(1)) if found else b""


def check_run(run, expected):
    if run.status is None:
        return ["there was no such run"]
    if expected is None:
        # Only Debian's kernels know 3; elsewhere it is like 2.
        expected = 4 if run.status == 4 else 0
        if run.status == 4 and "perf_event_paranoid" not in run.stderr:
            run.problems.append("it does not say what to change: " + run.stderr)
    if run.status != expected:
        return run.problems + ["exit status %s: %s" % (run.status, run.stderr)]
    if run.status:
        return run.problems
    problems = run.problems + check_expectations(run, directives(PROGRAM))
    if run.kept < 20:
        problems.append("too few samples")
    return problems + ([run.summary()] if problems else [])


def kernel(path, image):
    console = boot(path, image)
    found = re.search(r"^@@release (\S+)$", console, re.M)
    if not found:
        ok("%s boots" % os.path.basename(path), [console[-3000:]])
        return
    for number, (name, _, expected, _) in enumerate(RUNS):
        run = BootRun(console, number)
        problems = check_run(run, expected)
        ok("Linux %s, %s" % (found.group(1), name), problems)
        if run.stats:
            note("kept %d, gave up %s" % (run.kept, run.stats["run"].get("gave_up")))


folder = os.environ.get("RTSAMPLE_KERNELS")
if not folder:
    skip_all("RTSAMPLE_KERNELS names no folder with kernels")
images = sorted(glob.glob(os.path.join(folder, "vmlinuz-*")))
if not images:
    skip_all("there is no vmlinuz-* in " + folder)
if os.environ.get("RTSAMPLE_SANITIZERS"):
    skip_all("the sanitizers' shadow memory is too much for the emulated machine")
for tool in ("qemu-system-x86_64", "busybox", "cpio", "setpriv"):
    if not shutil.which(tool):
        skip_all(tool + " is not installed")
initramfs = make_initramfs()
for path in images:
    kernel(path, initramfs)
done()
