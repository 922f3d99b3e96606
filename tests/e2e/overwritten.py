#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files that are written over while their code is sampled: no function is reported that never ran,
and none under the build-id of another file. What is replaced, deleted or has just been built is
named as ever."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")

# Two programs of the same size and layout: in the second one the functions have changed names.
PROGRAM = """
volatile unsigned long turns;
__attribute__((noinline)) void %s(unsigned long n) { for (unsigned long i = 0; i < n; i++) turns += i; }
__attribute__((noinline)) void %s(unsigned long n) { for (unsigned long i = 0; i < n; i++) turns += i; }
int main(void) { %s(100000000UL); return 0; }
"""
NO_BUILD_ID = "-Wl,--build-id=none"


def tool(*argv, **options):
    if not shutil.which(argv[0]):
        raise Skip(argv[0] + " is not installed")
    result = subprocess.run(argv, capture_output=True, text=True, **options)
    if result.returncode != 0:
        raise Skip("%s cannot be used here: %s" % (argv[0], result.stderr.strip()[-300:]))
    return result.stdout


def compiler():
    return os.environ.get("CC", "cc").split()


def write_sources(folder):
    """first.c calls alpha, and second.c omega, which lies where alpha does in the other."""
    for name, functions in (("first", ("alpha", "omega")), ("second", ("omega", "alpha"))):
        with open(os.path.join(folder, name + ".c"), "w", encoding="ascii") as file:
            file.write(PROGRAM % (*functions, functions[0]))


def programs(first=(), second=()):
    """A folder with the two programs, and the first one as `tool`."""
    folder = tempfile.mkdtemp(dir=WORK)
    os.chmod(folder, 0o755)
    write_sources(folder)
    for name, flags in (("first", first), ("second", second)):
        path = os.path.join(folder, name)
        tool(*compiler(), "-O1", path + ".c", "-o", path, *flags)
    shutil.copy(os.path.join(folder, "first"), os.path.join(folder, "tool"))
    return folder


def build_id(path):
    found = re.search(r"Build ID: ([0-9a-f]+)", tool("readelf", "-nW", path))
    if found:
        return "gnu-build-id:" + found.group(1)
    return "sha256:" + tool("sha256sum", path).split()[0]


def run_in(folder, script, *options):
    return sample("-F", 499, *options, "--", "sh", "-c", 'cd "$0" && ' + script, folder)


def check(run, folder, first=None, second=None):
    """Problems of a run of the first program, or of both. `first`, `second`: whether alpha, omega
    must be named; None: they may, if they ran."""
    problems = list(run.problems)
    ids = {"first": build_id(os.path.join(folder, "first")), "second": build_id(os.path.join(folder, "second"))}
    for name, file, wanted in (("alpha", "first", first), ("omega", "second", second)):
        found = {fact["buildId"] for fact in run.find(name)}
        if found - {ids[file]}:
            problems.append("%s is of %s, not %s" % (name, found, ids[file]))
        if wanted is not None and bool(found) != wanted:
            problems.append("%s is %sseen" % (name, "" if found else "not "))
    return problems + ([run.summary()] if problems else [])


def hits_of(run, code):
    return sum(fact["hitCount"] for fact in run.facts if fact["buildId"] == code)


# --- Written over --------------------------------------------------------------------------------


def before_the_flush():
    """a program is written over after its last sample, and before its names are read"""
    for title, options in (("perf events", ()), ("ptrace", ("--method", "ptrace"))):
        folder = programs()
        run = run_in(folder, "./tool; cp second tool", *options)
        problems = check(run, folder, second=False)
        code = build_id(os.path.join(folder, "first"))
        # Its name may have been read in time, if the window ended meanwhile.
        if not hits_of(run, code):
            problems.append("no function of %s is seen" % code)
        if not run.find("alpha") and run.stderr.count("was overwritten while it was in use") != 1:
            problems.append("it is not said once: " + run.stderr)
        ok("%s: %s" % (before_the_flush.__doc__, title), problems)


def by_another_kind():
    """so it is with files that have no build-id, or that are of another size"""
    for title, first, second in (
        ("by a file without a build-id", (), (NO_BUILD_ID,)),
        ("a file without a build-id", (NO_BUILD_ID,), (NO_BUILD_ID,)),
        ("by a larger file", (), ("-g",)),
        ("by a smaller file", ("-g",), ("-s",)),
    ):
        folder = programs(first, second)
        run = run_in(folder, "./tool; cp second tool")
        ok(title, check(run, folder, second=False))
    folder = programs()
    run = run_in(folder, "./tool; echo nothing > tool")
    ok("by what is no program", check(run, folder, second=False))


def with_its_time():
    """so it is where the new content has the size and the time of the old one"""
    for title, flags in (("with build-ids", ()), ("without", (NO_BUILD_ID,))):
        folder = programs(flags, flags)
        for name in ("first", "second", "tool"):
            os.utime(os.path.join(folder, name), (1600000000, 1600000000))
        run = run_in(folder, "./tool; cp -p second tool")
        ok("%s: %s" % (with_its_time.__doc__, title), check(run, folder, second=False))


