#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Through a real nginx that ends TLS and wants client certificates, in front of the contract server:
what is right arrives, and what is wrong about a certificate or the protocol means that nothing is
sent and everything is kept."""
import socket
import sys

sys.dont_write_bytecode = True
from delivery_lib import *  # noqa

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


def arrives(server, name, endpoint, *more, gzipped=True):
    path, lines = write_facts(1200, filling=100)
    before = len(server.requests)
    server.accepted.clear()
    spool = new_spool()
    run = drive("endpoint=" + endpoint, *WHO, *QUICK, "lines=" + path, "spool=" + spool, "batch=400", "wait-ms=60000", *more)
    problems = run.expect(accepted=1200, left=0, status=0) + same_lines(server.lines(), lines, "at the server")
    requests = server.requests[before:]
    if gzipped and {request.headers.get("content-encoding") for request in requests} != {"gzip"}:
        problems.append("not compressed")
    ok("arrives: " + name, problems + server.problems)


def is_kept(server, name, endpoint, word, *more):
    path, lines = write_facts(20)
    before = len(server.requests)
    spool = new_spool()
    run = drive("endpoint=" + endpoint, *WHO, *QUICK, "lines=" + path, "spool=" + spool, "wait-ms=60000", "failures=2", *more)
    problems = run.expect(spooled=20, accepted=0, rejected=0, status=5)
    problems += same_lines(spooled_lines(spool), lines, "in the spool")
    if len(server.requests) != before:
        problems.append("something came through")
    if not re.search(word, run.stderr):
        problems.append("not said why: " + run.stderr)
    note("%s: %s" % (name, run.stderr.splitlines()[0] if run.stderr else ""))
    ok("kept: " + name, problems)


def offers_tls11(nginx):
    result = subprocess.run(
        ["openssl", "s_client", "-connect", "127.0.0.1:%d" % nginx.ports["tls11"], "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    return "Protocol  : TLSv1.1" in result.stdout and "Cipher    : 0000" not in result.stdout


def scenarios(nginx, server):
    ca = "cacert=" + nginx.file("ca.pem")
    client = ("cert=" + nginx.file("client.pem"), "key=" + nginx.file("client.key"))
    arrives(server, "with a client certificate and its key", nginx.url("good"), ca, *client)
    arrives(server, "with both in one file, by address", nginx.url("good", "127.0.0.1"), ca, "cert=" + nginx.file("both.pem"))
    arrives(server, "over TLS 1.2", nginx.url("tls12"), ca)
    arrives(server, "through a limit of nginx on the size (413)", nginx.url("small"), ca, gzipped=False)

    is_kept(server, "no authority given", nginx.url("open"), "(?i)certificate")
    is_kept(server, "the wrong authority", nginx.url("open"), "(?i)certificate", "cacert=" + nginx.file("other-ca.pem"))
    is_kept(server, "the wrong host name", nginx.url("other_host"), "(?i)(host|certificate)", ca)
    is_kept(server, "an expired server certificate", nginx.url("expired"), "(?i)expired", ca)
    is_kept(server, "no client certificate", nginx.url("good"), "client certificate", ca)
    is_kept(server, "an expired client certificate", nginx.url("good"), "client certificate", ca,
            "cert=" + nginx.file("expired-client.pem"), "key=" + nginx.file("expired-client.key"))  # fmt: skip
    is_kept(server, "a client certificate of another authority", nginx.url("good"), "client certificate", ca,
            "cert=" + nginx.file("other-client.pem"), "key=" + nginx.file("other-client.key"))  # fmt: skip
    is_kept(server, "a key that does not belong to the certificate", nginx.url("good"), "(?i)(key|certificate)", ca,
            "cert=" + nginx.file("client.pem"), "key=" + nginx.file("other-client.key"))  # fmt: skip
    if offers_tls11(nginx):
        is_kept(server, "TLS 1.1", nginx.url("tls11"), "(?i)(ssl|tls)", ca)
    else:
        skip("kept: TLS 1.1", "openssl does not speak it here")
    environment = {"SSL_CERT_FILE": nginx.file("ca.pem"), "CURL_CA_BUNDLE": nginx.file("ca.pem")}
    path, _ = write_facts(3)
    run = drive("endpoint=" + nginx.url("open"), *WHO, *QUICK, "lines=" + path, "wait-ms=60000", "failures=1", environment=environment)
    ok("the environment names no authorities", run.expect(accepted=0, dropped=3))


def main():
    require_driver()
    for tool in ("nginx", "openssl"):
        if not shutil.which(tool):
            skip_all("%s is not installed" % tool)
    with Server() as server:
        nginx = Nginx(server.port)
        scenarios(nginx, server)
        nginx.stop()
    done()


main()
