#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the code of linkage slots says, instruction by instruction, and what gdb sees there: it steps
through every slot of a program, and where on the stack the return address lies is known from the
call. The names of the slots are those of objdump."""
import os
import platform
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")

QUERY = os.path.abspath(
    os.path.join(os.environ.get("top_builddir", "."), "tests/unit/binary/object_query")
)
CC = os.environ.get("CC", "cc").split()

LIBRARY = """
int tiny(int value) { return value + 1; }
int other(int value) { return value + 2; }
"""

# Each slot is entered twice: the first time it may go by way of the dynamic linker.
PROGRAM = """
int tiny(int);
int other(int);
static int twice_plain(int value) { return value * 2; }
static void *pick(void) { return (void *)twice_plain; }
int twice(int) __attribute__((ifunc("pick")));
__attribute__((noinline)) int calls(int value)
{
    for (int i = 0; i < 2; i++)
        value = other(tiny(twice(value)));
    return value + 1;
}
int main(void) { return calls(0) == 0; }
"""

# A line per instruction in a slot: its address, and the words that lie above the return address.
STEPS = """
import gdb
ranges = RANGES
def number(text):
    return int(gdb.parse_and_eval(text)) & 0xffffffffffffffff
def word(address):
    return int.from_bytes(gdb.selected_inferior().read_memory(address, 8).tobytes(), "little")
gdb.execute("break calls")
gdb.execute("run")
back = 0
for _ in range(3000):
    gdb.execute("stepi")
    pc, sp = number("$pc"), number("$sp")
    if not any(low <= pc < high for low, high in ranges):
        if back:
            gdb.execute("tbreak *%d" % back)
            gdb.execute("continue")
            back = 0
        if number("$pc") == END:
            break
        continue
    back = back or word(sp)
    places = [i for i in range(8) if word(sp + 8 * i) == back]
    print("AT %x %d" % (pc, places[0] if places else -1))
"""

FORMS = {
    "GNU ld, lazy": ["-z", "lazy"],
    "GNU ld, now": ["-z", "now"],
    "GNU ld, IBT": ["-z", "lazy", "-z", "ibtplt", "-fcf-protection"],
    "GNU ld, static": ["-static"],
    "gold": ["-fuse-ld=gold", "-z", "lazy"],
    "lld, lazy": ["-fuse-ld=lld", "-z", "lazy"],
    "lld, now and IBT": ["-fuse-ld=lld", "-z", "now", "-z", "force-ibt", "-fcf-protection"],
    "lld, retpolines": ["-fuse-ld=lld", "-z", "lazy", "-z", "retpolineplt"],
    "lld, retpolines, now": ["-fuse-ld=lld", "-z", "now", "-z", "retpolineplt"],
    "lld, static": ["-fuse-ld=lld", "-static"],
    "mold, lazy": ["-fuse-ld=mold", "-z", "lazy"],
    "mold, static": ["-fuse-ld=mold", "-static"],
}


def output(*command, **more):
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more
    ).stdout


def make(form):
    linker = [option for option in FORMS[form] if option.startswith("-fuse-ld=")]
    tool = "ld." + linker[0][9:] if linker else "ld"
    if not shutil.which(tool):
        raise Skip(tool + " is not installed")
    folder = tempfile.mkdtemp(dir=WORK)
    for name, text in (("library", LIBRARY), ("program", PROGRAM)):
        with open("%s/%s.c" % (folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    library, program = folder + "/libslots.so", folder + "/program"
    sources = [folder + "/program.c"]
    if "-static" in FORMS[form]:
        sources.append(folder + "/library.c")
    else:
        subprocess.run(
            CC + ["-O2", "-shared", "-fPIC", "-o", library, folder + "/library.c"], check=True
        )
        sources += [library, "-Wl,-rpath," + folder]
    built = subprocess.run(
        CC + ["-O2", "-no-pie", "-o", program] + sources + FORMS[form],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        raise Skip("cannot be linked here: " + built.stdout[-200:])
    return program


def tables(program):
    """Where the linkage tables lie."""
    found = []
    for line in output("readelf", "-SW", program).splitlines():
        row = re.match(r" *\[ *\d+\] (\.i?plt\S*) +PROGBITS +([0-9a-f]+) +[0-9a-f]+ +([0-9a-f]+)", line)
        if row:
            start = int(row.group(2), 16)
            found.append((start, start + int(row.group(3), 16)))
    return found


def returns_of(program):
    """The address of the return of the function that calls the slots."""
    text = output("objdump", "-d", "--disassemble=calls", program)
    return [int(a, 16) for a in re.findall(r"^ *([0-9a-f]+):.*\tret", text, re.M)][-1]


def step(program, ranges):
    script = program + ".gdb.py"
    with open(script, "w", encoding="utf-8") as file:
        file.write(STEPS.replace("RANGES", repr(ranges)).replace("END", str(returns_of(program))))
    settings = ["debuginfod enabled off", "style enabled off", "disable-randomization on"]
    command = ["gdb", "-nx", "-batch"]
    for setting in settings:
        command += ["-iex", "set " + setting]
    text = output(*command, "-x", script, program)
    rows = [row.split()[1:] for row in text.splitlines() if row.startswith("AT ")]
    if not rows:
        raise Skip("gdb does not step here: " + text.strip()[-200:])
    return [(int(address, 16), int(words)) for address, words in rows]


def ask(program, questions):
    text = "".join(question + "\n" for question in questions)
    return output(QUERY, program, input=text).splitlines()


def check_words(program):
    rows = step(program, tables(program))
    problems = []
    for (address, words), answer in zip(rows, ask(program, ["words %x" % row[0] for row in rows])):
        said = answer.split()
        if words < 0 or "-" in said or words not in (int(said[0]), int(said[0]) + int(said[1])):
            problems.append("at %x gdb finds %d words, the code says %s" % (address, words, answer))
    note("%d instructions" % len(rows))
    return problems + ([] if len(rows) > 1 else ["gdb stepped through nothing"])


def check_names(program):
    """The slots that objdump can name: it knows fewer forms."""
    bare = program + ".stripped"
    subprocess.run(["strip", "-o", bare, program], check=True)
    slots = re.findall(r"^([0-9a-f]+) <(\S+@plt)>:$", output("objdump", "-d", bare), re.M)
    answers = ask(bare, ["functions " + address for address, _ in slots])
    return [
        "at %s objdump has %s, we have %s" % (address, name, answer)
        for (address, name), answer in zip(slots, answers)
        if answer.split("\t")[0] != name
    ]


if platform.machine() != "x86_64":
    skip_all("the forms are those of x86-64")
for tool in ("gdb", "objdump", "strip"):
    if not shutil.which(tool):
        skip_all(tool + " is not installed")
for form in FORMS:
    try:
        made = make(form)
        ok("the words that slots have pushed: " + form, check_words(made))
        ok("the names of slots: " + form, check_names(made))
    except Skip as reason:
        skip(form, reason)
done()