def run_again():
    """what it is written over with is named when it runs"""
    for title, options in (("perf events", ()), ("ptrace", ("--method", "ptrace"))):
        folder = programs()
        run = run_in(folder, "./tool; cp second tool; ./tool", *options)
        problems = check(run, folder, second=True)
        if not hits_of(run, build_id(os.path.join(folder, "first"))):
            problems.append("nothing of the first program is seen")
        ok("%s: %s" % (run_again.__doc__, title), problems)


def debug_file():
    """a separate debug file is written over"""
    folder = programs()
    for name in ("first", "second"):
        path = os.path.join(folder, name)
        tool("objcopy", "--only-keep-debug", path, path + ".debug")
    path = os.path.join(folder, "tool")
    shutil.copy(os.path.join(folder, "first.debug"), path + ".debug")
    tool("objcopy", "--strip-all", "--add-gnu-debuglink=" + path + ".debug", path)
    run = run_in(folder, "./tool; cp second.debug tool.debug")
    problems = list(run.problems)
    code = build_id(os.path.join(folder, "first"))
    if run.find("omega") or not hits_of(run, code):
        problems.append(run.summary())
    ok(debug_file.__doc__, problems)
    shutil.copy(os.path.join(folder, "first.debug"), path + ".debug")
    run = run_in(folder, "./tool")
    ok("it is used where it is left alone", run.problems + ([] if run.find("alpha") else [run.summary()]))


# A library is written over under a process that goes on running it. Its code stays the same, so that
# this does no harm; it is called otherwise.
LIBRARY = """
volatile unsigned long turns;
void %s(unsigned long n) { for (unsigned long i = 0; i < n; i++) turns += i; }
void (*work)(unsigned long) = %s;
"""
CALLER = """
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    void *library = dlopen(argv[1], RTLD_NOW);
    void (**work)(unsigned long) = dlsym(library, "work");
    static char content[1 << 20];
    (*work)(100000000UL);
    ssize_t size = read(open(argv[2], O_RDONLY), content, sizeof content);
    if (argc < 3 || write(open(argv[1], O_WRONLY), content, size) != size)
        return 1;
    for (int i = 0; i < 4; i++)
        (*work)(100000000UL);
    return 0;
}
"""


def under_a_process():
    """a library is written over under a process that goes on"""
    folder = tempfile.mkdtemp(dir=WORK)
    paths = {name: os.path.join(folder, name + ".so") for name in ("alpha", "omega")}
    for name, path in paths.items():
        with open(path + ".c", "w", encoding="ascii") as file:
            file.write(LIBRARY % (name, name))
        tool(*compiler(), "-O1", "-shared", "-fPIC", "-Wl,-soname=library", path + ".c", "-o", path)
    with open(os.path.join(folder, "caller.c"), "w", encoding="ascii") as file:
        file.write(CALLER)
    tool(*compiler(), "-O1", os.path.join(folder, "caller.c"), "-o", os.path.join(folder, "caller"), "-ldl")
    codes = {name: build_id(path) for name, path in paths.items()}
    run = run_in(folder, "./caller ./alpha.so ./omega.so")
    problems = list(run.problems)
    for name, code in codes.items():
        found = {fact["buildId"] for fact in run.find(name)}
        if found - {code}:
            problems.append("%s is of %s" % (name, found))
        if not hits_of(run, code):
            problems.append("nothing of %s.so is seen" % name)
    if hits_of(run, codes["alpha"]) > hits_of(run, codes["omega"]):
        problems.append("the old one has most of the hits")
    ok(under_a_process.__doc__, problems + ([run.summary()] if problems else []))


# --- Left alone ----------------------------------------------------------------------------------


def replaced():
    """a program is replaced, as package managers do it, renamed, deleted, or made another's"""
    for script, second in (
        ("./tool; cp second new; mv new tool", False),
        ("./tool; cp second new; mv new tool; ./tool", True),
        ("./tool; mv tool old", False),
        ("./tool; rm tool", False),
        ("./tool; rm tool; cp second tool", False),
        ("./tool; ln tool other; chmod 700 tool; touch -a tool", False),
    ):
        folder = programs()
        ok("named after " + script, check(run_in(folder, script), folder, first=True, second=second))
    folder = programs((NO_BUILD_ID,), (NO_BUILD_ID,))
    run = run_in(folder, "./tool; cp second new; mv new tool")
    ok("named without a build-id", check(run, folder, first=True, second=False))


def just_built():
    """a program that was written a moment ago"""
    folder = programs()
    words = " ".join(compiler())
    for title, build in (
        ("compiled", words + " -O1 first.c -o built"),
        ("copied", "cp first built"),
        ("copied bit by bit", "dd if=first of=built bs=4096 2>&1 && chmod 755 built"),
        ("stripped of debug information", "cp first built && strip -g built"),
        ("with a time to come", "cp first built && touch -d '+1 hour' built"),
    ):
        run = run_in(folder, build + " && ./built; rm -f built")
        ok("%s: %s" % (title, just_built.__doc__), check(run, folder, first=True, second=False))
    folder = programs((NO_BUILD_ID,), (NO_BUILD_ID,))
    run = run_in(folder, "cp first built && ./built; rm -f built")
    ok("without a build-id: %s" % just_built.__doc__, check(run, folder, first=True, second=False))


require_sampling()
run_steps(
    before_the_flush,
    by_another_kind,
    with_its_time,
    run_again,
    debug_file,
    under_a_process,
    replaced,
    just_built,
)
