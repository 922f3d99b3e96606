#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rtsample send: which lines are facts, what is said about the others, what is sent in which order,
and how it ends. The server here takes everything; what it may answer otherwise is tested elsewhere."""
import array
import fcntl
import gzip
import hashlib
import http.server
import socket
import sys
import termios
import threading

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")


class Server:
    """Takes every request on a loopback port and keeps it."""

    def __init__(self):
        self.requests = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                outer.requests.append((self.path, dict(self.headers), body))
                answer = b'{"SubjectKey":"subject-1"}'
                self.send_response(202)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.endpoint = "http://127.0.0.1:%d/signals/runtime-facts/ndjson" % (
            self.server.server_address[1]
        )

    def take(self):
        """The requests since the last call."""
        taken, self.requests = self.requests, []
        return taken


SERVER = Server()
SUBJECT = ["--callgraph-id", "cg-1", "--component", "web", "--component-version", "1.0.0"]

# Nothing listens on it while this socket holds it.
_refusing = socket.socket()
_refusing.bind(("127.0.0.1", 0))
REFUSING = "http://127.0.0.1:%d/x" % _refusing.getsockname()[1]


def send(*arguments, stdin=b"", endpoint=SERVER.endpoint, metadata=SUBJECT):
    options = (["--endpoint", endpoint] if endpoint else []) + metadata
    return subprocess.run(
        [RTSAMPLE, "send", *options, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=STUCK_SECONDS,
    )


def write(name, data):
    path = os.path.join(WORK, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def fact(number, **more):
    return json.dumps({"symbolId": "s%d" % number, "hitCount": 1, **more}).encode() + b"\n"


def lines_of(requests):
    return [line + b"\n" for _, _, body in requests for line in body.split(b"\n") if line]


def ended(result, status, *texts):
    """What is wrong with how it ended."""
    problems = []
    said = result.stderr.decode()
    if result.returncode != status:
        problems.append("exit status is %d, not %d: %s" % (result.returncode, status, said))
    problems += ["stderr lacks %r: %s" % (text, said) for text in texts if text not in said]
    if result.stdout:
        problems.append("stdout holds %r" % result.stdout[:200])
    return problems


def good_lines():
    """what is sent: every line, sorted by time and symbol, with its metadata"""
    facts = [fact(n, observedAt="2025-11-26T12:00:%02d.000Z" % (59 - n)) for n in range(50)]
    facts += [b'{"symbolId":"a","hitCount":2}\n', b'{"symbolId":"b","hitCount":1}\n']
    # Windows line ends, blank lines, a byte order mark, and no LF at the end.
    data = b"\xef\xbb\xbf" + b"\r\n \n".join(line.rstrip() for line in facts)
    problems = ended(send(write("good", data)), 0, "52 facts accepted", "subject-1")
    requests = SERVER.take()
    if len(requests) != 1:
        return ok(good_lines.__doc__, problems + ["there were %d requests" % len(requests)])
    path, headers, body = requests[0]
    if body != b"".join(facts[50:] + facts[49::-1]):
        problems.append("the body is %r" % body[:500])
    if path != "/signals/runtime-facts/ndjson?callgraphId=cg-1&component=web&version=1.0.0":
        problems.append("the path is " + path)
    if headers.get("X-Callgraph-Id") != "cg-1":
        problems.append("X-Callgraph-Id is %r" % headers.get("X-Callgraph-Id"))
    ok(good_lines.__doc__, problems)


def wrong_lines():
    """wrong lines are named with their number and reason, the good ones go; --strict sends nothing"""
    wrong = [
        (b"no JSON", "is not a JSON object"),
        (b'{"symbolId":"s"}', "hitCount is missing"),
        (b'{"hitCount":1}', "symbolId is missing"),
        (b'{"symbolId":"","hitCount":1}', "symbolId is empty"),
        (b'{"symbolId":"s","hitCount":0}', "hitCount is not a whole number above 0"),
        (b'{"symbolId":"s","hitCount":1.5}', "hitCount is not a whole number above 0"),
        (b'{"symbolId":"s","hitCount":1,"host":"h"}', "host is not a key of a fact"),
        (b'{"symbolId":"s","hitCount":1,"metadata":{"pid":214}}', "pid in metadata"),
        (b'{"symbolId":"s","hitCount":1,"observedAt":"2025-11-26T12:00:00+01:00"}', "in UTC"),
        (b'{"symbolId":"s","hitCount":1,"symbolId":"t"}', "symbolId is given twice"),
        (b'{"symbolId":"\xff","hitCount":1}', "is not UTF-8"),
        (b'{"symbolId":"s","hitCount":1', "does not end"),
        (b'{"symbolId":"' + b"s" * 300000 + b'","hitCount":1}', "is longer than"),
        (b'{"symbolId":"' + b"s" * 2000000 + b'","hitCount":1}', "is longer than"),
    ]
    data = b"".join(fact(number) + line + b"\n" for number, (line, _) in enumerate(wrong))
    path = write("wrong", data + fact(99))
    result = send(path)
    problems = ended(result, 1, "%d facts accepted" % (len(wrong) + 1))
    for number, (_, reason) in enumerate(wrong):
        place = "%s:%d: " % (path, 2 * number + 2)
        said = [line for line in result.stderr.decode().splitlines() if place in line]
        if len(said) != 1 or reason not in said[0]:
            problems.append("%s is %s, not %r" % (place, said, reason))
    expected = sorted([fact(n) for n in range(len(wrong))] + [fact(99)])
    if sorted(lines_of(SERVER.take())) != expected:
        problems.append("other lines were sent")
    problems += ended(send("--strict", path), 1, "nothing was sent", "wrong:2: ")
    problems += ended(send("--strict", write("right", fact(1)), path), 1, "nothing was sent")
    problems += ended(send("--strict", "-", stdin=data), 1, "nothing was sent")
    if SERVER.take():
        problems.append("--strict sent something")
    problems += ended(send("--strict", "-", write("right", fact(1)), stdin=fact(2)), 0)
    if sorted(lines_of(SERVER.take())) != [fact(1), fact(2)]:
        problems.append("--strict did not send what is right")
    ok(wrong_lines.__doc__, problems)


def many_wrong_lines():
    """many wrong lines are counted, not all named"""
    result = send(write("many", b"x\n" * 1000 + fact(1)))
    problems = ended(result, 1, "980 more lines", "1000")
    if result.stderr.count(b"is not a JSON object") != 20:
        problems.append("%d were named" % result.stderr.count(b"is not a JSON object"))
    SERVER.take()
    ok(many_wrong_lines.__doc__, problems)


def batches():
    """a file becomes the same batches with the same keys again, of at most 1,000 lines, all there"""
    facts = [fact(n, metadata={"x": hashlib.sha256(b"%d" % n).hexdigest()}) for n in range(2500)]
    path = write("large", b"".join(facts))
    problems = ended(send(path), 0, "2500 facts accepted")
    first = SERVER.take()
    problems += ended(send("-", stdin=b"".join(facts)), 0, "2500 facts accepted")
    second = SERVER.take()
    sizes = [len(lines_of([request])) for request in first]
    if sizes != [1000, 1000, 500]:
        problems.append("batches have %s lines" % sizes)
    if sorted(lines_of(first)) != sorted(facts):
        problems.append("other lines were sent")
    for _, headers, body in first:
        if body != b"".join(sorted(body.splitlines(True), key=lambda l: json.loads(l)["symbolId"])):
            problems.append("a batch is not sorted")
        if len(body) > 65536 and headers.get("Content-Encoding") != "gzip":
            problems.append("%d bytes were sent as they are" % len(body))
    keys = [[headers["Idempotency-Key"] for _, headers, _ in requests] for requests in (first, second)]
    if keys[0] != keys[1] or len(set(keys[0])) != 3:
        problems.append("keys are %s" % keys)
    problems += ended(send("--header", "X-Scopes: signals:write", path), 0)
    if any(h.get("X-Scopes") != "signals:write" for _, h, _ in SERVER.take()):
        problems.append("the header was not sent")
    ok(batches.__doc__, problems)


def pipe_that_pauses():
    """facts from a pipe go when it pauses, and at SIGTERM what was read goes too"""
    command = [RTSAMPLE, "send", "--endpoint", SERVER.endpoint, *SUBJECT, "-"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    problems = []
    try:
        process.stdin.write(fact(1))
        process.stdin.flush()
        deadline = time.monotonic() + STUCK_SECONDS
        while not SERVER.requests and time.monotonic() < deadline:
            time.sleep(0.05)
        if lines_of(SERVER.take()) != [fact(1)]:
            problems.append("it was not sent while the pipe is open")
        process.stdin.write(fact(2))
        process.stdin.flush()
        while True:  # until it has been read
            waiting = array.array("i", [0])
            fcntl.ioctl(process.stdin, termios.FIONREAD, waiting)
            if waiting[0] == 0 or time.monotonic() > deadline:
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        process.wait(STUCK_SECONDS)
    finally:
        process.kill()
        said = process.communicate()[1].decode()
    if lines_of(SERVER.take()) != [fact(2)] or process.returncode != 0:
        problems.append("the last fact is gone: %d, %s" % (process.returncode, said))
    ok(pipe_that_pauses.__doc__, problems)


def nothing_to_send():
    """empty inputs, missing metadata, no endpoint, inputs that cannot be read: said, nothing sent"""
    good = write("right", fact(1))
    empty = write("empty", b"\n\n")
    packed = write("packed.gz", gzip.compress(fact(1)))
    component = ["--callgraph-id", "cg", "--component", "web"]
    problems = ended(send(empty), 1, "runtime fact stream was empty")
    problems += ended(send("-"), 1, "runtime fact stream was empty")
    problems += ended(send(), 2, "nothing to send")
    problems += ended(send(good, endpoint=None), 2, "--endpoint")
    problems += ended(send(good, metadata=[]), 2, "callgraphId is required")
    subject = "Subject must include scanId/imageDigest/component+version"
    problems += ended(send(good, metadata=["--callgraph-id", "cg"]), 2, subject)
    problems += ended(send(good, metadata=component), 2, subject)
    problems += ended(send(good, os.path.join(WORK, "nowhere")), 2, "No such file")
    problems += ended(send("--no-such-option", good), 2)
    problems += ended(send(good, endpoint="http://signals.example/x"), 2, "https")
    if SERVER.take():
        problems.append("something was sent")
    problems += ended(send(packed, good), 1, "gzip", "1 facts accepted")
    SERVER.take()
    ok(nothing_to_send.__doc__, problems)


def other_subjects():
    """a scan or an image is a subject as well; the smoke test's address says all by itself"""
    good = write("right", fact(1))
    problems = []
    for metadata, wanted in (
        (["--scan-id", "s 1"], "callgraphId=cg&scanId=s%201"),
        (["--image-digest", "sha256:00"], "callgraphId=cg&imageDigest=sha256%3A00"),
    ):
        problems += ended(send(good, metadata=["--callgraph-id", "cg", *metadata]), 0)
        if [path.partition("?")[2] for path, _, _ in SERVER.take()] != [wanted]:
            problems.append("%s was sent otherwise" % metadata)
    query = "?callgraphId=cg-123&component=web&version=1.0.0"
    problems += ended(send(good, endpoint=SERVER.endpoint + query, metadata=[]), 0)
    if ["?" + path.partition("?")[2] for path, _, _ in SERVER.take()] != [query]:
        problems.append("the smoke test's address was changed")
    ok(other_subjects.__doc__, problems)


