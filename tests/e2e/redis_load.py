#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: redis_load.py SOCKET

Keeps a redis-server on a Unix socket busy with the same requests, over and over: prints "ready" once it
has warmed up. There is always a batch of them waiting beside the one that the server works at, so what it
does with its CPU time does not depend on when this program runs. Each batch leaves behind what it found,
so its answer has the same length each time."""
import socket
import sys

MARK = b"$4\r\nmark\r\n"


def command(*words):
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def batch(prefix):
    """Requests of many kinds, mixed so finely that any moment sees all of them."""
    value, requests = b"v" * 200, []

    def add(*words):
        requests.append(command(*words))

    for turn in range(4):
        for i in range(20):
            add("SET", "%s:string:%d" % (prefix, i), value)
            add("GET", "%s:string:%d" % (prefix, i))
            add("APPEND", "%s:string:%d" % (prefix, i), "tail")
        add("SET", prefix + ":number", 100)
        for _ in range(10):
            add("INCR", prefix + ":number")
        add("DEL", *("%s:%s" % (prefix, kind) for kind in ("list", "sorted", "set", "other", "hash")))
        add("RPUSH", prefix + ":list", *("%03d" % (i * 7 % 100) for i in range(100)))
        add("LRANGE", prefix + ":list", 0, -1)
        add("SORT", prefix + ":list")
        add("ZADD", prefix + ":sorted", *(word for i in range(150) for word in (i * 37 % 151, "member%03d" % i)))
        add("ZRANGEBYSCORE", prefix + ":sorted", 20, 120)
        add("SADD", prefix + ":set", *range(0, 200, 2))
        add("SADD", prefix + ":other", *range(0, 200, 3))
        add("SINTER", prefix + ":set", prefix + ":other")
        add("HSET", prefix + ":hash", *(word for i in range(60) for word in ("field%02d" % i, value[:80])))
        add("HGETALL", prefix + ":hash")
        add("EVAL", "local s = 0 for i = 1, 3000 do s = s + i % 7 end return s", 0)
    return b"".join(requests)


class Connection:
    def __init__(self, path, prefix):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.requests, self.length = batch(prefix), 0
        self.socket.sendall(self.requests + command("ECHO", "mark"))
        answer = b""
        while not answer.endswith(MARK):
            answer += self._receive()
        if b"\r\n-" in answer:
            sys.exit("the server refuses: %r" % answer[answer.index(b"\r\n-") :][:100])
        self.length = len(answer) - len(MARK)

    def _receive(self):
        data = self.socket.recv(1 << 20)
        if not data:
            sys.exit(0)
        return data

    def send(self):
        self.socket.sendall(self.requests)

    def take(self):
        left = self.length
        while left > 0:
            left -= len(self._receive())


def main():
    connections = [Connection(sys.argv[1], prefix) for prefix in ("a", "b")]
    for connection in connections:
        connection.send()
    rounds = 0
    while True:
        for connection in connections:
            connection.take()
            connection.send()
        rounds += 1
        if rounds == 100:
            print("ready", flush=True)


try:
    main()
except (BrokenPipeError, ConnectionResetError):
    pass
