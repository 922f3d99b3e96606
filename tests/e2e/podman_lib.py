# SPDX-License-Identifier: Apache-2.0
"""Containers of podman's, for scenarios."""
from lib import *  # noqa
from cgroup_lib import *  # noqa

# Podman wants nothing but version 2, and no limit that only the administrator of the machine may
# raise; both hold inside of these namespaces.
SCRIPT = """
mount --make-rprivate / && umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup || exit
state=$1 root=$2
shift 2
exec podman --root "$state/store" --runroot "$state/run" --storage-driver vfs --cgroup-manager cgroupfs \\
    --runtime crun run --rm --network none --privileged --pids-limit -1 --ulimit nofile=512:512 \\
    --ulimit nproc=512:512 --cidfile "$state/id" --pidfile "$state/pid" \\
    --conmon-pidfile "$state/monitor" "$@"
"""


def number_in(path):
    try:
        with open(path) as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


class Container:
    """A container of podman's with the root directory `root`, in which `command` runs and says
    "ready". `options` are those of podman run."""

    def __init__(self, root, command, *options):
        for tool in ("podman", "crun", "unshare"):
            if not shutil.which(tool):
                raise Skip(tool + " is not installed")
        if not IS_ROOT:
            raise Skip("this takes root")
        for name in ("proc", "sys", "dev", "etc", "run", "tmp"):
            os.makedirs(os.path.join(root, name), exist_ok=True)
        self.state = tempfile.mkdtemp(dir=WORK)
        log = tempfile.TemporaryFile(dir=WORK)
        words = ["unshare", "-m", "sh", "-c", SCRIPT, "sh", self.state, root, *options, "--rootfs", root]
        try:
            self.target = Target(*words, *command, stderr=log)
        except Exception:
            log.seek(0)
            raise Skip("podman runs nothing here: " + log.read().decode("utf-8", "replace")[-300:].strip())
        with open(self.state + "/id") as file:
            self.id = file.read().strip()
        self.pid = number_in(self.state + "/pid")
        at_end(self._end)

    def _end(self):
        """The container outlives the command that started it; its monitor does not outlive it."""
        monitor = number_in(self.state + "/monitor")
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        until(lambda: not monitor or not os.path.exists("/proc/%d" % monitor))
        for _, point in hierarchies():
            for name in ("libpod-" + self.id, "conmon", ""):
                try:
                    os.rmdir(os.path.join(point, "libpod_parent", name))
                except OSError:
                    pass  # of another hierarchy, or somebody else's too

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.target.stop()
