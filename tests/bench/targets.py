# SPDX-License-Identifier: Apache-2.0
"""What is sampled: the distribution's own programs, each private to the run and busy all the time."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
import lib  # noqa
from lib import WORK, Skip, Target, build, system_program  # noqa

LARGE_BYTES = 16 << 20


class Redis(lib.Redis):
    title = "redis-server"
    commands = "set,get,incr,lpush,lrange_100,sadd,hset,zadd,mset"


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
        argv = [system_program("xz"), "-9", "-T1", "-k", "-c"] + [large_file()] * 1000
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
        super().__init__(system_program("python3"), "-I", path)


class Storm(Target):
    """Some hundred short processes a second; see tests/programs/storm.c."""

    title = "storm of short processes"

    def __init__(self):
        super().__init__(build("storm"))


TARGETS = {"redis": Redis, "xz": Xz, "python3": Python, "storm": Storm}
