# SPDX-License-Identifier: Apache-2.0
"""Other kernels in an emulator: what is booted is an initramfs with programs and a script, and the
script's files come back over the console.

RTSAMPLE_KERNELS names the folder with the images, vmlinuz-*; contrib/fetch-kernels fills one."""
import base64
import glob
import gzip

from lib import *  # noqa

# An emulated machine on a busy one may take its time; one that hangs is ended then.
BOOT_SECONDS = 300

TOOLS = ("qemu-system-x86_64", "busybox", "cpio")

INIT = """#!/bin/sh
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs -o mode=1777 tmp /tmp
exec </dev/null >/dev/ttyS0 2>&1
echo "@@release $(uname -r)"
cd /tmp
give() {
    if test -e "$1"; then
        echo "@@begin $1"
        gzip -c "$1" | base64
        echo "@@end"
    fi
}
%s
poweroff -f
"""


def kernel_images():
    """The kernels to try; ends the script when there are none, or no emulator."""
    folder = os.environ.get("RTSAMPLE_KERNELS")
    if not folder:
        skip_all("RTSAMPLE_KERNELS names no folder with kernels")
    images = sorted(glob.glob(os.path.join(folder, "vmlinuz-*")))
    if not images:
        skip_all("there is no vmlinuz-* in " + folder)
    if os.environ.get("RTSAMPLE_SANITIZERS"):
        skip_all("the sanitizers' shadow memory is too much for the emulated machine")
    for tool in TOOLS:
        if not shutil.which(tool):
            skip_all(tool + " is not installed")
    return images


def build_confine():
    """The path of the program that confine.c is; ends the script when it cannot be made."""
    path = os.path.join(WORK, "confine")
    command = os.environ.get("CC", "cc").split() + ["-o", path, os.path.join(HERE, "confine.c")]
    if subprocess.run(command, stderr=subprocess.DEVNULL).returncode:
        skip_all("confine.c cannot be compiled here")
    return path


def _libraries(path):
    """What the loader maps for a program, itself included."""
    listed = subprocess.run(["ldd", path], stdout=subprocess.PIPE, text=True, check=True).stdout
    return re.findall(r"(/\S+) \(0x", listed)


def _add_file(root, source, target):
    target = os.path.join(root, target.lstrip("/"))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy(source, target)
    os.chmod(target, 0o755)


def make_initramfs(programs, script):
    """An image with `programs` ({name in /bin: path here}), busybox and rtsample. `script` is run by
    its shell in /tmp, and may say `give FILE`."""
    root = tempfile.mkdtemp(dir=WORK)
    os.chmod(root, 0o755)  # that of the machine
    for name in ("bin", "dev", "proc", "sys", "tmp"):
        os.makedirs(os.path.join(root, name))
    for name, path in dict(programs, rtsample=RTSAMPLE).items():
        _add_file(root, path, "/bin/" + name)
        for library in _libraries(path):
            _add_file(root, library, library)
    _add_file(root, shutil.which("busybox"), "/bin/busybox")
    for name in "sh mount echo uname test base64 gzip poweroff kill sleep cat rm mkdir cp chown chmod printf".split():
        os.symlink("busybox", os.path.join(root, "bin", name))
    with open(os.path.join(root, "init"), "w", encoding="utf-8") as file:
        file.write(INIT % script)
    os.chmod(os.path.join(root, "init"), 0o755)
    image = root + ".cpio"
    names = subprocess.run(["find", "."], cwd=root, stdout=subprocess.PIPE, check=True).stdout
    with open(image, "wb") as file:
        subprocess.run(
            ["cpio", "-o", "-H", "newc", "-R", "0:0", "--quiet"],
            cwd=root, input=names, stdout=file, check=True,
        )
    return image


def boot(kernel, image, seconds=BOOT_SECONDS):
    """What the machine says on its console until it is off."""
    console = os.path.join(WORK, "console")
    command = [
        "qemu-system-x86_64", "-accel", "tcg", "-m", "768", "-smp", "2", "-no-reboot",
        "-display", "none", "-monitor", "none", "-net", "none", "-serial", "file:" + console,
        "-kernel", kernel, "-initrd", image, "-append", "console=ttyS0 quiet panic=-1",
    ]  # fmt: skip
    machine = Target(*command, ready=False)
    try:
        machine.process.wait(seconds)
    except subprocess.TimeoutExpired:
        pass
    machine.stop()
    with open(console, encoding="utf-8", errors="replace") as file:
        return file.read().replace("\r", "")


def release_of(console):
    """The kernel's release; None: it did not get that far."""
    found = re.search(r"^@@release (\S+)$", console, re.M)
    return found.group(1) if found else None


def given(console, name):
    """The content of a file that the script gave; empty when there was none."""
    found = re.search(r"^@@begin %s\n(.*?)^@@end" % re.escape(name), console, re.M | re.S)
    return gzip.decompress(base64.b64decode(found.group(1))) if found else b""
