#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small ELF files, damaged in a fixed sequence of ways, through all that is asked of an object.

fuzz_object ends with a signal (or a sanitizer's report) when it crashes. Prints TAP.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FUZZ = os.path.join(os.environ.get("top_builddir", "."), "tests/fuzz/fuzz_object")
VARIANTS = 60
# What is not done by then, on any machine, hangs.
STUCK_SECONDS = 120

# Numbers that are easily got wrong.
BOUNDARIES = [0, 1, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
              0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFFFFFFFFFF8, 0xFFFFFFFFFFFFFFFF]


def damage(data, chance):
    """Overwrites up to eight numbers, most of them where headers are; sometimes cuts off the end."""
    data = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        size = chance.choice([1, 1, 2, 4, 8])
        where = chance.choice([(0, 64), (64, 512), (0, len(data)), (0, len(data)),
                               (max(0, len(data) - 1600), len(data))])
        at = chance.randrange(where[0], max(where[0] + 1, min(where[1], len(data)) - size))
        value = chance.choice([chance.choice(BOUNDARIES), chance.getrandbits(8 * size), len(data)])
        data[at:at + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, sys.byteorder)
    if chance.random() < 0.1:
        del data[chance.randrange(len(data)):]
    return bytes(data)


def run(paths):
    """Why it failed, or None."""
    try:
        result = subprocess.run([FUZZ, *paths], capture_output=True, text=True, errors="replace",
                                timeout=STUCK_SECONDS)
    except subprocess.TimeoutExpired:
        return "does not end"
    return None if result.returncode == 0 else "status %d\n%s" % (result.returncode, result.stderr)


def main():
    if not shutil.which("gcc") or not shutil.which("xz"):
        print("1..0 # SKIP gcc or xz is not installed")
        return 0
    work = tempfile.mkdtemp(prefix="rtsample-damaged-")
    try:
        seeds = os.path.join(work, "seeds")
        subprocess.run([os.path.join(HERE, "make_object_seeds.sh"), seeds], check=True,
                       stderr=subprocess.DEVNULL)
        failed = 0
        names = sorted(os.listdir(seeds))
        for number, name in enumerate(names, 1):
            chance = random.Random(name)
            with open(os.path.join(seeds, name), "rb") as file:
                data = file.read()
            paths = [os.path.join(seeds, name)]
            for variant in range(VARIANTS):
                paths.append(os.path.join(work, "%s.%d" % (name, variant)))
                with open(paths[-1], "wb") as file:
                    file.write(damage(data, chance))
            problem = run(paths)
            guilty = [path for path in paths if problem and run([path])]
            print("%sok %d - %s, and %d ways to damage it" % ("not " if problem else "", number, name, VARIANTS))
            if problem:
                failed += 1
                print("# " + "\n# ".join(problem.splitlines()[:40]))
                for path in guilty:
                    kept = os.path.join(tempfile.gettempdir(), os.path.basename(path))
                    shutil.copy(path, kept)
                    print("# kept as " + kept)
        print("1..%d" % len(names))
        return 1 if failed else 0
    finally:
        shutil.rmtree(work)


sys.exit(main())
