#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The files behind the code: identities that readelf, nm and hashlib agree with, and files that are
stripped, deleted, replaced, truncated, damaged or in another root."""
import base64
import hashlib
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user")

PROGRAM = "chain-O2-nofp"


def tool(*argv):
    if not shutil.which(argv[0]):
        raise Skip(argv[0] + " is not installed")
    environment = dict(os.environ, LC_ALL="C")
    return subprocess.run(argv, stdout=subprocess.PIPE, env=environment, text=True).stdout


def build_id(path):
    return re.search(r"Build ID: ([0-9a-f]+)", tool("readelf", "-nW", path)).group(1)


def addresses(path):
    """{function: link-time address}"""
    return {
        name: int(address, 16)
        for address, _, name in re.findall(r"^([0-9a-f]+) (\w) (\S+)$", tool("nm", path), re.M)
    }


def of_file(run, digest):
    return [fact for fact in run.facts if fact["buildId"].endswith(":" + digest)]


def with_summary(problems, run):
    return problems + ([run.summary()] if problems else [])


# --- Identities ----------------------------------------------------------------------------------


def symbol_ids():
    """ids, build-ids and sections are what readelf and a SHA-256 make of the file"""
    path = build(PROGRAM)
    with Target(path) as target:
        run = sample_enough("-p", target.pid, "-F", 499)
    problems = run.problems + check_expectations(run, directives(PROGRAM))
    code = build_id(path)
    facts = of_file(run, code)
    if not {"spin", "inner", "middle", "outer", "main"} <= {f["metadata"]["symbol"] for f in facts}:
        problems.append("build-id %s is that of %d facts" % (code, len(facts)))
    for fact in facts:
        name = fact["metadata"]["symbol"]
        digest = hashlib.sha256(("%s\0.text\0%s" % (code, name)).encode()).digest()
        wanted = "sym:binary:" + base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if name != "_init" and fact["symbolId"] != wanted:
            problems.append("%s of %s is not %s" % (fact["symbolId"], name, wanted))
        if fact["codeId"] != "buildid-" + code or fact["buildId"] != "gnu-build-id:" + code:
            problems.append("%s: %s %s" % (name, fact["codeId"], fact["buildId"]))
    ok(symbol_ids.__doc__, problems)


def no_build_id():
    """a file without a build-id goes by its SHA-256, and says so"""
    path = build("chain-no-build-id")
    with open(path, "rb") as file:
        code = hashlib.sha256(file.read()).hexdigest()
    with Target(path) as target:
        run = sample_enough("-p", target.pid, "-F", 499)
    problems = run.problems + check_expectations(run, directives("chain-no-build-id"))
    for fact in run.find("spin"):
        digest = hashlib.sha256(("%s\0.text\0spin" % code).encode()).digest()
        wanted = "sym:binary:" + base64.urlsafe_b64encode(digest).decode().rstrip("=")
        found = (fact["symbolId"], fact["codeId"], fact["buildId"])
        if found != (wanted, "sha256-" + code, "sha256:" + code):
            problems.append("spin is %s" % (found,))
        if fact["metadata"].get("buildIdFallback") != "file_hash":
            problems.append("buildIdFallback is %s" % fact["metadata"].get("buildIdFallback"))
    ok(no_build_id.__doc__, problems)


def loader_bases():
    """loaderBase is the start of the file's lowest mapping, however it was linked"""
    for name in (
        PROGRAM,
        "chain-no-pie",
        "chain-static",
        "chain-static-pie",
        "chain-noseparate",
        "chain-noseparate-no-pie",
        "chain-text-segment",
        "chain-prelinked",
        "chain-huge-pages",
        "chain-huge-pages-no-pie",
        "chain-gold",
        "chain-lld",
    ):
        title = "loaderBase of " + name
        try:
            path = build(name)
        except Skip as reason:
            skip(title, reason)
            continue
        with Target(path) as target:
            with open("/proc/%d/maps" % target.pid, encoding="utf-8") as file:
                mapped = [line for line in file if line.rstrip().endswith(path)]
            run = sample_enough("-p", target.pid, "-F", 499, minimum=20)
        lowest = min(int(line.partition("-")[0], 16) for line in mapped)
        found = {fact.get("loaderBase") for fact in run.find("spin|main")}
        problems = list(run.problems)
        if found != {hex(lowest)}:
            problems.append("%s, but %s is mapped at %#x" % (found, name, lowest))
        ok(title, problems)


