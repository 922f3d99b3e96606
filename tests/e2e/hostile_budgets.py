#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nobody uses up what is shared: while an ordinary user does his worst to the tables of root's rtsample, a
program of root's has the facts that it has without him, memory and files stay within bounds, and it is said
whose things were let go of, without his name."""
import sys

sys.dont_write_bytecode = True
from hostile_lib import *  # noqa

import base64
import hashlib
import lzma
import struct
import threading
import zlib

skip_in("user", "sanitizers")

SECONDS = 12 if LONG else 3
RSS_MAX_KIB = 300 << 10
BUILD_ID = "b0dd" * 10
CC = os.environ.get("CC", "cc").split()[0]


# It waits for nobody, so that what it does with its CPU time does not depend on what others do.
VICTIM = """
import hashlib, json, re
while True:
    for i in range(20):
        hashlib.sha256(b"x" * 20000)
        json.loads("[" + "1," * 500 + "1]")
        re.compile("a|b*c" + str(i)).match("bbbbc" * 50)
        sorted(str(n) for n in range(500))
"""


def digest_of(uid):
    with open("/etc/machine-id", encoding="ascii") as file:
        key = file.read().strip()
    return hashlib.sha256(("rtsample owner %s %d" % (key, uid)).encode()).hexdigest()[:8]


def give_away(path):
    os.chown(path, NOBODY, NOBODY)
    os.chmod(path, 0o755)
    return path


def compile_c(name, source, *options):
    path = os.path.join(WORK, name)
    command = [CC, "-x", "c", "-", "-O1", "-o", path, "-Wl,--build-id=0x" + BUILD_ID, *options]
    result = subprocess.run(command, input=source, text=True, capture_output=True)
    if result.returncode != 0:
        raise Skip("no program can be made: " + result.stderr)
    return path


def add_sections(path, *added):
    """Appends sections (name, type, flags, content, link to the next of them, size of an entry) to a file
    of ELF."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    (at,) = struct.unpack_from("<Q", data, 40)
    count, names_index = struct.unpack_from("<HH", data, 60)
    headers = [list(struct.unpack_from("<IIQQQQIIQQ", data, at + 64 * i)) for i in range(count)]
    names = headers[names_index]
    texts = bytearray(data[names[4] : names[4] + names[5]])
    for name, kind, flags, content, link, entry in added:
        data += b"\0" * (-len(data) % 16)
        header = [len(texts), kind, flags, 0, len(data), len(content), len(headers) + 1 if link else 0, 0, 8, entry]
        headers.append(header)
        texts += name.encode() + b"\0"
        data += content
    names[4], names[5] = len(data), len(texts)
    data += texts + b"\0" * (-len(texts) % 16)
    struct.pack_into("<Q", data, 40, len(data))
    struct.pack_into("<H", data, 60, len(headers))
    for header in headers:
        data += struct.pack("<IIQQQQIIQQ", *header)
    with open(path, "wb") as file:
        file.write(data)
    return path


# --- the victim ------------------------------------------------------------------------------------


victim = None
alone = {}


def sample_beside(*attackers, later=0, watch=None, program=()):
    """{way: run} of the victim beside attackers, for a time that grows until it had enough of the CPUs, and
    for `later` seconds more. watch(way, sampling) is called by a thread for each."""
    pids = [*(attacker.pid for attacker in attackers), victim.pid]
    metrics = os.path.join(WORK, "metrics{way}")
    for length in (SECONDS, 3 * SECONDS, 9 * SECONDS):
        options = ("-F", 499, "-d", length + later, "--emit", "process", "--metrics", metrics)
        samplings = start_ways(pids, *options, program=program)
        watchers = [threading.Thread(target=watch, args=item) for item in samplings.items()] if watch else []
        for watcher in watchers:
            watcher.start()
        runs = finish_ways(samplings)
        for watcher in watchers:
            watcher.join()
        if all(samples_of(run, victim.pid) >= 150 for run in runs.values()):
            break
    for way, run in runs.items():
        run.way, run.beside = way, Seen(run, victim.pid)
        with open(metrics.replace("{way}", way), encoding="utf-8") as file:
            run.metrics = file.read()
    return runs


