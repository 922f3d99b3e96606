#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Through a real nginx that ends TLS and wants client certificates, in front of the contract server:
what is right arrives, from the sampler, from rtsample send and from the runbook's curl; what is wrong
about a certificate or the protocol means that nothing is sent and everything is kept."""
import socket
import sys

sys.dont_write_bytecode = True
from delivery_lib import *  # noqa

skip_in("user")

CA_CONFIG = """
[ca]
default_ca = this
[this]
dir = {folder}
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/serial
certificate = {folder}/{ca}.pem
private_key = {folder}/{ca}.key
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
[req]
distinguished_name = none
[none]
"""

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_http_version 1.1;
    ssl_client_certificate {folder}/ca.pem;
    {servers}
}}
"""

NGINX_SERVER = """
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/{certificate}.pem;
        ssl_certificate_key {folder}/{certificate}.key;
        ssl_protocols {protocols};
        ssl_ciphers {ciphers};
        ssl_verify_client {verify};
        {more}
        location / {{ proxy_pass http://127.0.0.1:{backend}; }}
    }}
"""

SERVERS = {
    "good": dict(certificate="server", verify="on"),
    "open": dict(certificate="server", verify="off"),
    "other_host": dict(certificate="other-host", verify="off"),
    "expired": dict(certificate="expired", verify="off"),
    "small": dict(certificate="server", verify="off", more="client_max_body_size 3k;"),
    "tls11": dict(
        certificate="server", verify="off", protocols="TLSv1.1", ciphers="'ALL:@SECLEVEL=0'"
    ),
    "tls12": dict(certificate="server", verify="off", protocols="TLSv1.2"),
}

PATH = "/signals/runtime-facts/ndjson"


