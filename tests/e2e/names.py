#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Names that are as long as they are in the symbol table, and hold as far as the code does that they
are the names of: nm agrees with them."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

# Two functions that take turns, called as a Crystal compiler calls them.
TURNS = """
volatile unsigned long turns;
__attribute__((noinline)) void first(void) { for (unsigned long i = 0; i < 20000000; i++) turns += i; }
__attribute__((noinline)) void second(void) { for (unsigned long i = 0; i < 20000000; i++) turns ^= i; }
int main(void) { for (int i = 0; i < 20; i++) { first(); second(); } return 0; }
"""
WRITE = "*IO::FileDescriptor@IO::Buffered#write<Slice(UInt8)>:Nil"
READ = "*IO::FileDescriptor@IO::Buffered#read<Slice(UInt8)>:Int32"


def tool(*argv):
    if not shutil.which(argv[0]):
        raise Skip(argv[0] + " is not installed")
    result = subprocess.run(argv, capture_output=True, text=True)
    if result.returncode != 0:
        raise Skip("%s cannot be used here: %s" % (argv[0], result.stderr.strip()[-300:]))
    return result.stdout


def compiler():
    return os.environ.get("CC", "cc").split()


def source(text, called):
    """The path of a file with this text, in a folder of its own."""
    path = os.path.join(tempfile.mkdtemp(dir=WORK), called)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


# --- An @ in a name ------------------------------------------------------------------------------


def crystal(*flags):
    """A program whose two functions are called WRITE and READ."""
    path = source(TURNS, "turns.c")
    tool(*compiler(), "-O1", "-c", path, "-o", path + ".o")
    names = ["--redefine-sym=first=" + WRITE, "--redefine-sym=second=" + READ]
    tool("objcopy", *names, path + ".o")
    tool(*compiler(), path + ".o", "-o", path + ".out", *flags)
    return path + ".out"


def whole_names(path):
    run = sample("-F", 499, "--", path)
    found = {fact["metadata"]["symbol"] for fact in run.facts if "FileDescriptor" in fact["metadata"]["symbol"]}
    ids = {fact["symbolId"] for fact in run.facts if "FileDescriptor" in fact["metadata"]["symbol"]}
    problems = list(run.problems)
    if found != {WRITE, READ} or len(ids) != 2:
        problems.append("%d ids: %s" % (len(ids), sorted(found)))
    for fact in run.find(WRITE) + run.find(READ):
        if "aliases" in fact["metadata"]:
            problems.append("aliases: %s" % fact["metadata"]["aliases"])
    return problems + ([run.summary()] if problems else [])


def at_in_names():
    """an @ is part of a name where no version follows"""
    return whole_names(crystal())


def at_in_exported_names():
    """so it is where a linker takes the rest for a version"""
    for title, flag in (("GNU ld", "bfd"), ("gold", "gold")):
        title = "exported by %s: the names are whole" % title
        try:
            path = crystal("-rdynamic", "-fuse-ld=" + flag)
        except Skip as reason:
            skip(title, reason)
            continue
        ok(title, whole_names(path))
        tool("strip", path)
        if WRITE not in tool("readelf", "--dyn-syms", "-W", path):
            skip(title + ", of a stripped program too", "readelf does not show them there")
            continue
        ok(title + ", of a stripped program too", whole_names(path))


require_sampling()
run_steps(
    at_in_names,
    at_in_exported_names,
)