def begin():
    """a program of root's is sampled alone"""
    global victim
    victim = Target(system_program("python3"), "-c", VICTIM, ready=False)
    at_end(victim.stop)
    runs = sample_beside()
    for way, run in runs.items():
        alone[way] = run.beside
        note("%s: %d samples, %d functions" % (way, run.beside.samples, len(run.beside.functions)))
    return in_each(runs, lambda run: ["only %d samples" % run.beside.samples] if run.beside.samples < 100 else [])


def judge(run, said=None):
    """What must hold whatever the attack was."""
    beside = run.beside
    problems = differences(alone[run.way], beside)
    peak = run.stats["self"]["peak_rss_kib"]
    owners, digest = run.stats["memory"].get("owners", {}), digest_of(NOBODY)
    note(
        "%s: victim: %d samples; peak %d MiB, facts %d KiB, owners %s"
        % (run.way, beside.samples, peak >> 10, len(run.output) >> 10, json.dumps(owners))
    )
    if peak > RSS_MAX_KIB:
        problems.append("%d KiB of memory" % peak)
    if len(run.output) > 32 << 20:
        problems.append("%d bytes of facts" % len(run.output))
    longest = max(
        (len(text.encode()) for fact in run.facts for key, text in fact["metadata"].items() if key != "aliases"),
        default=0,
    )
    if longest > 1024:
        problems.append("a name of %d bytes" % longest)
    for text in (run.stderr, run.metrics, json.dumps(run.stats["memory"])):
        if re.search(r"\b%d\b|nobody" % NOBODY, text):
            problems.append("names the user: %s" % text[:500])
    lines = [line for line in run.stderr.splitlines() if "owner " in line]
    if len(lines) != len({line.split()[2] for line in lines}):
        problems.append("said more than once: %s" % lines)
    if said and not any(digest in line and said in line for line in lines):
        problems.append("it is not said that %s has too many %s: %s" % (digest, said, run.stderr))
    if said and digest not in owners:
        problems.append("nothing of %s was let go of: %s" % (digest, owners))
    for owner in owners:
        if 'rtsample_memory_owner_evictions_total{owner="%s"}' % owner not in run.metrics:
            problems.append("no metric of %s" % owner)
    return problems


# --- the attacks -----------------------------------------------------------------------------------


def long_names_program():
    """(path, {the first half of a name's digest: the name})"""
    count, length = (12000 if LONG else 3000), 16000
    body = ["\t.text\n"]
    for i in range(count):
        body.append(
            "f%d:\n.cfi_startproc\nsub $8,%%rsp\n.cfi_adjust_cfa_offset 8\ndec %%rdi\njz 1f\ncall f%d\n"
            "1: mov $300,%%rcx\n2: dec %%rcx\njnz 2b\nadd $8,%%rsp\n.cfi_adjust_cfa_offset -8\nret\n.cfi_endproc\n"
            % (i, (i + 1) % count)
        )
    body.append(".globl table\n.data\ntable:\n" + "".join(".quad f%d\n" % i for i in range(count)))
    assembly = os.path.join(WORK, "wide.s")
    with open(assembly, "w", encoding="ascii") as file:
        file.write("".join(body))
    source = "extern void *table[]; int main(void) { for (long i = 0;; i = (i + 100) %% %d) " % count
    path = compile_c("wide", source + "((void (*)(long))table[i])(100); }", "-no-pie", "-x", "assembler", assembly)
    listed = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
    places = {words[2]: int(words[0], 16) for words in map(str.split, listed.splitlines()) if len(words) == 3}
    subprocess.run(["strip", path], check=True)
    # Four share a string, as linkers do it: what is copied of them apart is four times the file.
    strings = bytearray(b"\0")
    symbols, names = bytearray(24), {}
    for i in range(count):
        if i % 4 == 0:
            strings += b"%08d" % i + b"n" * (length - 8) + b"\0"
        start = len(strings) - length - 1 + i % 4
        name = bytes(strings[start:-1])
        names[hashlib.sha256(name).hexdigest()[:16]] = name
        symbols += struct.pack("<IBBHQQ", start, 0x12, 0, 1, places["f%d" % i], 30)
    give_away(add_sections(path, (".symtab", 2, 0, symbols, True, 24), (".strtab", 3, 0, strings, False, 0)))
    return path, names


