#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Libraries that few runs need are loaded by those alone, and one that cannot be loaded ends a run
that needs it at its start. What the dynamic linker has to say about it is asked of it by ctypes."""
import hashlib
import sys
import zipfile

sys.dont_write_bytecode = True
from delivery_lib import *  # noqa

skip_in("user")

CC = os.environ.get("CC", "cc").split()
CONFIG = os.path.join(os.environ.get("top_builddir", "."), "config.h")


def soname(macro, default):
    """By what name the program loads it."""
    try:
        with open(CONFIG, encoding="utf-8") as file:
            found = re.search(r'^#define %s_SONAME "(.*)"' % macro, file.read(), re.M)
    except OSError:
        return default
    return found.group(1) if found else None


CURL = soname("CURL", "libcurl.so.4")
ARCHIVE = soname("ARCHIVE", "libarchive.so.13")


def need_archive():
    if not ARCHIVE:
        raise Skip("built without libarchive")


def mapped(pid):
    """Which of them a process has."""
    if not IS_ROOT:
        raise Skip("what a run has mapped is for root alone to see")
    with open("/proc/%d/maps" % pid, encoding="utf-8", errors="replace") as file:
        names = {os.path.basename(line.split()[-1]) for line in file if "/" in line}
    return {word for word in ("libcurl", "libarchive") if any(name.startswith(word + ".so") for name in names)}


def mapped_by_run(*arguments, **options):
    """The same of a run under way, as soon as it has either of them or has written facts; and what was
    wrong with that run."""
    with Target(build("chain-O0-fp")) as target:
        arguments = ("-p", target.pid, "-F", 499, "-d", 2.5, *arguments)
        run = Sampling(*arguments, private=[target.pid], **options)
        found = None

        def settled():
            nonlocal found
            written = os.path.exists(run.output_path) and os.path.getsize(run.output_path) > 0
            if run.process.poll() is None:
                found = mapped(run.pid)
            return found or written or run.process.poll() is not None

        until(settled, STUCK_SECONDS)
        return found, run.finish().problems


def differs(found, wanted):
    return [] if found == wanted else ["mapped are %s, not %s" % (found, wanted)]


def not_linked():
    """the program is linked with neither, by readelf"""
    if not shutil.which("readelf"):
        raise Skip("readelf is not installed")
    said = subprocess.run(["readelf", "-d", RTSAMPLE], stdout=subprocess.PIPE, text=True).stdout
    needed = re.findall(r"NEEDED.*\[(.*)\]", said)
    problems = [] if any(name.startswith("libdw") for name in needed) else ["readelf says: " + said]
    return problems + ["NEEDED: " + name for name in needed if name in (CURL, ARCHIVE)]


def neither():
    """a run that writes facts to a file maps neither"""
    found, problems = mapped_by_run()
    return problems + differs(found, set())


def with_endpoint():
    """a run that sends facts maps libcurl, and not libarchive"""
    with Server() as server:
        found, problems = mapped_by_run("--endpoint", server.url(), *WHO, env=environment_of(QUICK))
    return problems + differs(found, {"libcurl"})


def with_bundles():
    """a run that makes bundles, or a union bundle at its end, maps libarchive, and not libcurl"""
    need_archive()
    folder = tempfile.mkdtemp(dir=WORK)
    problems = []
    for option in (("--cas", folder), ("--union", folder + "/union.zip")):
        found, more = mapped_by_run(*option)
        problems += more + differs(found, {"libarchive"})
    return problems


# --- Libraries that cannot be loaded --------------------------------------------------------------


def compile_library(path, source, *options):
    subprocess.run(
        [*CC, "-shared", "-fPIC", "-o", path, "-x", "c", "-", "-x", "none", *options],
        input=source, text=True, check=True,
    )  # fmt: skip


def make_text(folder, name):
    """no ELF file"""
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write("this is no library, and long enough to have an ELF header\n" * 20)


def make_empty(folder, name):
    """without its functions"""
    compile_library(os.path.join(folder, name), "int nothing;\n")


def make_lonely(folder, name):
    """one whose own library is gone"""
    gone = os.path.join(folder, "libgone.so")
    compile_library(gone, "int gone(void) { return 1; }\n")
    compile_library(os.path.join(folder, name), "int gone(void); int it(void) { return gone(); }\n",
                    "-Wl,--no-as-needed", gone)  # fmt: skip
    os.unlink(gone)


def broken(make, name):
    """An environment in which the library is that one."""
    folder = tempfile.mkdtemp(dir=WORK)
    try:
        make(folder, name)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Skip("no library can be compiled here: %s" % error)
    return dict(environment_of(QUICK), LD_LIBRARY_PATH=folder)


def linker_says(name, function, environment):
    """Why the function cannot be had."""
    script = "import ctypes, sys\ntry:\n  getattr(ctypes.CDLL(%r), %r)\nexcept (OSError, AttributeError) as e:\n  print(e)"
    said = subprocess.run(
        [sys.executable, "-c", script % (name, function)], stdout=subprocess.PIPE, text=True, env=environment
    )
    return said.stdout.strip()


def refusal(command, environment, *wanted):
    """What is wrong with a run that has to end before its target is started."""
    marker = tempfile.mktemp(dir=WORK)
    command = [marker if word == "MARKER" else str(word) for word in command]
    done_run = subprocess.run(
        [RTSAMPLE, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=environment, timeout=STUCK_SECONDS,
    )  # fmt: skip
    problems = [] if done_run.returncode == 1 else ["exit status %d" % done_run.returncode]
    problems += ["no word of %r" % text for text in wanted if text not in done_run.stderr]
    problems += ["it is said %d times" % n for n in [done_run.stderr.count("cannot load")] if n != 1]
    problems += ["the command was started"] * os.path.exists(marker)
    return ["%s: %s; stderr: %s" % (command, problem, done_run.stderr) for problem in problems]


def refusals(name, function, package, commands, make):
    environment = broken(make, name)
    reason = linker_says(name, function, environment)
    if not reason:
        return ["ctypes can load it"]
    problems = []
    for command in commands:
        problems += refusal(command, environment, name.split(".")[0], reason, "Debian: " + package)
    return problems


RUN = ("-d", "1", "--", "touch", "MARKER")


def no_curl():
    """without a libcurl that can be loaded, what sends says so and does nothing"""
    path, _ = write_facts(3)
    commands = [
        ("-o", "/dev/null", "--endpoint", NOWHERE, *WHO, *RUN),
        ("send", "--endpoint", NOWHERE, *WHO, path),
        ("doctor", "--endpoint", NOWHERE),
    ]
    for make in (make_text, make_empty, make_lonely):
        ok(
            "%s: %s" % (about(no_curl), make.__doc__),
            refusals(CURL, "curl_global_init", "libcurl4", commands, make),
        )


def no_archive():
    """without a libarchive that can be loaded, what takes archives says so and does nothing"""
    need_archive()
    folder = tempfile.mkdtemp(dir=WORK)
    graph = os.path.join(folder, "graph.zip")
    with zipfile.ZipFile(graph, "w") as archive:
        archive.writestr("nodes.ndjson", "")
    content = b"this is looked at by libarchive only"
    bundle = os.path.join(folder, hashlib.sha256(content).hexdigest() + ".tar.zst")
    with open(bundle, "wb") as file:
        file.write(content)
    commands = [
        ("-o", "/dev/null", "--union", folder + "/union.zip", *RUN),
        ("-o", "/dev/null", "--graph", graph, *RUN),
        ("replay", bundle),
    ]
    for make in (make_text, make_empty, make_lonely):
        ok(
            "%s: %s" % (about(no_archive), make.__doc__),
            refusals(ARCHIVE, "archive_error_string", "libarchive13", commands, make),
        )


def no_bundles():
    """without a libarchive that can be loaded there are no bundles, which is said, but facts"""
    need_archive()
    environment = broken(make_text, ARCHIVE)
    with Target(build("chain-O0-fp")) as target:
        run = sample("-p", target.pid, "-F", 499, "-d", 1, "--cas", new_spool(), expect=None,
                     private=[target.pid], env=environment)  # fmt: skip
    reason = linker_says(ARCHIVE, "archive_error_string", environment)
    problems = [] if run.status == 1 and run.facts else ["status %s, %d facts" % (run.status, len(run.facts))]
    problems += ["no word of %r in %s" % (text, run.stderr) for text in ("no bundle", reason) if text not in run.stderr]
    return run.problems + problems


def not_missed():
    """and what takes neither runs without them"""
    environment = broken(make_text, CURL)
    if ARCHIVE:
        make_text(environment["LD_LIBRARY_PATH"], ARCHIVE)
    problems = []
    for command in ("--version",), ("--help",), ("doctor",), ("-d", "0.1", "-o", "/dev/null", "--", "true"):
        run = subprocess.run([RTSAMPLE, *command], capture_output=True, text=True, env=environment)
        if run.returncode not in ((0, 1) if command == ("doctor",) else (0,)) or "load" in run.stderr:
            problems.append("%s: status %d, %s" % (command, run.returncode, run.stderr))
    return problems


def version():
    """--version has the version of libcurl that it was built with, as pkg-config has it"""
    if not shutil.which("pkg-config"):
        raise Skip("pkg-config is not installed")
    asked = subprocess.run(["pkg-config", "--modversion", "libcurl"], capture_output=True, text=True)
    if asked.returncode != 0:
        raise Skip(asked.stderr)
    said = subprocess.run([RTSAMPLE, "--version"], stdout=subprocess.PIPE, text=True).stdout
    return [] if "libcurl %s," % asked.stdout.strip() in said else [said, asked.stdout]


require_sampling()
run_steps(not_linked, neither, with_endpoint, with_bundles, no_curl, no_archive, no_bundles, not_missed, version)
