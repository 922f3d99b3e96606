#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A static graph of ELF files, made with readelf and objdump and nothing of ours.

    graph_maker.py [--no-address|--no-name|--no-build-id] FILE... >nodes.ndjson

One node for each name at each address that code can begin at: function symbols of both symbol
tables, the separate debug file included, PLT entries, and, for code without a symbol, where the
call frame information says that functions begin. The ids are of a scheme of its own, so that whoever
emits them has copied them.
"""
import hashlib
import json
import os
import re
import subprocess
import sys


def tool(*command):
    environment = dict(os.environ, LC_ALL="C")
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    return result.stdout.decode("utf-8", "surrogateescape")


def build_id(path):
    found = re.search(r"Build ID: ([0-9a-f]+)", tool("readelf", "-nW", path))
    return found[1] if found else None


def debug_file(path, code):
    if not code:
        return None
    name = "/usr/lib/debug/.build-id/%s/%s.debug" % (code[:2], code[2:])
    return name if os.path.exists(name) else None


def symbols(path):
    """(address, name) of all that may be functions."""
    for line in tool("readelf", "-sW", path).splitlines():
        fields = line.split()
        if len(fields) < 8 or fields[3] not in ("FUNC", "IFUNC", "NOTYPE") or fields[6] == "UND":
            continue
        if fields[6] != "ABS":
            yield int(fields[1], 16), fields[7].partition("@")[0]


def plt(path):
    listing = tool("objdump", "-d", "-j", ".plt", "-j", ".plt.sec", "-j", ".plt.got", path)
    for address, name in re.findall(r"^([0-9a-f]+) <(.*@plt)>:$", listing, re.M):
        yield int(address, 16), name


def frames(path):
    listing = tool("readelf", "--debug-dump=frames", path)
    for address in re.findall(r" FDE cie=[0-9a-f]+ pc=([0-9a-f]+)\.\.", listing):
        yield int(address, 16), None


def nodes(path, without=()):
    code = build_id(path)
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    found = set(symbols(path)) | set(plt(path))
    other = debug_file(path, code)
    if other:
        found |= set(symbols(other))
    known = {address for address, _ in found}
    found |= {(address, name) for address, name in frames(path) if address not in known}
    for address, name in found:
        text = "%s %x %s" % (digest, address, name)
        node = {"symbol_id": "sym:test:" + hashlib.sha256(text.encode()).hexdigest()}
        node.update(lang="binary", kind="function", code_id="code:test:" + digest[:16])
        if code and "--no-build-id" not in without:
            node["build_id"] = "gnu-build-id:" + code
        node["file_sha256"] = "sha256:" + digest
        if name and "--no-name" not in without:
            node["symbol"] = {"mangled": name, "source": "readelf"}
        if "--no-address" not in without:
            node["attributes"] = {"address": hex(address)}
        yield node


def main():
    without = [word for word in sys.argv[1:] if word.startswith("--")]
    lines = []
    for path in sys.argv[1:]:
        if path not in without:
            lines += [json.dumps(node, sort_keys=True) for node in nodes(path, without)]
    sys.stdout.write("".join(line + "\n" for line in sorted(lines)))


if __name__ == "__main__":
    main()