def wrong_names(facts, names):
    """What is wrong with names that were cut."""
    problems, checked = [], 0
    for fact in facts:
        beginning, _, digest = fact["metadata"]["symbol"].partition("\u2026#sha256:")
        if not digest:
            continue
        name = names.get(digest)
        whole = hashlib.sha256(b"\0".join((BUILD_ID.encode(), b".text", name or b""))).digest()
        expected = "sym:binary:" + base64.urlsafe_b64encode(whole).decode().rstrip("=")
        if not name or not name.startswith(beginning.encode()) or fact["symbolId"] != expected:
            problems.append("not of its name: %.100s" % fact["line"])
        checked += 1
    note("%d facts of the attacker, %d names checked" % (len(facts), checked))
    return problems[:20] if checked >= 100 else problems[:20] + ["only %d long names" % checked]


def long_names_attack():
    return [Target(long_names_program()[0], ready=False, preexec_fn=as_nobody)]


def long_names():
    """thousands of functions with names of 16 KiB: cut with their digest, ids of the whole, and the user pays"""
    path, names = long_names_program()
    with Target(path, ready=False, preexec_fn=as_nobody) as attacker:
        runs = sample_beside(attacker)

    def check(run):
        theirs = [fact for fact in run.facts if fact.get("processId") == attacker.pid]
        return judge(run, "its share" if LONG else None) + wrong_names(theirs, names)

    return in_each(runs, check)


def run_copies(path, count, seconds, name):
    """Copies of a program that differ, one after the other, each for so long."""
    script = os.path.join(WORK, name)
    with open(script, "w", encoding="utf-8") as file:
        for i in range(count):
            copy = "%s.%d" % (path, i)
            shutil.copy(path, copy)
            with open(copy, "ab") as out:
                out.write(b"%d" % i)
            give_away(copy)
        file.write("while :; do i=0; while [ $i -lt %d ]; do timeout %s %s.$i; i=$((i+1)); done; done" % (count, seconds, path))
    return Target("sh", script, ready=False, preexec_fn=as_nobody)


SPIN = "int main(void) { for (volatile long x = 0;; x++); }"


def many_files_attack():
    return [run_copies(compile_c("brief", SPIN), 1000 if LONG else 400, 0.01, "brief.sh")]


def many_files():
    """hundreds of programs, one after the other, with few open files allowed: never more than the half of them"""
    # Beside the half for files there are 64 of a database of packages at a time, and the events.
    limit = 256 + 4 * os.cpu_count()
    most = {}

    def count_files(way, sampling):
        while sampling.process.poll() is None:
            try:
                most[way] = max(most.get(way, 0), len(os.listdir("/proc/%d/fd" % sampling.pid)))
            except OSError:
                pass
            time.sleep(0.02)

    def check(run):
        note("%s: at most %d of %d files, %d processes"
             % (run.way, most[run.way], limit, run.stats["samples"]["processes"]))  # fmt: skip
        wrong = ["%d of %d files are open" % (most[run.way], limit)] if most[run.way] > limit * 7 // 8 else []
        return judge(run) + wrong

    attackers = many_files_attack()
    runs = sample_beside(*attackers, program=["prlimit", "--nofile=%d:%d" % (limit, limit)], watch=count_files)
    end_all(attackers)
    return in_each(runs, check)


def packed_debug_attack():
    path = compile_c("packed", SPIN)
    zeros = bytes(100 << 20)
    info = struct.pack("<IIQQ", 1, 0, len(zeros), 1) + zlib.compress(zeros, 1)
    mini = lzma.compress(zeros, preset=0)
    subprocess.run(["strip", path], check=True)
    add_sections(path, (".debug_info", 1, 0x800, info, False, 0), (".debug_frame", 1, 0x800, info, False, 0))
    add_sections(path, (".debug_abbrev", 1, 0, b"\0", False, 0), (".gnu_debugdata", 1, 0, mini, False, 0))
    attacker = run_copies(path, 20, 0.2, "packed.sh")
    attacker.size = os.path.getsize(path)
    return [attacker]


