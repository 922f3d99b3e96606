#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""contrib/seccomp and contrib/container: rtsample under exactly that profile, and the manifests."""
import sys

sys.dont_write_bytecode = True
from lib import *  # noqa

skip_in("user", "sanitizers")

TREE = os.path.abspath(os.environ.get("top_srcdir", os.path.join(HERE, "..", "..")))
PROFILE = os.path.join(TREE, "contrib", "seccomp", "rtsample.json")
CONTAINER = os.path.join(TREE, "contrib", "container")
CONFINED = ["/usr/bin/python3", os.path.join(HERE, "seccomp_run.py"), "--profile", PROFILE]
CAPABILITIES = {"PERFMON", "SYS_PTRACE"}


# --- The profile ---------------------------------------------------------------------------------


def confined(*words):
    run = subprocess.run(
        [*CONFINED, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    if run.returncode == 77:
        raise Skip(run.stderr)
    return run


def sampling():
    """under the profile processes are sampled, by perf events and by ptrace"""
    confined("true")
    wanted, problems = directives("chain-O2-nofp"), []
    for method in ("perf", "ptrace"):
        with Target(build("chain-O2-nofp")) as target:
            run = sample_enough(
                *("-p", target.pid, "-F", 499, "--method", method), program=[*CONFINED, RTSAMPLE]
            )
        found = run.problems + check_expectations(run, wanted)
        problems += ["%s: %s" % (method, text) for text in found]
    return problems


def nothing_missing():
    """under the profile doctor finds nothing refused that it does not find without"""
    reports = []
    for before in ([], CONFINED):
        run = subprocess.run([*before, RTSAMPLE, "doctor", "--json"], stdout=subprocess.PIPE)
        if run.returncode == 77:
            raise Skip("python3-seccomp is not installed")
        reports.append({key: it["state"] for key, it in json.loads(run.stdout)["checks"].items()})
    return ["%s" % reports] if reports[0] != reports[1] else []


def refused():
    """what is not in the profile is refused"""
    problems = []
    for words in (["unshare", "-U", "true"], ["mount", "-t", "tmpfs", "none", WORK]):
        run = confined(*words)
        if run.returncode == 0 or not re.search("not implemented|not permitted", run.stderr):
            problems.append("%s: %d: %s" % (words, run.returncode, run.stderr))
    with open(PROFILE) as file:
        text = json.load(file)
    names = {name for group in text["syscalls"] for name in group["names"]}
    if text["defaultAction"] != "SCMP_ACT_ERRNO":
        problems.append("by default: %s" % text["defaultAction"])
    never = "bpf mount setns unshare init_module kexec_load process_vm_writev reboot".split()
    return problems + ["%s is in it" % name for name in never if name in names]


def calls_of(log, *words, status=0):
    """The system calls that a command makes."""
    run = subprocess.run(
        ["strace", "-f", "-qq", "-o", log, RTSAMPLE, *map(str, words)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    if run.returncode != status:
        raise RuntimeError("%s: %d: %s" % (words, run.returncode, run.stderr))
    with open(log, errors="replace") as file:
        return set(re.findall(r"^\d+ +([a-z0-9_]+)\(", file.read(), re.M))


def complete():
    """the profile has every system call that the commands make, and none of them is bpf(2)"""
    system_program("strace")
    log, trace, facts = (os.path.join(WORK, name) for name in ("strace", "trace", "facts"))
    nowhere = "http://127.0.0.1:9/signals/runtime-facts/ndjson"
    subject = ("--callgraph-id", "c", "--scan-id", "s", "--endpoint", nowhere)
    made = {}
    with Target(build("chain-O2-nofp")) as target:
        # Sampling a target that computes, long enough for facts.
        made["sample"] = calls_of(
            log, *("-p", target.pid, "-d", 1, "-o", facts, "--record", trace),
            *("--cas", os.path.join(WORK, "cas"), "--analysis-id", "a"),
            *("--stats", os.path.join(WORK, "stats"), "--metrics", os.path.join(WORK, "metrics")),
        )  # fmt: skip
        made["ptrace"] = calls_of(
            log, "-p", target.pid, "-d", 0.5, "-o", "/dev/null", "--method", "ptrace"
        )
    spool = os.path.join(WORK, "spool")
    made["all"] = calls_of(log, "-a", "-d", 0.2, *subject, "--spool", spool, status=5)
    made["send"] = calls_of(log, "send", *subject, "--spool", spool, facts, status=5)
    made["replay"] = calls_of(log, "replay", trace, "-o", "/dev/null")
    made["doctor"] = calls_of(log, "doctor")
    with open(PROFILE) as file:
        names = {name for group in json.load(file)["syscalls"] for name in group["names"]}
    names.add("clone3")  # refused, so that clone() is used, whose flags can be looked at
    problems = []
    for command, calls in made.items():
        problems += ["%s calls %s" % (command, name) for name in sorted(calls - names)]
        if "bpf" in calls:
            problems.append(command + " calls bpf")
    return problems


# --- The manifests -------------------------------------------------------------------------------


def manifests():
    try:
        import yaml
    except ImportError:
        # The module of the distribution is another interpreter's.
        code = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))"
        read = lambda file: json.loads(
            subprocess.run(
                ["/usr/bin/python3", "-c", code], stdin=file, stdout=subprocess.PIPE, check=True
            ).stdout
        )
    else:
        read = lambda file: list(yaml.safe_load_all(file))
    for name in sorted(os.listdir(CONTAINER)):
        if name.endswith(".yaml"):
            with open(os.path.join(CONTAINER, name)) as file:
                try:
                    yield name, read(file)
                except subprocess.CalledProcessError:
                    raise Skip("python3-yaml is not installed")


def least_privileges(container):
    context = container["securityContext"]
    capabilities = context["capabilities"]
    if capabilities["drop"] != ["ALL"] or set(capabilities["add"]) != CAPABILITIES:
        yield "capabilities %s" % capabilities
    for key, value in (
        ("privileged", False),
        ("allowPrivilegeEscalation", False),
        ("readOnlyRootFilesystem", True),
    ):
        if context.get(key) is not value:
            yield "%s is %s" % (key, context.get(key))
    if not container["resources"]["limits"]:
        yield "no limits"


def pods():
    for name, documents in manifests():
        for document in documents:
            if document["kind"] == "Pod":
                yield name, document["spec"], documents
            elif "template" in document.get("spec", {}):
                yield name, document["spec"]["template"]["spec"], documents


def manifests_are_whole():
    """the manifests give the least privileges, and mount what they name"""
    problems, seen = [], 0
    for name, pod, _ in pods():
        container = next(item for item in pod["containers"] if item["name"] == "rtsample")
        found = list(least_privileges(container))
        volumes = {volume["name"] for volume in pod["volumes"]}
        mounts = {mount["name"] for mount in container["volumeMounts"]}
        if mounts != volumes:
            found.append("volumes %s, mounted %s" % (volumes, mounts))
        if not (pod.get("hostPID") or pod.get("shareProcessNamespace")):
            found.append("it sees no process but its own")
        if pod.get("hostNetwork") or pod.get("hostIPC") or pod.get("automountServiceAccountToken"):
            found.append("it is given more than it takes")
        problems += ["%s: %s" % (name, text) for text in found]
        seen += 1
    return problems + ([] if seen == 2 else ["%d pods" % seen])


def manifests_fit_the_program():
    """the arguments and settings in the manifests are those of the program"""
    problems = []
    for name, pod, documents in pods():
        container = next(item for item in pod["containers"] if item["name"] == "rtsample")
        arguments = list(container["args"])
        for document in documents:
            if document["kind"] == "ConfigMap":
                path = os.path.join(WORK, "settings.json")
                with open(path, "w") as file:
                    file.write(document["data"]["rtsample.json"])
                arguments[arguments.index("-c") + 1] = path
        run = subprocess.run(
            [RTSAMPLE, *arguments, "--print-config"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        if run.returncode != 0 or "signals.local" not in run.stdout:
            problems.append("%s: %d: %s%s" % (name, run.returncode, run.stdout, run.stderr))
    return problems


if not IS_ROOT:
    skip_all("sampling under a filter without no_new_privs takes root")
run_steps(
    sampling, nothing_missing, refused, complete, manifests_are_whole, manifests_fit_the_program,
)  # fmt: skip
