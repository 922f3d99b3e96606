#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Names that are as long as they are in the symbol table, and hold as far as the code does that they
are the names of: nm agrees with them."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")

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


# --- Symbols without a size ----------------------------------------------------------------------

# Functions of one return, each with a static one behind it that has no FDE and takes all the time.
EXPORTED = """
.text
.globl exported
.type exported, @function
exported: ret
.section .note.GNU-stack, "", %progbits
"""
BEHIND = """
volatile unsigned long turns;
__attribute__((noinline)) static void hot(void) { for (unsigned long i = 0; i < 300000000; i++) turns += i; }
void caller(void) { hot(); turns++; }
"""
MAIN = """
void caller(void); void exported(void);
int main(void) { exported(); caller(); return 0; }
"""


def behind(*flags, export=True):
    """A program of these."""
    first, second, main = source(EXPORTED, "exported.s"), source(BEHIND, "behind.c"), source(MAIN, "main.c")
    tool(*compiler(), "-c", first, "-o", first + ".o")
    tool(*compiler(), "-O2", "-fno-asynchronous-unwind-tables", "-c", second, "-o", second + ".o")
    export = ["-Wl,--export-dynamic-symbol=exported"] if export else []
    tool(*compiler(), "-O2", *flags, *export, main, first + ".o", second + ".o", "-o", main + ".out")
    return main + ".out"


def unsized(path, command=()):
    """Problems of a run of it: a name that belongs to what is behind `exported` only by chance."""
    if command:
        tool(*command, path)
    run = sample("-F", 499, "--", path)
    problems = list(run.problems)
    named = run.find("hot")
    if run.hits("exported") > 1:
        problems.append("%d hits of exported" % run.hits("exported"))
    if not named and run.stats["frames"]["unnamed"]["no_symbol"] < NEARLY_ALL * run.kept:
        problems.append("unnamed: %s" % run.stats["frames"]["unnamed"])
    return named, problems + ([run.summary()] if problems else [])


def without_size():
    """a symbol without a size does not name the static function behind it"""
    named, problems = unsized(behind())
    ok("there is a symbol for it", problems + ([] if named else ["hot is not seen"]))
    for title, command in (("stripped", ["strip"]), ("static symbols stripped", ["strip", "-x"])):
        named, problems = unsized(behind(), command)
        ok(title, problems + (["hot is seen"] if named else []))
    named, problems = unsized(behind("-Wl,-x", export=False))
    ok("static symbols left out by the linker", problems + (["hot is seen"] if named else []))


# Reads, in musl in assembly behind functions without a size, and nowhere else.
READS = """
#include <fcntl.h>
#include <unistd.h>
static char buffer[1 << 20];
int main(void)
{
    int fd = open("/dev/zero", O_RDONLY);
    for (int i = 0; i < 3000; i++)
        if (read(fd, buffer, sizeof buffer) < 0)
            return 1;
    return 0;
}
"""


def musl():
    """musl's system calls are not its memset()"""
    if not shutil.which("musl-gcc"):
        raise Skip("musl-gcc is not installed")
    path = source(READS, "reads.c") + ".out"
    for title, flags in (("dynamic", []), ("static", ["-static"]), ("static and stripped", ["-static", "-s"])):
        tool("musl-gcc", "-O1", "-fno-builtin", *flags, path[:-4], "-o", path)
        run = sample("-F", 499, "--", path)
        problems = list(run.problems)
        for name in ("memset", "memcpy", "memmove", "setjmp", "longjmp"):
            if run.hits(name):
                problems.append("%d hits of %s" % (run.hits(name), name))
        # The static program has a symbol for all that takes its time.
        named = title == "static"
        if named and run.stats["frames"]["unnamed"]["no_symbol"] > 0.1 * run.kept:
            problems.append("unnamed: %s" % run.stats["frames"]["unnamed"])
        if not named and run.stats["frames"]["unnamed"]["no_symbol"] < 0.5 * run.kept:
            problems.append("unnamed: %s" % run.stats["frames"]["unnamed"])
        ok("%s: %s" % (title, musl.__doc__), problems + ([run.summary()] if problems else []))


require_sampling()
run_steps(
    at_in_names,
    at_in_exported_names,
    without_size,
    musl,
)