def packed_debug():
    """programs with 100 MiB of debug information in as many KiB: not worth its memory"""
    (attacker,) = packed_debug_attack()
    runs = sample_beside(attacker)
    attacker.stop()

    def check(run):
        problems, peak = judge(run), run.stats["self"]["peak_rss_kib"]
        if peak > 110 << 10:
            problems.append("%d KiB for files of %d" % (peak, attacker.size >> 10))
        if not any(fact["processName"].startswith("packed") for fact in run.facts):
            problems.append("the attacker was not sampled")
        return problems

    return in_each(runs, check)


MANY_MAPPINGS = """
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
int main(int count, char **words)
{
    int fd = open(words[0], O_RDONLY);
    for (int i = 0; i < %d; i++)
        mmap(NULL, 4096, PROT_READ | (i %% 2 ? PROT_EXEC : 0), MAP_PRIVATE, fd, 0);
    printf("ready\\n");
    fflush(stdout);
    sleep(2);
    for (int i = 0; i < %d; i++)
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
            for (volatile long x = 0; x < 20000000; x++);
            pause();
        }
    pause();
}
"""


def mappings_attack():
    return [Target(give_away(compile_c("mapper", MANY_MAPPINGS % (40000, 150))), preexec_fn=as_nobody)]


def mappings():
    """a process with thousands of mappings, and children that change one of them each: others keep theirs"""
    (attacker,) = mappings_attack()
    runs = sample_beside(attacker, later=2)
    attacker.stop()

    def check(run):
        problems, peak = judge(run, "mappings"), run.stats["self"]["peak_rss_kib"]
        if peak > 150 << 10:
            problems.append("%d KiB, with %s" % (peak, run.stats["memory"]["peak"]))
        return problems

    return in_each(runs, check)


def common_tables_attack():
    """A program with a frame of another size in each of its functions, which call each other in any order."""
    count = 3000
    body = ["\t.text\n"]
    for i in range(count):
        size = 8 + 16 * (i % 400)
        body.append(
            "f%d:\n.cfi_startproc\nsub $%d,%%rsp\n.cfi_adjust_cfa_offset %d\ndec %%rdi\njz 1f\n"
            "imul $1103515245,%%rsi,%%rsi\nadd $12345,%%rsi\nmov %%rsi,%%rax\nshr $24,%%rax\nmov $0,%%edx\n"
            "mov $%d,%%ecx\ndiv %%rcx\ncall *table(,%%rdx,8)\n"
            "1: mov $300,%%rcx\n2: dec %%rcx\njnz 2b\nadd $%d,%%rsp\n.cfi_adjust_cfa_offset -%d\nret\n.cfi_endproc\n"
            % (i, size, size, count, size, size)
        )
    body.append(".globl table\n.data\ntable:\n" + "".join(".quad f%d\n" % i for i in range(count)))
    assembly = os.path.join(WORK, "many.s")
    with open(assembly, "w", encoding="ascii") as file:
        file.write("".join(body))
    source = "extern void *table[]; int main(void) { for (long i = 0;; i++) "
    source += "((void (*)(long, long))table[i %% %d])(3, i * 977); }" % count
    path = give_away(compile_c("many", source, "-no-pie", "-x", "assembler", assembly))
    return [Target(path, ready=False, preexec_fn=as_nobody)]


def common_tables():
    """stacks, rules and lines of facts without end, where there is room for few: they are made again, or come
    early, and nobody loses any"""
    (attacker,) = common_tables_attack()
    runs = sample_beside(attacker, later=5, program=("env", "Sampler__MaxMemoryBytes=%d" % (4 << 20)))
    attacker.stop()

    def check(run):
        evictions = run.stats["memory"]["evictions"]
        note("%s: evictions: %s" % (run.way, evictions))
        full = evictions["rules"] > 0 and evictions["window"] > 0
        return judge(run) + ([] if full else ["the tables had room: %s" % run.stats["memory"]])

    return in_each(runs, check)


if __name__ == "__main__":
    if not IS_ROOT:
        skip_all("it takes root to sample what others run")
    require_sampling()
    run_steps(begin, long_names, many_files, *([packed_debug, mappings] if LONG else []), common_tables)
