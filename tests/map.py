#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the house in words: the folders of src/, the arrows between them, and the circles.

A unit is a .c file with the header of its name. It has an arrow to another one where it includes
that one's header (also by way of a header that is nobody's: the inside of a module), and a call
where its object file takes a symbol that the other's defines. In both there should be no circle.
Folders stand in the order of tests/folders, and no arrow runs upwards.

Exit status: 1 where there is a circle, or an arrow that the table does not have.
"""

import argparse
import os
import re
import subprocess
import sys

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)


def read_table(path):
    """{folder: the folders that it may include}, in the order of the file: from the ground up."""
    table = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            below = list(table)
            allowed = below if words[1:] == ["*"] else words[1:]
            for folder in allowed:
                if folder not in below:
                    sys.exit(f"{path}: {words[0]} includes {folder}, which does not stand below it")
            table[words[0]] = set(allowed)
    return table


def read_sources(top):
    """{file: the files of src/ that it includes}, all as src/FOLDER/NAME."""
    sources = {}
    for folder, _, names in os.walk(os.path.join(top, "src")):
        for name in names:
            if not name.endswith((".c", ".h")):
                continue
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8") as file:
                included = {"src/" + found for found in INCLUDE.findall(file.read())}
            sources[os.path.relpath(path, top)] = included
    return sources


def folder_of(file):
    """The folder in src/; "." for what lies in src/ itself."""
    parts = file.split("/")
    return parts[1] if len(parts) > 2 else "."


def folder_arrows(sources):
    """{folder: {other folder: how many includes}}; types.h is everybody's."""
    arrows = {}
    for file, included in sources.items():
        counts = arrows.setdefault(folder_of(file), {})
        for other in included:
            folder = folder_of(other)
            if other in sources and folder not in (folder_of(file), "."):
                counts[folder] = counts.get(folder, 0) + 1
    return arrows


def unit_of(file, sources):
    """src/x/y of src/x/y.c and its header; a header that is nobody's stands for itself."""
    stem = file[:-2]
    return stem if stem + ".c" in sources else file


def include_graph(sources):
    graph = {}
    for file, included in sources.items():
        unit = unit_of(file, sources)
        arrows = graph.setdefault(unit, {})
        for other in included:
            if other in sources and unit_of(other, sources) != unit:
                arrows.setdefault(unit_of(other, sources), set()).add(other)
    return graph


def read_symbols(build):
    """({symbol: units that define it}, {unit: symbols that it takes}) of the object files."""
    objects = []
    for folder, _, names in os.walk(os.path.join(build, "src")):
        objects += [os.path.join(folder, name) for name in names if name.endswith(".o")]
    defined, taken = {}, {}
    if not objects:
        return defined, taken
    listing = subprocess.run(["nm", "-A", "-P", "-g"] + sorted(objects), check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    for line in listing.splitlines():
        file, _, rest = line.partition(": ")
        symbol, kind = rest.split()[:2]
        unit = os.path.relpath(file, build)[:-2]
        if kind in "Uw":
            taken.setdefault(unit, set()).add(symbol)
        else:
            defined.setdefault(symbol, set()).add(unit)
    return defined, taken


def call_graph(build, sources):
    """Only units that are still there: a build may have object files of yesterday's."""
    defined, taken = read_symbols(build)
    graph = {}
    for unit, symbols in taken.items():
        if unit + ".c" not in sources:
            continue
        arrows = graph.setdefault(unit, {})
        for symbol in symbols:
            for other in defined.get(symbol, ()):
                if other + ".c" in sources and other != unit:
                    arrows.setdefault(other, set()).add(symbol)
    return graph


def circles(graph):
    """The strongly connected parts with more than one member, sorted (Tarjan's way, by a stack)."""
    index, low, on_stack, stack, found = {}, {}, set(), [], []
    for root in sorted(graph):
        work = [(root, None)] if root not in index else []
        while work:
            node, others = work.pop()
            if others is None:
                index[node] = low[node] = len(index)
                stack.append(node)
                on_stack.add(node)
                others = iter(sorted(graph.get(node, ())))
            for other in others:
                if other not in index:
                    work += [(node, others), (other, None)]
                    break
                if other in on_stack:
                    low[node] = min(low[node], index[other])
            else:
                if low[node] == index[node]:
                    part = stack[stack.index(node):]
                    del stack[-len(part):]
                    on_stack.difference_update(part)
                    if len(part) > 1:
                        found.append(sorted(part))
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
    return sorted(found)


def show_circles(kind, graph, sources):
    """Prints the circles; returns how many there are."""
    # A module and the header of its inside are one.
    found = [part for part in circles(graph)
             if sum(unit + ".c" in sources for unit in part) > 1]
    for part in found:
        print(f"\ncircle of {kind}:")
        for unit in part:
            for other in sorted(set(graph[unit]) & set(part)):
                names = sorted(graph[unit][other])
                more = f", {len(names) - 3} more" if len(names) > 3 else ""
                print(f"  {unit} -> {other}  ({', '.join(names[:3])}{more})")
    print(f"\n{len(found)} circle{'' if len(found) == 1 else 's'} of {kind}")
    return len(found)


def show_folders(table, arrows):
    """Prints the folders from the top down; returns how many arrows the table does not have."""
    wrong = 0
    for folder in list(reversed(table)) + sorted(set(arrows) - set(table)):
        allowed = table.get(folder, set()) | {"util"}
        shown = []
        for other, count in sorted(arrows.get(folder, {}).items()):
            is_wrong = other not in allowed
            wrong += is_wrong
            shown.append(f"{other}{' (NOT ALLOWED)' if is_wrong else ''} {count}")
        name = "src" if folder == "." else folder
        print(f"{name + '/':<11} -> {', '.join(shown) or '-'}")
    for folder in sorted(set(arrows) - set(table)):
        print(f"{folder}/ does not stand in tests/folders")
        wrong += 1
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tree", default=os.path.join(os.path.dirname(__file__), ".."),
                        help="the source tree; default: the one of this script")
    parser.add_argument("--build", help="where it was built: calls are read from its object files")
    options = parser.parse_args()
    top = os.path.abspath(options.tree)
    sources = read_sources(top)
    wrong = show_folders(read_table(os.path.join(top, "tests/folders")), folder_arrows(sources))
    wrong += show_circles("includes", include_graph(sources), sources)
    if options.build:
        graph = call_graph(os.path.abspath(options.build), sources)
        wrong += show_circles("calls", graph, sources)
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
