#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our rules, libunwind and libdw against each other, over every row of the CFI of real files.

tests/oracles/cfi_rows takes a step out of each row by all three and fails where they part in a way
that nobody has explained. Here it is given rows of every form that there is, what it says when one of
the three is wrong is looked at, and readelf says whether it has seen all rows of a library: of libc
and libcrypto, with RTSAMPLE_LONG=1 also of libstdc++, libLLVM, python3 and node.
"""
import platform
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

CFI_ROWS = os.path.join(os.environ.get("top_builddir", "."), "tests/oracles/cfi_rows")
ODD_ROWS = os.path.join(os.path.dirname(HERE), "oracles/odd_rows.s")
LONG = os.environ.get("RTSAMPLE_LONG")


def compare(*arguments):
    """The exit status, and what it prints, line by line."""
    result = subprocess.run([CFI_ROWS, *arguments], capture_output=True, text=True)
    note(result.stdout + result.stderr)
    return result.returncode, result.stdout.splitlines()


def findings(lines):
    """[(kind, subject, says, address of an example)], None as the kind of what is not explained."""
    found = []
    for line in lines:
        match = re.match(r" +\d+  (NOT EXPLAINED|\S+) +(\S+) +(\S+)  0x([0-9a-f]+)", line)
        if match:
            kind = match[1] if match[1] != "NOT EXPLAINED" else None
            found.append((kind, match[2], match[3], int(match[4], 16)))
    return found


def odd_rows():
    if platform.machine() != "x86_64":
        raise Skip("the rows are of x86-64")
    path = os.path.join(WORK, "odd_rows.so")
    command = [os.environ.get("CC", "cc"), "-shared", "-nostdlib", "-o", path, ODD_ROWS]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise Skip("assembling: " + result.stderr)
    return path


def need_libdw(status):
    if status == 77:
        raise Skip("libdw does not give registers of frames (before 0.188)")


# --- The steps -----------------------------------------------------------------------------------


def forms():
    """all three step alike out of rows of every form, but for the known kinds, each in its function"""
    path = odd_rows()
    status, lines = compare(path)
    need_libdw(status)
    problems = [] if status == 0 else ["exit status %d" % status]
    nm = subprocess.run(["nm", "-S", path], stdout=subprocess.PIPE, text=True).stdout
    functions = [
        (int(line[0], 16), int(line[0], 16) + int(line[1], 16), line[3])
        for line in map(str.split, nm.splitlines())
        if len(line) == 4
    ]
    with open(ODD_ROWS, encoding="utf-8") as file:
        parting = re.findall(r"^function (\w+)$", file.read().partition("where they part")[2], re.M)
    seen = set()
    for kind, subject, says, address in findings(lines):
        name = next((name for start, end, name in functions if start <= address < end), None)
        seen.add(name)
        if not kind or name != kind.replace("-", "_"):
            problems.append("%s: %s %s in %s" % (kind, subject, says, name))
    if seen != set(parting):
        problems.append("they part in %s, not in %s" % (sorted(seen), sorted(parting)))
    return problems


def wrong():
    """a register that one of them has wrong by eight is said to be so, and fails the test"""
    path = odd_rows()
    problems = []
    for register in ("rbp", "r12", "rsp", "rip"):
        status, lines = compare("--wrong", register, path)
        need_libdw(status)
        subjects = {subject for kind, subject, *_ in findings(lines) if not kind}
        if status != 1 or subjects != {register}:
            problems.append("%s: status %d, %s" % (register, status, subjects))
    return problems


def rows_of(path):
    """(FDEs, rows) as readelf counts them: a row ends where the next one begins."""
    command = ["readelf", "--debug-dump=frames-interp", "--wide", path]
    functions = rows = 0
    end = before = None

    def close():
        # One that has no row of its own has that of its CIE.
        return end is not None and (before is None or before < end)

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as readelf:
        for line in readelf.stdout:
            match = re.search(r" FDE .*pc=([0-9a-f]+)\.\.([0-9a-f]+)", line)
            if match or " CIE " in line:
                rows += close()
                before = None
                end = int(match[2], 16) if match and match[1] != match[2] else None
                functions += bool(match) and match[1] != match[2]
            elif end is not None and re.match(r"[0-9a-f]{16} ", line):
                at = int(line[:16], 16)
                rows += before is not None and before < at
                before = at
    return functions, rows + close()


def library(name):
    """The path of a shared library whose name begins so."""
    command = [shutil.which("ldconfig") or "/sbin/ldconfig", "-p"]
    try:
        listed = subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout
    except FileNotFoundError:
        listed = ""
    bits = " (libc6,x86-64" if platform.machine() == "x86_64" else " ("
    for line in listed.splitlines():
        if line.strip().startswith(name) and bits in line:
            return os.path.realpath(line.split(" => ")[1])
    return None


def program(name):
    found = shutil.which(name)
    return os.path.realpath(found) if found else None


def check_file(name, path):
    about_it = "%s: the three agree on all rows that readelf has, or it is explained why not" % name
    if not path:
        skip(about_it, "it is not installed")
        return
    if not shutil.which("readelf"):
        raise Skip("readelf is not installed")
    status, lines = compare(path)
    need_libdw(status)
    problems = [] if status == 0 else ["exit status %d" % status]
    match = re.search(r": (\d+) functions, (\d+) rows;", lines[0]) if lines else None
    seen = (int(match[1]), int(match[2])) if match else None
    expected = rows_of(path)
    if seen != expected:
        problems.append("functions and rows: %s, readelf has %s" % (seen, expected))
    ok(about_it, problems)


def libraries():
    check_file("libc", library("libc.so.6"))
    check_file("libcrypto", library("libcrypto.so"))


def more_files():
    if not LONG:
        raise Skip("libstdc++, libLLVM, python3 and node are gone through with RTSAMPLE_LONG=1")
    check_file("libstdc++", library("libstdc++.so.6"))
    check_file("libLLVM", library("libLLVM"))
    check_file("python3", program("/usr/bin/python3") or program("python3"))
    check_file("libpython3", library("libpython3"))
    check_file("node", program("node"))


skip_in("user", "sanitizers")
if platform.machine() != "x86_64":
    skip_all("the kinds were looked into on x86-64 only")
run_steps(forms, wrong, libraries, more_files)
