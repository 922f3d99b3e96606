#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The seeds of the fuzz targets that take bytes (tests/fuzz/seeds.py), damaged in a fixed sequence of
ways; and what the fuzzers found worth keeping (tests/fuzz/NAME_corpus).

fuzz_NAME ends with a signal (or a sanitizer's report) when it crashes. RTSAMPLE_DAMAGED_BYTES is the
number of variants of each seed. Prints TAP.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import seeds  # noqa

TOP = os.environ.get("top_builddir", ".")
VARIANTS = int(os.environ.get("RTSAMPLE_DAMAGED_BYTES", "40"))
# What is not done by then, on any machine, hangs.
STUCK_SECONDS = 300

NUMBERS = [0, 1, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
           0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF]


def damage(data, chance):
    data = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        size = chance.choice([1, 1, 2, 4, 8])
        at = chance.randrange(1, max(2, len(data) - size))
        kind = chance.random()
        if kind < 0.6:
            value = chance.choice([chance.choice(NUMBERS), chance.getrandbits(8 * size), len(data)])
            data[at:at + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, sys.byteorder)
        elif kind < 0.8:
            del data[at:at + chance.randint(1, 40)]
        else:
            data[at:at] = data[at:at + chance.randint(1, 40)] * chance.choice([1, 2, 100])
    return bytes(data)


def run(program, paths):
    """Why it failed, or None."""
    try:
        result = subprocess.run([program, *paths], capture_output=True, text=True, errors="replace",
                                timeout=STUCK_SECONDS)
    except subprocess.TimeoutExpired:
        return "does not end"
    return None if result.returncode == 0 else "status %d\n%s" % (result.returncode, result.stderr)


def inputs(name, folder):
    """Paths of files below the folder: seeds, ways to damage them; and the corpus."""
    paths = []
    for seed, data in seeds.SEEDS[name]():
        chance = random.Random(seed)
        for variant in range(VARIANTS + 1):
            paths.append(os.path.join(folder, "%s.%s.%d" % (name, seed, variant)))
            with open(paths[-1], "wb") as file:
                file.write(damage(data, chance) if variant else data)
    corpus = os.path.join(HERE, name + "_corpus")
    kept = sorted(os.listdir(corpus)) if os.path.isdir(corpus) else []
    return paths + [os.path.join(corpus, entry) for entry in kept]


def main():
    work = tempfile.mkdtemp(prefix="rtsample-damaged-")
    failed = 0
    try:
        for number, name in enumerate(sorted(seeds.SEEDS), 1):
            program = os.path.join(TOP, "tests/fuzz/fuzz_" + name)
            paths = inputs(name, work)
            problem = run(program, paths)
            print("%sok %d - %s: %d inputs" % ("not " if problem else "", number, name, len(paths)))
            if not problem:
                continue
            failed += 1
            print("# " + "\n# ".join(problem.splitlines()[:40]))
            for path in [path for path in paths if run(program, [path])][:10]:
                kept = os.path.join(tempfile.gettempdir(), os.path.basename(path))
                shutil.copy(path, kept)
                print("# kept as " + kept)
        print("1..%d" % len(seeds.SEEDS))
    finally:
        shutil.rmtree(work)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
