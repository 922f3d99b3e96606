#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Names and answers that others chose, on the way to a person: whatever is in them, each message is
one line of UTF-8 in which everything can be seen. And what is written, where others may write too: who
may read it, and whose folder, link or file is taken for it."""
import pty
import socket
import sys
import threading
import unicodedata
import zipfile

sys.dont_write_bytecode = True
from delivery_lib import *  # noqa
from hostile_lib import as_nobody, in_each, sample_ways  # noqa
from trace_maker import Event, file_trace, machine_features, usual_records  # noqa

skip_in("user")

# The title of a window, a cleared screen, C1 alone and as UTF-8, another direction, a byte order mark, a
# separator of lines, a tag, no UTF-8 at all, and a line that looks like one of ours.
EVIL = b"x\x1b]0;owned\x07\x1b[2J\x9b8m\xc2\x9b8m\xe2\x80\xae\xef\xbb\xbf\xe2\x80\xa8\xf3\xa0\x81\x81\xff\nrtsample: fine"
UNSEEN = ("Cc", "Cf", "Zl", "Zp", "Cs")


def wrong_in(said, *wanted):
    """What is wrong with the bytes that a person was shown; `wanted` has to be among them."""
    problems = []
    text = said.decode("utf-8", "surrogateescape")
    for character in sorted(set(text) - {"\n"}):
        if unicodedata.category(character) in UNSEEN:
            problems.append("%r in %r" % (character, text))
    problems += ["a line of somebody else's: %r" % line for line in text.splitlines() if line == "rtsample: fine"]
    problems += ["no %r in %r" % (piece, text) for piece in wanted if piece not in text]
    return problems


def run(*words, environment=(), **options):
    """(exit status, standard output, standard error), as bytes"""
    done = subprocess.run([RTSAMPLE, *words], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=STUCK_SECONDS, env={**os.environb, **dict(environment)}, **options)
    return done.returncode, done.stdout, done.stderr


def evil_program():
    return copy_of("busy", os.fsdecode(EVIL.replace(b"/", b"")))


def own_folder():
    return tempfile.mkdtemp(dir=WORK)


def names_of_files():
    """the summary and a replay show the name of a program as it is, and no terminal takes it for more"""
    folder, program = own_folder(), evil_program()
    trace, shown = os.path.join(folder, "trace"), "x\\x1b]0;owned\\x07\\x1b[2J\\x9b8m\\u009b8m\\u202e\\ufeff\\u2028"
    for seconds in (0.5, 3, 10):
        _, out, said = run("-o", os.devnull, "--record", trace, "-d", str(seconds), "--", program)
        if b"Hottest functions" in said:
            break
    problems = wrong_in(out + said, "[" + shown)
    os.unlink(program)
    _, out, said = run("replay", "-o", os.devnull, trace)
    problems += wrong_in(out + said, shown)
    # One that has no names in it, so that the file is looked for.
    event = Event()
    data = usual_records(event, mapping=event.mmap2(11, path=b"/nowhere/" + EVIL, build_id=b"x" * 20))
    with open(trace, "wb") as file:
        file.write(file_trace([event], data, machine_features(build_ids=())))
    _, out, said = run("replay", "-o", os.devnull, trace)
    return problems + wrong_in(out + said, "no names for /nowhere/" + shown + "\\U000e0041\\xff\\nrtsample: fine: ")


def names_of_functions():
    """names with bytes that are no UTF-8 are valid JSON in facts, account and union bundle, have ids of their
    own, and are the same in a replay"""
    folder = own_folder()
    source, program = os.path.join(folder, "source.c"), os.path.join(folder, "program")
    plain = [b"placeholder_for_name_%s" % (letter * 20) for letter in (b"a", b"b")]
    evil = [(b"_Z\x1b]0;owned\x07\x9b\xc2\x9b\xe2\x80\xae\"\\\n" + last).ljust(len(plain[0]), b"x") for last in (b"\xff", b"\xfe")]
    with open(source, "w", encoding="ascii") as file:
        for name in plain:
            file.write("__attribute__((noinline)) void %s(void)\n{\n" % name.decode())
            file.write("    for (volatile long i = 0; i < 20000000; i++)\n        ;\n}\n")
        file.write("int main(void)\n{\n    for (;;) {\n%s    }\n}\n" % "".join("%s();\n" % name.decode() for name in plain))
    if subprocess.run([*os.environ.get("CC", "cc").split(), "-O1", "-o", program, source],
                      stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("there is no compiler")
    with open(program, "rb") as file:
        content = file.read()
    for name, other in zip(plain, evil):
        content = content.replace(name, other)
    with open(program, "wb") as file:
        file.write(content)
    words = [word for option in outputs(folder).values() for word in option]
    problems, wanted = [], {name.decode("utf-8", "replace") for name in evil}
    for seconds in (1, 3, 10):
        status, out, said = run(*words, "-d", str(seconds), "--", program)
        with open(os.path.join(folder, "facts"), "rb") as file:
            content = file.read()
        facts = [json.loads(line) for line in content.decode().splitlines()]
        ids = {fact["symbolId"] for fact in facts if fact["metadata"]["symbol"] in wanted}
        if len(ids) == 2:
            break
    if len(ids) != 2:
        problems.append("the ids are %s; status %d, %r" % (ids, status, said))
    problems += wrong_in(content) + wrong_in(out + said, "\\x1b]0;owned\\x07\\x9b\\u009b\\u202e\"\\\\n\\xff", "\\xfex")
    with open(os.path.join(folder, "stats"), "rb") as file:
        account = file.read()
    problems += wrong_in(account) + ([] if json.loads(account) else ["an empty account"])
    if ARCHIVES:
        with zipfile.ZipFile(os.path.join(folder, "union")) as archive:
            for name in archive.namelist():
                part = archive.read(name)
                problems += wrong_in(part)
                for line in part.splitlines():
                    json.loads(line.decode())
    _, out, said = run("replay", "-o", "-", os.path.join(folder, "trace"))
    # Of a run that ends what is beside others' files is waited for so long and no longer; not so in a replay.
    lines = [[line for line in text.splitlines() if json.loads(line)["metadata"]["module"] == "program"]
             for text in (content.decode(), out.decode())]
    if lines[0] != lines[1]:
        problems.append("a replay has other facts: %s" % lines)
    return problems + wrong_in(said)


def names_of_processes():
    """doctor shows the name that a process gave itself, and the facts have it as valid JSON"""
    code = "import ctypes,sys\nctypes.CDLL(None).prctl(15,sys.argv[1].encode('utf-8','surrogateescape'))\n"
    code += "print('ready',flush=True)\nwhile True: pass"
    problems = []
    for name in (b"\x1b]0;me\x07\x9bAm", b"\xe2\x80\xaea\xc2\x9b2J\xff", b"a\nrtsample: b"):
        with Target(sys.executable, "-c", code, os.fsdecode(name)) as target:
            with open("/proc/%d/comm" % target.pid, "rb") as file:
                comm = file.read()[:-1]
            _, report, said = run("doctor", "-p", str(target.pid))
            problems += wrong_in(report + said, "process %d" % target.pid)
            _, report, said = run("doctor", "--json", "-p", str(target.pid))
            problems += wrong_in(report + said)
            json.loads(report)
            for seconds in (0.5, 3, 10):
                status, facts, said = run("-o", "-", "--emit", "process", "-d", str(seconds), "-p", str(target.pid))
                if facts or status:
                    break
            problems += wrong_in(said) + wrong_in(facts)
            for line in facts.decode().splitlines():
                if b"\n" not in comm and json.loads(line)["processName"] != comm.decode("utf-8", "replace"):
                    problems.append("%s is not %r" % (line, comm))
            if not facts:
                problems.append("no fact: %r" % said)
    return problems


PLAIN_FUNCTION = b"placeholder_for_the_name_of_a_function"
EVIL_FUNCTION = b"_Z\x1b]0;owned\x07\x9b\xc2\x9b\xe2\x80\xae\"\\\n\xff".ljust(len(PLAIN_FUNCTION), b"x")


def names_attack():
    """A program of nobody's whose file, process and functions have such names."""
    folder, plain = own_folder(), PLAIN_FUNCTION.decode()
    os.chmod(folder, 0o755)
    source, program = os.path.join(folder, "source.c"), os.path.join(os.fsencode(folder), EVIL.replace(b"/", b""))
    with open(source, "w", encoding="ascii") as file:
        file.write('#include <stdio.h>\n#include <sys/prctl.h>\nvoid %s(void)\n{\n' % plain)
        file.write("    for (volatile long i = 0; i < 20000000; i++)\n        ;\n}\nint main(void)\n{\n")
        file.write('    prctl(PR_SET_NAME, "\\x1b]0;me\\a\\x9b\\n");\n    puts("ready");\n    fflush(stdout);\n')
        file.write("    for (;;)\n        %s();\n}\n" % plain)
    if subprocess.run([*os.environ.get("CC", "cc").split(), "-O1", "-fno-inline", "-o", program, source],
                      stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("there is no compiler")
    with open(program, "rb") as file:
        content = file.read()
    with open(program, "wb") as file:
        file.write(content.replace(PLAIN_FUNCTION, EVIL_FUNCTION))
    return [Target(os.fsdecode(program), preexec_fn=as_nobody)]


def names_of_others():
    """somebody else's program with such names of file, process and functions, sampled by its id and with all"""
    (attacker,) = names_attack()
    with attacker:
        runs = sample_ways([attacker.pid], "--emit", "process", "-F", 199,
                           enough=lambda run: run.find(EVIL_FUNCTION.decode("utf-8", "replace")))

    def check(run):
        theirs = [fact["line"] for fact in run.facts if fact.get("processId") == attacker.pid]
        problems = [] if theirs else ["it is not sampled"]
        return problems + wrong_in(run.stderr.encode("utf-8", "surrogateescape")) + wrong_in(b"\n".join(theirs))

    return in_each(runs, check)


def answers_of_servers():
    """what a server says is quoted as text, from each form of an answer, be it of success"""
    text = EVIL.decode("utf-8", "replace")
    bodies = (
        json.dumps({"error": text}),
        json.dumps({"error": {"code": text, "message": text}}),
        json.dumps({"title": text, "detail": text}),
        text,
    )
    problems = []
    path, _ = write_facts(3)
    for status, body in [(400, body) for body in bodies] + [(503, bodies[0]), (202, json.dumps({"SubjectKey": text}))]:
        with Server([{"always": True, "status": status, "body": body}]) as server:
            _, out, said = run("send", "--endpoint", server.url(), *WHO, path,
                               environment={b"Ingest__RetryMs": b"20", b"Ingest__RetryMaxMs": b"50"})
            problems += wrong_in(out + said, "rtsample: ")
            if body is not bodies[3] and b"\\u202e" not in said:
                problems.append("status %d with %r: %r" % (status, body, said))
    return problems


def talkative_server():
    """a server that refuses each batch in other words fills no log"""
    path, _ = write_facts(60)
    plan = [{"first": 1, "status": 400, "body": json.dumps({"error": "no %d" % number})} for number in range(60)]
    with Server(plan) as server:
        _, _, said = run("send", "--endpoint", server.url(), *WHO, path, environment={b"Ingest__BatchSize": b"1"})
        requests = len(server.requests)
    lines = [line for line in said.decode().splitlines() if "refuses facts" in line]
    problems = wrong_in(said, "its other answers are not reported")
    if requests != 60 or len(lines) != 20 or len(set(lines)) != 20:
        problems.append("%d requests, %d lines: %r" % (requests, len(lines), said))
    return problems


class Endless:
    """A server that answers with this, again and again, until nobody listens any more."""

    def __init__(self, begin, piece):
        self.begin, self.piece, self.sent = begin, piece, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(65536)
                    connection.sendall(self.begin)
                    while self.sent < 1 << 28:
                        connection.sendall(self.piece)
                        self.sent += len(self.piece)
                except OSError:
                    pass

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


def endless_answers():
    """an answer whose headers, interim answers, trailers or body do not end is given up soon"""
    header, problems = b"X-More: " + b"a" * 1000 + b"\r\n", []
    chunked = b"HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n"
    for name, begin, piece, wanted in (
        ("headers", b"HTTP/1.1 202 Accepted\r\n", header, "headers of its answer do not end"),
        ("one header", b"HTTP/1.1 202 Accepted\r\nX-Long: ", b"a" * 1000, "takes no facts"),
        ("interim answers", b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 40, "headers of its answer do not end"),
        ("trailers", chunked + b"0\r\n", header, "headers of its answer do not end"),
        ("body", chunked, b"3e8\r\n" + b"a" * 1000 + b"\r\n", "status 400"),
    ):
        path, stats = write_facts(1)[0], os.path.join(own_folder(), "stats")
        server = Endless(begin, piece)
        status, out, said = run(
            "send", "--endpoint", "http://127.0.0.1:%d/" % server.listener.getsockname()[1], *WHO, "--stats", stats, path,
            environment={b"Ingest__RetryMs": b"20", b"Ingest__RetryMaxMs": b"50"},
        )
        server.stop()
        with open(stats, encoding="utf-8") as file:
            counts = json.load(file)
        problems += wrong_in(out + said, wanted)
        # Six attempts, each with what the sockets hold beside what is read.
        if status == 0 or counts["delivery"]["accepted"] or server.sent > 6 * 16 << 20:
            problems.append("%s: status %d, %d bytes, %r" % (name, status, server.sent, said))
    return problems


def names_in_a_spool():
    """files in a spool that are no batches are named in one line each"""
    folder = own_folder()
    os.chmod(folder, 0o700)
    with open(os.path.join(folder, "lock"), "w", encoding="ascii"):
        pass
    for name in (EVIL, b"20260101T000000.000Z-\x1b]0;owned\x07.fact", b"\xe2\x80\xae.batch"):
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            file.write(b"junk")
    _, out, said = run("send", "--endpoint", "http://127.0.0.1:9/signals/runtime-facts/ndjson", folder)
    return wrong_in(out + said, "\\x1b]0;owned\\x07", "\\u202e.batch", "it is not a batch")


def lines_that_are_sent():
    """a line that is no fact is quoted as text, with the name of its file"""
    path = os.path.join(own_folder(), os.fsdecode(EVIL.replace(b"/", b"")))
    with open(path, "wb") as file:
        for key in (b"\xc2\x9b1", b"\xe2\x80\xae", b"\x1b]0;owned\x07", b"\xff"):
            file.write(b'{"symbolId":"s","hitCount":1,"' + key + b'":2}\n')
    _, out, said = run("send", "--endpoint", "http://127.0.0.1:9/signals/runtime-facts/ndjson", *WHO, path)
    return wrong_in(out + said, "\\u009b1 ", "\\u202e ", "is not UTF-8", "control character")


def settings():
    """keys and values of a settings file, variables, options and names of control groups"""
    problems = []
    path = os.path.join(own_folder(), "settings.json")
    key = json.dumps(EVIL.decode("utf-8", "replace"))
    for content in ("{%s:1}" % key, '{"Sampler":{%s:1}}' % key, '{"Sampler":{"Ratio":%s}}' % key, "{%s" % key):
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        status, out, said = run("-c", path, "-a")
        problems += wrong_in(out + said, "rtsample: ")
        if status != 2:
            problems.append("%s: exit status %d" % (content, status))
    for words, environment in (
        (["--" + os.fsdecode(EVIL)], {}),
        (["-c", EVIL, "-a"], {}),
        (["-F", EVIL, "-a"], {}),
        (["-p", EVIL], {}),
        (["--cgroup", b"/" + EVIL], {}),
        (["--container", EVIL], {}),
        (["-o", b"/nowhere/" + EVIL, "-a"], {}),
        (["--", b"/nowhere/" + EVIL], {}),
        (["-a"], {b"Sampler__" + EVIL: b"1"}),
        (["-a"], {b"Sampler__Ratio": EVIL}),
        ([EVIL], {}),
        (["replay", EVIL], {}),
        (["send", "--endpoint", b"http://127.0.0.1:9/" + EVIL, path], {}),
    ):
        status, out, said = run(*words, environment=environment)
        problems += wrong_in(out + said, "rtsample: ")
        if status == 0 or not said:
            problems.append("%r: exit status %d: %r" % (words, status, said))
    return problems


def terminal():
    """on a terminal the only controls are those that redraw our own line"""
    program = evil_program()
    ours, theirs = pty.openpty()
    with subprocess.Popen([RTSAMPLE, "-o", os.devnull, "-d", "2", "--", program], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            said += piece
        process.wait()
    os.close(ours)
    return wrong_in(said.replace(b"\r\n", b"\n").replace(b"\r\x1b[K", b""), "\\x1b]0;owned")


# --- What is written ---

OTHER = 65534  # neither root nor whoever runs this


def mode_of(path):
    return os.lstat(path).st_mode & 0o7777


ARCHIVES = b"archives: no" not in run("--version")[1]


def outputs(folder):
    """Every option that names a file to be written: {name of the file: words}"""
    options = {"facts": "-o", "stats": "--stats", "trace": "--record", "metrics": "--metrics"}
    options.update({"union": "--union"} if ARCHIVES else {})
    return {name: [option, os.path.join(folder, name)] for name, option in options.items()}


def for_all_to_write():
    folder = own_folder()
    os.chmod(folder, 0o1777)
    return folder


def busy_run(*words, **options):
    return run(*words, "-d", "0.3", "--", build("busy"), **options)


def modes():
    """under a umask that takes nothing away, files are created 0600 and folders 0700; metrics 0644"""
    folder, problems = own_folder(), []
    words = [word for option in outputs(folder).values() for word in option]
    words += ["--cas", os.path.join(folder, "cas")] if ARCHIVES else []
    words += ["--spool", os.path.join(folder, "spool"), *WHO]
    words += ["--endpoint", "http://127.0.0.1:9/signals/runtime-facts/ndjson"]
    environment = {b"SymbolCapture__CacheDirectory": os.fsencode(os.path.join(folder, "cache"))}
    status, _, said = busy_run(*words, environment=environment, umask=0)
    found = set()
    for where, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(where, name)
            found.add(os.path.relpath(path, folder).split("/")[0])
            wanted = 0o700 if name in folders else 0o644 if name == "metrics" else 0o600
            if mode_of(path) != wanted:
                problems.append("%s has mode %o" % (path, mode_of(path)))
    missing = {*outputs(folder), "spool", "cache", *(["cas"] if ARCHIVES else [])} - found
    if missing:
        problems.append("no %s; status %d, %r" % (missing, status, said))
    stats = os.path.join(folder, "sent")
    os.umask(0)
    run("send", "--endpoint", "http://127.0.0.1:9/", "--stats", stats, *WHO, write_facts(1)[0],
        environment={b"Ingest__RetryMs": b"20", b"Ingest__RetryMaxMs": b"50"})
    os.umask(0o022)
    if mode_of(stats) != 0o600:
        problems.append("the account of send has mode %o" % mode_of(stats))
    return problems


def chosen_modes():
    """a file that is there keeps the mode that somebody gave it, but for a trace"""
    folder, problems = own_folder(), []
    for name in outputs(folder):
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            file.write("of before")
        os.chmod(file.name, 0o640)
    busy_run(*[word for option in outputs(folder).values() for word in option])
    wanted_modes = {"facts": 0o640, "stats": 0o640, "trace": 0o600, "union": 0o600, "metrics": 0o644}
    for name in outputs(folder):
        wanted = wanted_modes[name]
        if mode_of(os.path.join(folder, name)) != wanted:
            problems.append("%s has mode %o" % (name, mode_of(os.path.join(folder, name))))
    return problems


def planted():
    """where everybody may write, links, files, FIFOs and second names of others are refused, and what
    they lead to is as it was"""
    if not IS_ROOT:
        raise Skip("giving files away takes root")
    folder, victim, problems = for_all_to_write(), os.path.join(own_folder(), "victim"), []
    with open(victim, "w", encoding="ascii") as file:
        file.write("the victim's")

    def link(path):
        os.symlink(victim, path)

    def file_of_theirs(path):
        with open(path, "w", encoding="ascii") as file:
            file.write("theirs")
        os.chmod(path, 0o666)

    def fifo(path):
        os.mkfifo(path, 0o666)

    def second_name(path):
        os.link(victim, path)

    for plant in (link, file_of_theirs, fifo, second_name):
        for name, (option, path) in outputs(folder).items():
            plant(path)
            before = os.lstat(path)
            held = os.open(path, os.O_PATH | os.O_NOFOLLOW)  # or a new file could get its inode
            if plant is not second_name:
                os.lchown(path, OTHER, OTHER)
            status, out, said = busy_run(option, path, *([] if name == "facts" else ["-o", os.devnull]))
            with open(victim, encoding="ascii") as file:
                if file.read() != "the victim's":
                    problems.append("%s by %s: the victim's file was written to" % (name, plant.__name__))
            # What is replaced as a whole is a new file of ours: nothing was written into theirs.
            replaced = name in ("union", "metrics") and plant in (file_of_theirs, second_name)
            if replaced and (status or os.lstat(path).st_uid != 0 or os.lstat(path).st_ino == before.st_ino):
                problems.append("%s by %s: status %d, %r" % (name, plant.__name__, status, said))
            if not replaced and (status == 0 or os.fsencode(path) not in said or os.lstat(path).st_ino != before.st_ino):
                problems.append("%s by %s: status %d, %r" % (name, plant.__name__, status, said))
            problems += wrong_in(out + said)
            os.close(held)
            os.unlink(path)
    return problems


def expected_places():
    """links of our own, of root and in folders of their owners are followed, and devices are taken"""
    folder, there, problems = for_all_to_write(), own_folder(), []
    os.symlink(there, os.path.join(folder, "link"))
    places = outputs(os.path.join(folder, "link"))
    status, _, said = busy_run(*[word for option in places.values() for word in option])
    problems += ["%s: status %d, %r" % (name, status, said) for name in places
                 if status or not os.path.exists(os.path.join(there, name))]
    for path in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
        status, out, said = busy_run("-o", os.devnull, "--stats", path)
        if status or b'{"version":1,' not in out:
            problems.append("%s: status %d, %r, %r" % (path, status, out, said))
    if IS_ROOT:
        home = own_folder()
        os.symlink(there, os.path.join(home, "link"))
        for path in (home, os.path.join(home, "link")):
            os.lchown(path, OTHER, OTHER)
        status, _, said = busy_run("-o", os.path.join(home, "link", "facts"))
        if status:
            problems.append("below a link in its owner's folder: status %d, %r" % (status, said))
    return problems


def folders_of_others():
    """root takes no spool, no folder for bundles and no cache of another user, nor one by a link of
    his, nor one that he may write into; and changes nothing there"""
    if not IS_ROOT:
        raise Skip("giving folders away takes root")
    problems = []
    nowhere = ["--endpoint", "http://127.0.0.1:9/signals/runtime-facts/ndjson", *WHO]

    def theirs(folder):
        os.mkdir(folder, 0o700)
        os.chown(folder, OTHER, OTHER)

    def by_link(folder):
        os.mkdir(folder + "-real", 0o755)
        os.symlink(folder + "-real", folder)
        os.lchown(folder, OTHER, OTHER)

    def for_all(folder):
        os.mkdir(folder)
        os.chmod(folder, 0o1777)

    def planted_in(folder):
        os.mkdir(folder)
        os.chmod(folder, 0o777)
        with open(os.path.join(folder, "planted"), "w", encoding="ascii") as file:
            os.chown(file.name, OTHER, OTHER)

    for kind in (theirs, by_link, for_all, planted_in):
        for what in ("spool", "send", "cas", "cache") if ARCHIVES else ("spool", "send", "cache"):
            folder = os.path.join(own_folder(), what)
            kind(folder)
            mode, inside = mode_of(folder), sorted(os.listdir(folder))
            environment = {}
            words = ["-o", os.devnull]
            if what == "spool":
                words += ["--spool", folder, *nowhere]
            elif what == "cas":
                words += ["--cas", folder, *nowhere]
            elif what == "cache":
                environment[b"SymbolCapture__CacheDirectory"] = os.fsencode(folder)
            if what == "send":
                status, out, said = run("send", *nowhere, folder)
            else:
                status, out, said = busy_run(*words, environment=environment)
            problems += wrong_in(out + said)
            if os.fsencode(folder) not in said or (status == 0 and what in ("spool", "send")):
                problems.append("%s, %s: status %d, %r" % (what, kind.__name__, status, said))
            if mode_of(folder) != mode or sorted(os.listdir(folder)) != inside:
                problems.append("%s, %s: mode %o, %s in it" % (what, kind.__name__, mode_of(folder), os.listdir(folder)))
    return problems


def planted_batches():
    """a batch of somebody else in a spool is not sent"""
    if not IS_ROOT:
        raise Skip("giving files away takes root")
    folder = new_spool()
    path, _ = write_facts(3)
    quick = {b"Ingest__RetryMs": b"20", b"Ingest__RetryMaxMs": b"50"}
    run("send", "--endpoint", "http://127.0.0.1:9/signals/runtime-facts/ndjson", "--spool", folder, *WHO, path,
        environment=quick)
    batches = [name for name in os.listdir(folder) if name != "lock"]
    for name in batches:
        os.chmod(os.path.join(folder, name), 0o644)  # or it could not be read to begin with
        os.chown(os.path.join(folder, name), OTHER, OTHER)
    with Server([]) as server:
        _, out, said = run("send", "--endpoint", server.url(), folder, environment=quick)
        problems = wrong_in(out + said, "it belongs to another user (%d)" % OTHER)
        if server.requests or not batches:
            problems.append("%d requests, %s" % (len(server.requests), batches))
    return problems


STEPS = [names_of_files, names_of_functions, names_of_processes, names_of_others, answers_of_servers, talkative_server, endless_answers,
         names_in_a_spool, lines_that_are_sent, settings, terminal, modes, chosen_modes, planted, expected_places,
         folders_of_others, planted_batches]

if __name__ == "__main__":
    run_steps(*STEPS)
