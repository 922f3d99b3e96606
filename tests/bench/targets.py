# SPDX-License-Identifier: Apache-2.0
"""What is sampled: the distribution's own programs, each private to the run and busy all the time."""
import os
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
from lib import WORK, Skip, Target, build  # noqa

LARGE_BYTES = 16 << 20


def program(name):
    """The distribution's own one, before what somebody put into PATH in front of it."""
    path = shutil.which(name, path="/usr/bin:/bin:/usr/sbin") or shutil.which(name)
    if not path:
        raise Skip(name + " is not installed")
    return os.path.realpath(path) if name == "python3" else path


class Redis(Target):
    """A redis-server without a port, and a redis-benchmark that goes round in circles."""

    title = "redis-server"
    commands = "set,get,incr,lpush,lrange_100,sadd,hset,zadd,mset"

    def __init__(self):
        client = program("redis-benchmark")
        folder = tempfile.mkdtemp(dir=WORK)
        self.socket = socket = os.path.join(folder, "socket")
        super().__init__(
            *(program("redis-server"), "--unixsocket", socket, "--dir", folder, "--save", ""),
            *"--port 0 --appendonly no --daemonize no --loglevel warning".split(),
            ready=False
        )
        while not os.path.exists(socket):
            if self.process.poll() is not None:
                raise Skip("redis-server does not run here")
            time.sleep(0.05)
        # Pipelined, so that the server works rather than sleeps and wakes.
        self.client = Target(
            *(client, "-s", socket, "-t", self.commands, "-q", "-l"),
            *("-n", 10000, "-r", 10000, "-c", 50, "-P", 16),
            ready=False
        )
        time.sleep(1)

    def stop(self):
        if hasattr(self, "client"):
            self.client.stop()
        super().stop()


def large_file():
    """Words, the same ones every time."""
    path = os.path.join(WORK, "large")
    if not os.path.exists(path):
        source = random.Random(1)
        words = [
            "".join(source.choices("etaoinshrdlucmfwypvbgkqjxz", k=source.randint(2, 11))).encode()
            for _ in range(256)
        ]
        with open(path, "wb") as file:
            while file.tell() < LARGE_BYTES:
                file.write(b" ".join(words[byte] for byte in source.randbytes(1 << 18)))
    return path


class Xz(Target):
    """Never at its end: the file is given to it again and again."""

    title = "xz -9 -T1"

    def __init__(self):
        argv = [program("xz"), "-9", "-T1", "-k", "-c"] + [large_file()] * 1000
        super().__init__(*argv, ready=False)


SCRIPT = r"""
import collections, hashlib, json, random, re, string
random.seed(1)
words = ["".join(random.choices(string.ascii_lowercase, k=7)) for _ in range(2000)]
print("ready", flush=True)

def walk(value):
    if isinstance(value, dict):
        return 1 + sum(walk(item) for item in value.values())
    if isinstance(value, list):
        return 1 + sum(walk(item) for item in value)
    return 1

while True:
    records = [
        {"id": number, "words": random.choices(words, k=5), "value": random.random()}
        for number in range(500)
    ]
    text = json.dumps(records, indent=1)
    records = json.loads(text)
    records.sort(key=lambda record: (record["words"], record["value"]))
    walk(records)
    collections.Counter(re.findall(r'"([a-m][a-z]*)[n-z]?"', text)).most_common(200)
    changed = re.sub(r"([aeiou])(?=[^aeiou])", lambda match: match.group(1).upper(), text)
    hashlib.sha256(changed.encode()).hexdigest()
"""


class Python(Target):
    title = "python3"

    def __init__(self):
        path = os.path.join(WORK, "script.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write(SCRIPT)
        super().__init__(program("python3"), "-I", path)


class Storm(Target):
    """Some hundred short processes a second; see tests/programs/storm.c."""

    title = "storm of short processes"

    def __init__(self):
        super().__init__(build("storm"))


TARGETS = {"redis": Redis, "xz": Xz, "python3": Python, "storm": Storm}