def openssl(folder, *arguments):
    subprocess.run(["openssl"] + list(arguments), cwd=folder, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def make_authority(folder, name):
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-subj", "/CN=%s" % name, "-keyout", name + ".key", "-out", name + ".pem")  # fmt: skip
    with open(os.path.join(folder, name + ".cnf"), "w", encoding="utf-8") as file:
        file.write(CA_CONFIG.format(folder=folder, ca=name))


def make_certificate(folder, ca, name, alternative=None, begin="20200101000000Z", end="20491231000000Z"):
    extension = ["-addext", "subjectAltName=" + alternative] if alternative else []
    openssl(folder, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=%s" % name,
            "-keyout", name + ".key", "-out", name + ".csr", *extension)  # fmt: skip
    openssl(folder, "ca", "-batch", "-notext", "-config", ca + ".cnf", "-in", name + ".csr", "-out", name + ".pem",
            "-startdate", begin, "-enddate", end)  # fmt: skip


def make_certificates(folder):
    open(os.path.join(folder, "index.txt"), "w").close()
    with open(os.path.join(folder, "serial"), "w", encoding="utf-8") as file:
        file.write("01\n")
    names = "DNS:localhost,IP:127.0.0.1"
    past = dict(begin="20200101000000Z", end="20210101000000Z")
    make_authority(folder, "ca")
    make_authority(folder, "other-ca")
    make_certificate(folder, "ca", "server", names)
    make_certificate(folder, "ca", "other-host", "DNS:signals.example")
    make_certificate(folder, "ca", "expired", names, **past)
    make_certificate(folder, "ca", "client")
    make_certificate(folder, "ca", "expired-client", **past)
    make_certificate(folder, "other-ca", "other-client")
    with open(os.path.join(folder, "both.pem"), "w", encoding="utf-8") as both:
        for name in ("client.pem", "client.key"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                both.write(file.read())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Nginx:
    def __init__(self, backend):
        self.folder = tempfile.mkdtemp(dir=WORK)
        make_certificates(self.folder)
        self.ports = {name: free_port() for name in SERVERS}
        servers = ""
        for name, values in SERVERS.items():
            values = dict(dict(protocols="TLSv1.2 TLSv1.3", ciphers="DEFAULT", more=""), **values)
            servers += NGINX_SERVER.format(folder=self.folder, port=self.ports[name], backend=backend, **values)
        self.config = os.path.join(self.folder, "nginx.conf")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(NGINX.format(folder=self.folder, servers=servers))
        self.process = subprocess.Popen(["nginx", "-p", self.folder, "-c", self.config], stderr=subprocess.DEVNULL)
        at_end(self.stop)
        if not until(lambda: answers(self.ports["good"])):
            skip_all("nginx does not start here")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def file(self, name):
        return os.path.join(self.folder, name)

    def url(self, name, host="localhost"):
        return "https://%s:%d%s" % (host, self.ports[name], PATH)


# The example of the runbook, with another host.
CONFIG = """{
"Sampler": {
"MaxEventsPerSecond": 500,
"MaxCpuPercent": 35
},
"SymbolCapture": {
"CollectBuildIds": true,
"EmitLoaderBase": true
},
"Ingest": {
"BatchSize": 1000,
"FlushIntervalMs": 2000,
"Endpoint": "%s",
"Headers": {
"X-Callgraph-Id": "cg-123"
}
}
}
"""

# The smoke test of the runbook, with another host and with certificates.
SMOKE_TEST = """
cat events.ndjson | gzip -c | \\
curl -X POST "%s?callgraphId=cg-123&component=web&version=1.0.0" \\
-H "Content-Type: application/x-ndjson" \\
-H "Content-Encoding: gzip" \\
--data-binary @- \\
--silent --show-error --write-out '\\n%%{http_code}' --cacert ca.pem --cert client.pem --key client.key
"""


class Runner:
    """Sends by the sampler or by rtsample send, and tells what is wrong with the outcome."""

    def __init__(self, server, target):
        self.server, self.target = server, target

    def arrives(self, name, endpoint, *more, gzipped=True, count=1200):
        path, lines = write_facts(count, filling=100)
        before = len(self.server.requests)
        self.server.accepted.clear()
        run = send(endpoint, *more, path, spool=new_spool(), settings={"Ingest__BatchSize": 400})
        problems = run.expect(accepted=count, status=0) + same_lines(self.server.lines(), lines, "at the server")
        requests = self.server.requests[before:]
        if gzipped and {request.headers.get("content-encoding") for request in requests} != {"gzip"}:
            problems.append("not compressed")
        ok("arrives: " + name, problems + self.server.problems)

    def sampled_arrives(self, name, endpoint, *more, **options):
        """The runbook's settings as they stand, and what every request must say beside them."""
        config = os.path.join(tempfile.mkdtemp(dir=WORK), "appsettings.json")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG % endpoint)
        before = len(self.server.requests)
        self.server.accepted.clear()
        subject = ("--component", "web", "--component-version", "1.0.0")
        arguments = ("-c", config, "-p", self.target.pid, "-d", 2.5, *subject, *more)
        run = Sampling(*arguments, private=[self.target.pid], env=environment_of({}), delivers=True).finish()
        problems = run.problems + same_lines(self.server.lines(), emitted(run), "at the server")
        requests = self.server.requests[before:]
        if {request.headers.get("x-callgraph-id") for request in requests} != {"cg-123"}:
            problems.append("X-Callgraph-Id is not in every request")
        note("%s: %d facts in %d requests" % (name, len(self.server.lines()), len(requests)))
        ok("arrives: " + name, problems + self.server.problems)
        return run

    def is_kept(self, name, endpoint, word, *more):
        path, lines = write_facts(20)
        before = len(self.server.requests)
        spool, own = new_spool(), new_spool()
        run = send(endpoint, *more, path, spool=spool)
        # Long enough for a first handshake to fail.
        seconds = 3 if os.environ.get("RTSAMPLE_SANITIZERS") else 0.3
        sampled = sampling(
            self.target.pid, endpoint, *more, "-d", seconds,
            spool=own, settings={"Ingest__FlushIntervalMs": 100},
        ).finish(5)
        problems = run.expect(spooled=20, accepted=0, rejected=0, status=5) + sampled.problems
        problems += same_lines(spooled_lines(spool), lines, "in the spool")
        problems += same_lines(spooled_lines(own), emitted(sampled), "in the spool of the sampler")
        if len(self.server.requests) != before:
            problems.append("something came through")
        for said in (run.stderr, sampled.stderr):
            if not re.search(word, said):
                problems.append("not said why: " + said)
        return (run.stderr.splitlines() or [""])[0], problems


def smoke_test(nginx, server, run):
    """the runbook's smoke test sends what the sampler wrote: 202 with a SubjectKey"""
    if not shutil.which("curl"):
        raise Skip("curl is not installed")
    with open(nginx.file("events.ndjson"), "wb") as file:
        file.write(run.output)
    server.accepted.clear()
    result = subprocess.run(["bash", "-c", SMOKE_TEST % nginx.url("good")], cwd=nginx.folder, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)  # fmt: skip
    note(result.stdout)
    body, _, status = result.stdout.rpartition("\n")
    problems = [] if status == "202" and "subjectkey" in body.lower() else [result.stdout + result.stderr]
    ok(smoke_test.__doc__, problems + same_lines(server.lines(), emitted(run), "at the server"))


def offers_tls11(nginx):
    result = subprocess.run(
        ["openssl", "s_client", "-connect", "127.0.0.1:%d" % nginx.ports["tls11"], "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    return "Protocol  : TLSv1.1" in result.stdout and "Cipher    : 0000" not in result.stdout


def scenarios(nginx, server, target):
    runner = Runner(server, target)
    ca = ("--cacert", nginx.file("ca.pem"))
    good = (*ca, "--cert", nginx.file("client.pem"), "--key", nginx.file("client.key"))
    run = runner.sampled_arrives("the sampler, with the runbook's settings and a client certificate", nginx.url("good"), *good)
    smoke_test(nginx, server, run)
    runner.arrives("with a client certificate and its key", nginx.url("good"), *good)
    runner.arrives("with both in one file, by address", nginx.url("good", "127.0.0.1"), *ca, "--cert", nginx.file("both.pem"))
    runner.arrives("over TLS 1.2", nginx.url("tls12"), *ca)
    runner.arrives("through a limit of nginx on the size (413)", nginx.url("small"), *ca, gzipped=False, count=200)

    def client(cert, key):
        return (*ca, "--cert", nginx.file(cert), "--key", nginx.file(key))

    cases = [
        ("no authority given", nginx.url("open"), "(?i)certificate"),
        ("the wrong authority", nginx.url("open"), "(?i)certificate", "--cacert", nginx.file("other-ca.pem")),
        ("the wrong host name", nginx.url("other_host"), "(?i)(host|certificate)", *ca),
        ("an expired server certificate", nginx.url("expired"), "(?i)expired", *ca),
        ("no client certificate", nginx.url("good"), "client certificate", *ca),
        ("an expired client certificate", nginx.url("good"), "client certificate", *client("expired-client.pem", "expired-client.key")),
        ("a client certificate of another authority", nginx.url("good"), "client certificate", *client("other-client.pem", "other-client.key")),
        ("a key that does not belong to the certificate", nginx.url("good"), "(?i)(key|certificate)", *client("client.pem", "other-client.key")),
    ]  # fmt: skip
    if offers_tls11(nginx):
        cases.append(("TLS 1.1", nginx.url("tls11"), "(?i)(ssl|tls)", *ca))
    else:
        skip("kept: TLS 1.1", "openssl does not speak it here")
    for (name, *_), (said, problems) in zip(cases, in_parallel(lambda case: runner.is_kept(*case), cases)):
        note("%s: %s" % (name, said))
        ok("kept: " + name, problems)
    environment = {"SSL_CERT_FILE": nginx.file("ca.pem"), "CURL_CA_BUNDLE": nginx.file("ca.pem")}
    path, _ = write_facts(3)
    run = send(nginx.url("open"), path, environment=environment)
    ok("the environment names no authorities", run.expect(accepted=0, dropped=3))


def doctor(nginx, name, *options):
    """The exit status, and the check of the endpoint."""
    run = subprocess.run([RTSAMPLE, "doctor", "--json", "--endpoint", nginx.url(name), *options],
                         stdout=subprocess.PIPE, text=True, timeout=STUCK_SECONDS)  # fmt: skip
    return run.returncode, json.loads(run.stdout)["checks"]["delivery.endpoint"]


def doctor_connects(nginx):
    """doctor --endpoint says whether the server can be reached, and why not"""
    ca = ("--cacert", nginx.file("ca.pem"))
    cases = (
        ("open", "works", None, *ca),
        ("tls12", "works", None, *ca),
        ("open", "refused", "certificate"),
        ("open", "refused", "certificate", "--cacert", nginx.file("other-ca.pem")),
        ("other_host", "refused", "certificate", *ca),
        ("expired", "refused", "certificate", *ca),
    )
    problems = []
    for name, state, cause, *options in cases:
        status, check = doctor(nginx, name, *options)
        if check["state"] != state or check["cause"] != cause or (state == "refused") != (status == 1):
            problems.append("%s %s: %s, %s" % (name, options, status, check))
    ok(doctor_connects.__doc__, problems)


def cpu_ticks(pid):
    with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
        return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))


def said_at_the_start(nginx, target):
    """a wrong authority is said while sampling goes on, before there is anything to send"""
    options = ["--endpoint", nginx.url("open"), "--callgraph-id", "c", "--scan-id", "s"]
    sampling = subprocess.Popen(
        [RTSAMPLE, "-p", str(target.pid), *options, "--cacert", nginx.file("other-ca.pem")],
        stderr=subprocess.PIPE, text=True, env=dict(os.environ, Ingest__FlushIntervalMs="3600000"),
    )  # fmt: skip
    said, begun = "", cpu_ticks(target.pid)
    while "cannot be reached" not in said and sampling.poll() is None and readable(sampling.stderr):
        said += os.read(sampling.stderr.fileno(), 4096).decode()
    problems = [] if "certificate" in said.lower() and sampling.poll() is None else ["it said: " + said]
    until(lambda: cpu_ticks(target.pid) > begun + os.sysconf("SC_CLK_TCK") // 2)
    sampling.terminate()
    _, rest = sampling.communicate(timeout=STUCK_SECONDS)
    if sampling.returncode != 5:
        problems.append("exit status %d: %s%s" % (sampling.returncode, said, rest))
    ok(said_at_the_start.__doc__, problems)


def readable(file):
    return select.select([file], [], [], STUCK_SECONDS)[0]


def nothing_is_sent():
    """neither doctor nor the start of a run sends a byte to a server that takes connections"""
    problems = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(STUCK_SECONDS)
        url = "http://127.0.0.1:%d/x" % listener.getsockname()[1]
        for words in (["doctor"], ["--callgraph-id", "c", "--scan-id", "s", "--", "sleep", "0.2"]):
            run = subprocess.Popen([RTSAMPLE, words[0], "--endpoint", url, *words[1:]] if words[0] == "doctor"
                                   else [RTSAMPLE, "--endpoint", url, *words],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
            connection, _ = listener.accept()
            connection.settimeout(STUCK_SECONDS)
            got = connection.recv(1)
            connection.close()
            run.wait(STUCK_SECONDS)
            if got:
                problems.append("%s sent something" % words)
    ok(nothing_is_sent.__doc__, problems)


def main():
    require_sampling()
    for tool in ("nginx", "openssl"):
        if not shutil.which(tool):
            skip_all("%s is not installed" % tool)
    with Server() as server, Target(build("chain-O2-nofp")) as target:
        nginx = Nginx(server.port)
        scenarios(nginx, server, target)
        doctor_connects(nginx)
        said_at_the_start(nginx, target)
        nothing_is_sent()
        nginx.stop()
    done()


main()