# --- Names ---------------------------------------------------------------------------------------


def stripped():
    """without any names, functions are called by where their FDE begins"""
    path = build("chain-stripped")
    names = addresses(path + "-twin")
    with Target(path) as target:
        run = sample_enough("-p", target.pid, "-F", 499)
    # _start comes from a start file that need not have an FDE of the usual kind: not asked for.
    chain = ["sub_%x" % names[name] for name in ("spin", "inner", "middle", "outer", "main")]
    wanted = {
        "EXPECT": [" < ".join(chain)],
        "SOURCE": [name + " fde" for name in chain],
        "ABSENT": ["spin inner middle outer main"],
    }
    problems = run.problems + check_expectations(run, wanted)
    ok(stripped.__doc__, with_summary(problems, run))


def damaged_debug_file():
    """a separate debug file that is cut, empty, or another file's is not used"""
    path = build("chain-debug-link")
    with open(path + ".debug", "rb") as file:
        whole = file.read()
    damages = {
        "cut": whole[: len(whole) // 2],
        "empty": b"",
        "noise": bytes(range(256)) * 64,
        "changed": whole[:-1] + bytes([whole[-1] ^ 1]),
    }
    problems = []
    for word, content in damages.items():
        with open(path + ".debug", "wb") as file:
            file.write(content)
        with Target(path) as target:
            run = sample_enough("-p", target.pid, "-F", 499)
        problems += ["%s: %s" % (word, text) for text in run.problems]
        if run.find("spin") or not [n for n in run.names() if n.startswith("sub_")]:
            problems.append("%s: %s" % (word, run.summary()))
        if run.complete_share() < NEARLY_ALL:
            problems.append("%s: stacks are not complete: %s" % (word, run.truncated()))
    with open(path + ".debug", "wb") as file:
        file.write(whole)
    ok(damaged_debug_file.__doc__, problems)


def debug_file_changes():
    """a separate debug file that is truncated and written again all the time"""
    path = build("inlines-debug-link")
    with open(path + ".debug", "rb") as file:
        whole = file.read()
    problems = []
    with Target(path) as target:
        sampling = Sampling("-p", target.pid, "-F", 299, "-d", 2)
        while sampling.process.poll() is None:
            for size in (0, len(whole) // 3, len(whole)):
                with open(path + ".debug", "wb") as file:
                    file.write(whole[:size])
                time.sleep(0.002)
        run = sampling.finish()
    problems = run.problems
    if run.complete_share() < NEARLY_ALL:
        problems.append("stacks are not complete")
    with open(path + ".debug", "wb") as file:
        file.write(whole)
    ok(debug_file_changes.__doc__, with_summary(problems, run))


# --- Files that are not where they were ----------------------------------------------------------


def deleted():
    """an executable that was deleted before attaching, and one that is deleted meanwhile"""
    path = copy_of(PROGRAM, "deleted")
    with Target(path) as target:
        os.unlink(path)
        run = sample_enough("-p", target.pid, "-F", 499, private=[target.pid])
    problems = run.problems + check_expectations(run, directives(PROGRAM))
    ok("deleted before attaching", with_summary(problems, run))

    path = copy_of(PROGRAM, "deleted")
    with Target(path) as target:
        sampling = Sampling("-p", target.pid, "-F", 499, "-d", 1.5, private=[target.pid])
        time.sleep(0.5)
        os.unlink(path)
        run = sampling.finish()
    problems = run.problems + check_expectations(run, directives(PROGRAM))
    ok("deleted while it is sampled", with_summary(problems, run))


def replaced():
    """an executable whose path is another file's by now: the facts are those of the old one"""
    old = build_id(build(PROGRAM))
    for title, early in (("before attaching", True), ("while it is sampled", False)):
        path = copy_of(PROGRAM, "replaced")
        other = copy_of("chain-O0-fp", "other")
        with Target(path) as target:
            if early:
                os.rename(other, path)
            sampling = Sampling("-p", target.pid, "-F", 499, "-d", 1.5)
            if not early:
                time.sleep(0.5)
                os.rename(other, path)
            run = sampling.finish()
        problems = run.problems + check_expectations(run, directives(PROGRAM))
        found = {fact["buildId"] for fact in run.find("spin|main")}
        if found != {"gnu-build-id:" + old}:
            problems.append("build-ids %s, not %s" % (found, old))
        ok("replaced " + title, with_summary(problems, run))


def deleted_library():
    """a shared object that was deleted: named all the same where /proc/PID/map_files may be read"""
    if not IS_ROOT:
        raise Skip("map_files needs a capability")
    program = build("plt-lazy")
    library = program + "-target.so"
    shutil.copy(library, library + ".kept")
    with Target(program) as target:
        os.unlink(library)
        run = sample_enough("-p", target.pid, "-F", 499, minimum=600, seconds=(2, 5, 15))
    os.rename(library + ".kept", library)
    problems = run.problems + check_expectations(run, directives("plt-lazy"))
    ok(deleted_library.__doc__, with_summary(problems, run))


def truncated_library():
    """a shared object that loses its sections while it is in use"""
    program = build("plt-now")
    library = program + "-target.so"
    address = addresses(library)["plt_target"]
    loads = re.findall(
        r"^\s+LOAD\s+(0x\w+) 0x\w+ 0x\w+ (0x\w+)", tool("readelf", "-lW", library), re.M
    )
    loaded = max(int(offset, 16) + int(size, 16) for offset, size in loads)
    for title, early in (("before attaching", True), ("while it is sampled", False)):
        shutil.copy(library, library + ".kept")
        with Target(program) as target:
            if early:
                os.truncate(library, loaded)
            sampling = Sampling("-p", target.pid, "-F", 499, "-d", 1.5)
            if not early:
                time.sleep(0.3)
                os.truncate(library, loaded)
            run = sampling.finish()
            alive = target.process.poll() is None
        os.rename(library + ".kept", library)
        wanted = {
            "EXPECT": directives("plt-now")["EXPECT"],
            "SEEN": ["plt_target|sub_%x" % address],
        }
        problems = run.problems + check_expectations(run, wanted)
        if not alive:
            problems.append("the test itself is at fault: the target died of it")
        ok("a library truncated " + title, with_summary(problems, run))


# --- Other roots ---------------------------------------------------------------------------------


def other_mount_namespace():
    """a file of the target's own mount namespace, under the path of another one here"""
    need_mounts()
    folder = tempfile.mkdtemp(dir=WORK)
    shutil.copy(build("chain-O0-fp"), os.path.join(folder, "program"))
    script = 'mount -t tmpfs none "$1" && cp "$2" "$1/program" && exec "$1/program"'
    with Target("unshare", "-m", "sh", "-c", script, "sh", folder, build(PROGRAM)) as target:
        run = sample_enough("-p", target.pid, "-F", 499)
    problems = run.problems + check_expectations(run, directives(PROGRAM))
    found = {fact["buildId"] for fact in run.find("spin|main")}
    if found != {"gnu-build-id:" + build_id(build(PROGRAM))}:
        problems.append("build-ids %s" % found)
    ok(other_mount_namespace.__doc__, with_summary(problems, run))


def other_root():
    """a program in a changed root, with a separate debug file there"""
    if not IS_ROOT or not shutil.which("chroot"):
        raise Skip("needs root and chroot")
    root = tempfile.mkdtemp(dir=WORK)
    os.mkdir(os.path.join(root, "bin"))
    whole = build("chain-static")
    if not shutil.which("objcopy"):
        raise Skip("objcopy is not installed")
    debug = os.path.join(root, "bin", "program.debug")
    program = os.path.join(root, "bin", "program")
    tool("objcopy", "--only-keep-debug", whole, debug)
    tool("objcopy", "--strip-all", "--add-gnu-debuglink=" + debug, whole, program)
    with Target("chroot", root, "/bin/program") as target:
        run = sample_enough("-p", target.pid, "-F", 499)
    wanted = dict(directives("chain-static"), SOURCE=["spin debug-file"])
    ok(other_root.__doc__, with_summary(run.problems + check_expectations(run, wanted), run))


require_sampling()
run_steps(
    symbol_ids,
    no_build_id,
    loader_bases,
    stripped,
    damaged_debug_file,
    debug_file_changes,
    deleted,
    replaced,
    deleted_library,
    truncated_library,
    other_mount_namespace,
    other_root,
)
