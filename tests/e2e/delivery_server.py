#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server that follows the contract strictly, or misbehaves by a script.

As a library: `Server(plan)`. As a program: `delivery_server.py [PLAN]` serves on a free port of
127.0.0.1, which it prints, until it is killed; what it was sent is summed up on stderr.

A plan is a list of rules. Each request takes the action of the first rule that wants it:

    {"first": N, ...}       the first N requests that come to this rule
    {"every": N, ...}       every Nth request, counted from the first one
    {"over": BYTES, ...}    a body that is larger
    {"holds": TEXT, ...}    a body with this text in it, after decompression
    {"always": true, ...}

and the action is one of

    {"status": 503, "headers": {...}, "body": "..."}
    {"do": "close"}         the connection is closed without an answer
    {"do": "reset"}         the same, in the middle of the body, by a reset
    {"do": "half"}          half of an answer, then the connection is closed
    {"do": "hang"}          no answer until the server stops
    {"do": "hang-body"}     202 and the first bytes of the answer, then nothing
    {"delay": SECONDS}      before whatever follows; alone: before the usual answer
    {"lie": true}           the batch is taken, and the connection closed without an answer
"""
import gzip
import hashlib
import http.server
import io
import json
import socket
import struct
import sys
import threading
import time
import urllib.parse
import zipfile

SUBJECT_KEYS = ("scanId", "imageDigest", "component")


class Request:
    def __init__(self, handler, body):
        self.method = handler.command
        self.target = handler.path
        self.path, _, query = handler.path.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.header_list = handler.headers.items()
        self.body = body
        self.digest = hashlib.sha256(body).hexdigest()
        self.key = self.headers.get("idempotency-key", "")
        self.action = None
        self.status = None
        self.time = time.monotonic()
        self.problem = None
        self.lines = []

    def content(self):
        if self.headers.get("content-encoding") == "gzip":
            return gzip.decompress(self.body)
        return self.body


def judge_bundle(request):
    """The same about a union bundle: whole, and as its meta.json says."""
    if request.headers.get("content-type") != "application/zip":
        return 415, "unsupported media type"
    if not request.headers.get("x-analysis-id"):
        return 400, "X-Analysis-Id is required"
    if request.query or "x-callgraph-id" in request.headers:
        return 400, "a bundle has no callgraph and no subject"
    try:
        with zipfile.ZipFile(io.BytesIO(request.body)) as archive:
            for file in json.loads(archive.read("meta.json"))["files"]:
                if hashlib.sha256(archive.read(file["path"])).hexdigest() != file["sha256"]:
                    return 400, "%s is damaged" % file["path"]
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        return 400, "bad bundle: %s" % error
    return 202, None


def judge(request):
    """What a strict Signals server says about a request: (status, error). Fills request.lines."""
    if request.method != "POST":
        return 405, "method not allowed"
    try:
        content = request.content()
    except (OSError, EOFError) as error:
        return 400, "bad gzip: %s" % error
    if request.path.endswith("/signals/reachability/union"):
        return judge_bundle(request)
    if request.path.endswith("/signals/runtime-facts/ndjson"):
        if request.headers.get("content-type") != "application/x-ndjson":
            return 415, "unsupported media type"
        if content and not content.endswith(b"\n"):
            return 400, "the last line is cut off"
        request.lines = content.decode().splitlines()
        subject = request.query
        callgraph = request.query.get("callgraphId") or request.headers.get("x-callgraph-id")
    elif request.path.endswith("/signals/runtime-facts"):
        if request.headers.get("content-type") != "application/json":
            return 415, "unsupported media type"
        document = json.loads(content)
        if set(document) != {"subject", "callgraphId", "events"}:
            return 400, "unexpected keys: %s" % sorted(document)
        subject, callgraph = document["subject"], document["callgraphId"]
        request.lines = [json.dumps(event, separators=(",", ":")) for event in document["events"]]
    else:
        return 404, "not found"
    if not callgraph:
        return 400, "callgraphId is required"
    if not request.lines:
        return 400, "runtime fact stream was empty"
    if not any(subject.get(key) for key in SUBJECT_KEYS) or (
        subject.get("component") and not subject.get("version")
    ):
        return 400, "Subject must include scanId/imageDigest/component+version"
    facts = [json.loads(line) for line in request.lines]
    if any(not fact.get("symbolId") or fact.get("hitCount", 0) < 1 for fact in facts):
        return 400, "symbolId and hitCount are required"
    times = [fact["observedAt"] for fact in facts if "observedAt" in fact]
    if times != sorted(times):
        return 400, "events are not sorted by observedAt"
    return 202, None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are written apart: else each answer waits for the client's delayed ACK.
    disable_nagle_algorithm = True
    server_version = "contract"
    sys_version = ""

    def log_message(self, *arguments):
        pass

    def do_POST(self):
        self.server.owner.serve(self)

    do_GET = do_PUT = do_CONNECT = do_HEAD = do_POST


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


class Server:
    def __init__(self, plan=(), port=0):
        self.plan = [dict(rule) for rule in plan]
        self.requests = []
        self.accepted = {}  # key: (digest, lines), the first time
        self.problems = []
        self.connections = 0
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.listener = _Listener(("127.0.0.1", port), Handler)
        self.listener.owner = self
        self.port = self.listener.server_address[1]
        self.thread = threading.Thread(target=self.listener.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def url(self, path="/signals/runtime-facts/ndjson"):
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def stop(self):
        self.stopping.set()
        self.listener.shutdown()
        self.listener.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()

    def lines(self):
        """All lines that were accepted, each batch once."""
        with self.lock:
            return [line for _, lines in self.accepted.values() for line in lines]

    def statuses(self):
        with self.lock:
            return [request.status for request in self.requests]

    # --- One request

    def _choose(self, request):
        content = None
        for rule in self.plan:
            if rule.get("first", 1) <= 0:
                continue
            if "every" in rule and len(self.requests) % rule["every"] != 0:
                continue
            if len(request.body) <= rule.get("over", -1):
                continue
            if "holds" in rule:
                content = content if content is not None else request.content()
                if rule["holds"].encode() not in content:
                    continue
            if "first" in rule:
                rule["first"] -= 1
            return rule
        return {}

    def _accept(self, request):
        known = self.accepted.get(request.key)
        if known and known[0] != request.digest:
            self.problems.append("key %s stands for two bodies" % request.key)
        if not known:
            self.accepted[request.key] = (request.digest, request.lines)

    def _resets(self, rule):
        """Is the next request to be cut off by this rule, whatever it holds?"""
        turn = (len(self.requests) + 1) % rule.get("every", 1) == 0
        return rule.get("do") == "reset" and turn and rule.get("first", 1) > 0

    def serve(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        with self.lock:
            early = next((rule for rule in self.plan if self._resets(rule)), {})
            if early and "first" in early:
                early["first"] -= 1
        if early:
            handler.rfile.read(length // 2)
            with self.lock:
                self.requests.append(Request(handler, b""))
            return self._reset(handler)
        request = Request(handler, handler.rfile.read(length))
        with self.lock:
            self.requests.append(request)
            action = request.action = self._choose(request)
            status, error = judge(request)
            request.status = action.get("status", status)
            takes = "status" not in action and action.get("do") in (None, "hang-body") and not error
            if takes or action.get("lie"):
                self._accept(request)
            if error and "status" not in action:
                request.problem = error
                self.problems.append(error)
        if "delay" in action:
            self.stopping.wait(action["delay"])
        self._answer(handler, request, action, status, error)

    def _answer(self, handler, request, action, status, error):
        do = action.get("do")
        if do == "close" or action.get("lie"):
            handler.close_connection = True
            return
        if do == "hang":
            self.stopping.wait()
            return
        if "status" in action:
            status, body = action["status"], action.get("body", json.dumps({"error": "scripted"}))
        elif error:
            body = json.dumps({"error": error})
        else:
            body = json.dumps({"subjectKey": "subject|" + request.query.get("callgraphId", "?")})
        body = body.encode()
        handler.send_response(status)
        for name, value in action.get("headers", {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if do in ("half", "hang-body"):
            handler.wfile.write(body[: len(body) // 2])
            handler.wfile.flush()
            if do == "hang-body":
                self.stopping.wait()
            handler.close_connection = True
            return
        handler.wfile.write(body)

    @staticmethod
    def _reset(handler):
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()
        handler.close_connection = True


def main():
    server = Server(json.loads(sys.argv[1]) if len(sys.argv) > 1 else ())
    print(server.port, flush=True)
    try:
        server.thread.join()
    except KeyboardInterrupt:
        pass
    print("%d requests, %d lines" % (len(server.requests), len(server.lines())), file=sys.stderr)


if __name__ == "__main__":
    main()