def nobody_listens():
    """a server that does not answer: exit 5; the facts are in the file, or in the spool, which is
    drained later without metadata, and only once"""
    path = write("right", fact(1) + fact(2))
    spool = os.path.join(WORK, "spool")
    problems = ended(send(path, endpoint=REFUSING), 5, "2 facts", "file")
    problems += ended(send("--spool", spool, path, endpoint=REFUSING), 5, spool)
    problems += ended(send(spool, metadata=[]), 0, "2 facts accepted")
    requests = SERVER.take()
    if lines_of(requests) != [fact(1), fact(2)]:
        problems.append("sent were %s" % requests)
    problems += ended(send(spool, metadata=[]), 0)
    foreign = os.path.join(WORK, "foreign")
    os.mkdir(foreign)
    write("foreign/notes.txt", b"mine")
    result = send(foreign, metadata=[])
    if result.returncode not in (1, 2) or os.listdir(foreign) != ["notes.txt"]:
        problems.append("a directory that is no spool: %r" % (result,))
    if SERVER.take():
        problems.append("something was sent twice")
    ok(" ".join(nobody_listens.__doc__.split()), problems)


good_lines()
wrong_lines()
many_wrong_lines()
batches()
pipe_that_pauses()
nothing_to_send()
other_subjects()
nobody_listens()
done()
