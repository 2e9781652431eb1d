"""What happens between itog and real database servers when something is wrong, and that nothing is written or told there.

usage: warehouse.py ITOG SCRATCH [--postgres BIN] [--clickhouse]
"""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

ITOG, SCRATCH = os.path.realpath(sys.argv[1]), sys.argv[2]
SECRET = "tr0ub4dor-3-secret"
failed = []
shown = 0


def check(what, is_so, seen=""):
    global shown
    shown += 1
    print(f"{'ok  ' if is_so else 'FAIL'} {what}{'' if is_so else ': ' + str(seen)[:600]}", flush=True)
    if not is_so:
        failed.append(what)


def sh(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def certificates():
    """A root that signs `localhost`, and a stranger's root."""
    folder = os.path.join(SCRATCH, "certificates")
    os.makedirs(folder, exist_ok=True)
    path = lambda name: os.path.join(folder, name)
    for name in ("own", "stranger"):
        sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name} root",
           "-keyout", path(f"{name}-root.key"), "-out", path(f"{name}-root.pem"))
    sh("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", path("server.key"), "-out", path("server.csr"))
    with open(path("server.ext"), "w") as file:
        file.write("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    sh("openssl", "x509", "-req", "-in", path("server.csr"), "-CA", path("own-root.pem"), "-CAkey", path("own-root.key"),
       "-CAcreateserial", "-days", "30", "-extfile", path("server.ext"), "-out", path("server.pem"))
    return path


def config(name, source, extra="", value="x"):
    path = os.path.join(SCRATCH, f"{name}.toml")
    with open(path, "w") as file:
        file.write(
            f'[experiment]\nid = "{name}"\ntitle = "T"\n[design]\ncontrol = "A"\n[data]\n{source}\ngroup = "g"\n{extra}'
            f'[[metric]]\nid = "m"\nvalue = "{value}"\ngoal = "increase"\ntest = "welch"\n'
        )
    return path


def itog(*arguments, **environment):
    env = {**os.environ, "RUST_LOG": "itog=debug", "NO_COLOR": "1", **environment}
    return subprocess.run([ITOG, *arguments], capture_output=True, text=True, env=env, cwd=SCRATCH, timeout=120)


class Kind:
    """The same questions to either server; what differs is here."""

    def refused(self, what, code, run, exit_code=3):
        said = run.stdout + run.stderr
        check(f"{self.name}: {what}: {code}, exit {exit_code}, a hint, no secret",
              f"warehouse::{code}" in said and run.returncode == exit_code and SECRET not in said
              and said.strip().splitlines()[-1].endswith(")"),
              (run.returncode, said[-900:]))

    def table(self, more="", name="one"):
        return config(name, f'source = "{self.source}"\ntable = "t"\n{more}')

    def ask(self, path, url, **more):
        return itog("analyze", path, **{self.variable: url, **more})

    def run(self):
        ok = self.ask(self.table(), self.url())
        check(f"{self.name}: answers", ok.returncode == 0 and '"metrics"' in ok.stdout, ok.stderr[-900:])
        self.refused("wrong password", "login", self.ask(self.table(), self.url(password=SECRET)))
        self.refused("unknown table", "query", self.ask(config("unknown", f'source = "{self.source}"\ntable = "nowhere"'), self.url()))
        self.refused("unknown host", "connect", self.ask(self.table(), self.url(host="no-such-host.invalid")))
        self.refused("nobody listens", "connect", self.ask(self.table(), self.url(port=1)))
        self.refused("no address", "no-address", self.ask(self.table(), ""))
        self.doctor()
        self.encryption()
        self.slow()
        self.interrupted()
        self.read_only()
        self.one_query()

    def doctor(self):
        table = self.table()
        ok = itog("doctor", table, **{self.variable: self.url()})
        check(f"{self.name}: the doctor finds that it answers", ok.returncode == 0 and "databases answer" in ok.stdout, ok.stdout[-900:])
        no = itog("doctor", table, **{self.variable: self.url(password=SECRET)})
        check(f"{self.name}: and says when it does not",
              no.returncode == 1 and "FAILED   databases" in no.stdout and SECRET not in no.stdout + no.stderr, no.stdout[-900:])

    def encryption(self):
        url = self.url(tls=True)
        ok = self.ask(self.table(), url, SSL_CERT_FILE=CERTIFICATE("own-root.pem"))
        check(f"{self.name}: a known authority is trusted", ok.returncode == 0, ok.stderr[-900:])
        self.refused("unknown authority", "tls", self.ask(self.table(), url, SSL_CERT_FILE=CERTIFICATE("stranger-root.pem")))
        other = self.url(tls=True, host="127.0.0.1")
        self.refused("another name", "tls", self.ask(self.table(), other, SSL_CERT_FILE=CERTIFICATE("own-root.pem")))

    def sleeping(self, name, seconds):
        return config(name, f'source = "{self.source}"\nquery = "{self.sleep}"\ntimeout = {seconds}')

    def slow(self):
        begun = time.time()
        self.refused("too slow", "timeout", self.ask(self.sleeping("slow", 2), self.url()))
        took = time.time() - begun
        time.sleep(1.5)
        check(f"{self.name}: it was given up in time and runs no more", took < 20 and not self.running(), (took, self.running()))

    def interrupted(self):
        env = {**os.environ, self.variable: self.url()}
        child = subprocess.Popen([ITOG, "analyze", self.sleeping("long", 100)], env=env, cwd=SCRATCH, stderr=subprocess.PIPE, text=True)
        until = time.time() + 20
        while not self.running() and time.time() < until:
            time.sleep(0.2)
        began = bool(self.running())
        child.send_signal(signal.SIGINT)
        said = child.communicate(timeout=30)[1]
        time.sleep(1.5)
        check(f"{self.name}: an interrupt ends the program and the query (exit {child.returncode})",
              began and child.returncode != 0 and not self.running() and "interrupted" in said, (began, said, self.running()))

    def one_query(self):
        self.settle()
        before = self.asked()
        good = config("good", 'path = "good.csv"')
        with open(os.path.join(SCRATCH, "good.csv"), "w") as file:
            file.write("g,x\n" + "".join(f"{'AB'[i % 2]},{i % 7}\n" for i in range(60)))
        out = os.path.join(SCRATCH, f"out-{self.source}")
        run = itog("run", self.table(), good, "--out", out, "--date", "2026-11-22", **{self.variable: self.url()})
        self.settle()
        check(f"{self.name}: a run asks for sums once", run.returncode == 0 and self.asked() - before == 1, (run.stderr[-600:], before, self.asked()))
        kept = b"".join(open(os.path.join(at, name), "rb").read() for at, _, names in os.walk(out) for name in names)
        check(f"{self.name}: no password in logs, reports and archive", PASSWORD not in run.stdout + run.stderr and PASSWORD.encode() not in kept)
        broken = config("broken", f'source = "{self.source}"\ntable = "nowhere"')
        run = itog("run", broken, good, "--out", out + "-2", "--date", "2026-11-22", **{self.variable: self.url()})
        there = os.path.exists(os.path.join(out + "-2", "2026-11-22", "good", "report.pdf"))
        check(f"{self.name}: one that cannot be asked leaves the others (exit 3)", run.returncode == 3 and there, (run.returncode, run.stderr[-600:]))


PASSWORD = "r1ght-and-hidden"


class Postgres(Kind):
    name, source, variable = "PostgreSQL", "postgres", "ITOG_POSTGRES_URL"
    sleep = "SELECT t.* FROM t, pg_sleep(30)"

    def __init__(self, bin_folder):
        self.bin, self.data, self.port = bin_folder, os.path.join(SCRATCH, "pg-data"), 54331
        self.as_server(f"{bin_folder}/initdb", "-D", self.data, "-A", "trust")
        for name, mode in (("server.key", 0o600), ("server.pem", 0o644)):
            content = open(CERTIFICATE(name), "rb").read()
            path = os.path.join(self.data, name)
            with open(path, "wb") as file:
                file.write(content)
            os.chmod(path, mode)
            if os.geteuid() == 0:
                sh("chown", "postgres", path)
        hba = os.path.join(self.data, "pg_hba.conf")
        rest = open(hba).read()
        with open(hba, "w") as file:
            file.write("host all reader 127.0.0.1/32 scram-sha-256\nhost all reader ::1/128 scram-sha-256\n" + rest)
        self.log = os.path.join(SCRATCH, "pg-log")
        options = (f"-p {self.port} -k {SCRATCH} -c listen_addresses=localhost -c log_statement=all -c fsync=off -c ssl=on "
                   "-c ssl_cert_file=server.pem -c ssl_key_file=server.key")
        self.as_server(f"{bin_folder}/pg_ctl", "-w", "-D", self.data, "-l", self.log, "-o", options, "start")
        self.sql(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'; CREATE SEQUENCE counter; GRANT ALL ON SEQUENCE counter TO reader; "
                 "CREATE TABLE t (g text, x double precision); GRANT ALL ON t TO reader; "
                 "INSERT INTO t SELECT CASE WHEN i % 2 = 0 THEN 'A' ELSE 'B' END, i % 7 FROM generate_series(1, 200) AS i")

    def as_server(self, *command):
        command = ("runuser", "-u", "postgres", "--", *command) if os.geteuid() == 0 else command
        # The server outlives the command and must not hold its output.
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")

    def sql(self, text):
        user = "postgres" if os.geteuid() == 0 else sh("id", "-un").strip()
        return sh(f"{self.bin}/psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", user, "-d", "postgres", "-Atc", text)

    def url(self, password=PASSWORD, host="localhost", port=None, tls=False):
        return f"postgresql://reader:{password}@{host}:{port or self.port}/postgres" + ("?sslmode=require" if tls else "")

    def running(self):
        return self.sql("SELECT query FROM pg_stat_activity WHERE application_name = 'itog' AND state = 'active'").strip()

    def read_only(self):
        writes = config("writes", 'source = "postgres"\nquery = "SELECT *, nextval(\'counter\') AS n FROM t"', value="n")
        run = self.ask(writes, self.url())
        self.refused("a query that writes", "query", run)
        check("PostgreSQL: the server says that the session reads only", "read-only transaction" in run.stderr, run.stderr[-600:])
        check("PostgreSQL: nothing was written", self.sql("SELECT is_called FROM counter").strip() == "f")

    def doctor(self):
        super().doctor()
        self.sql("REVOKE SELECT ON t FROM reader")
        for command in ("doctor", "check"):
            no = itog(command, self.table(), **{self.variable: self.url()})
            check(f"PostgreSQL: the {command} finds that the table may not be read",
                  no.returncode != 0 and "permission denied for table t" in no.stdout + no.stderr, no.stdout[-900:] + no.stderr[-900:])
        self.sql("GRANT SELECT ON t TO reader")

    def settle(self):
        """The log is written at once."""

    def asked(self):
        return len(re.findall(r"statement: .*AS a_part", open(self.log).read()))

    def stop(self):
        self.as_server(f"{self.bin}/pg_ctl", "-D", self.data, "-m", "immediate", "stop")


class Clickhouse(Kind):
    name, source, variable = "ClickHouse", "clickhouse", "ITOG_CLICKHOUSE_URL"
    sleep = "SELECT toString(number % 2) AS g, toFloat64(number) AS x FROM system.numbers"

    def __init__(self):
        self.http, self.https = 18125, 18445
        folder = os.path.join(SCRATCH, "ch")
        os.makedirs(os.path.join(folder, "tmp"), exist_ok=True)
        with open(os.path.join(folder, "config.xml"), "w") as file:
            file.write(f"""<yandex><logger><level>error</level><log>{folder}/log</log><errorlog>{folder}/errors</errorlog></logger>
<http_port>{self.http}</http_port><https_port>{self.https}</https_port><tcp_port>19025</tcp_port><listen_host>127.0.0.1</listen_host>
<openSSL><server><certificateFile>{CERTIFICATE('server.pem')}</certificateFile><privateKeyFile>{CERTIFICATE('server.key')}</privateKeyFile>
<verificationMode>none</verificationMode><loadDefaultCAFile>false</loadDefaultCAFile></server></openSSL>
<query_log><database>system</database><table>query_log</table><flush_interval_milliseconds>1000</flush_interval_milliseconds></query_log>
<path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path><mark_cache_size>268435456</mark_cache_size>
<users_config>users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database></yandex>""")
        with open(os.path.join(folder, "users.xml"), "w") as file:
            user = lambda name, word: f"<{name}><password>{word}</password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></{name}>"
            file.write(f"""<yandex><profiles><default><log_queries>1</log_queries></default></profiles>
<users>{user('default', '')}{user('reader', PASSWORD)}</users><quotas><default></default></quotas></yandex>""")
        self.process = subprocess.Popen(["clickhouse-server", f"--config-file={folder}/config.xml"], cwd=folder,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(50):
            try:
                self.sql("SELECT 1")
                break
            except OSError:
                time.sleep(0.2)
        self.sql("CREATE TABLE t (g String, x Float64) ENGINE = MergeTree() PARTITION BY tuple() ORDER BY tuple()")
        self.sql("INSERT INTO t SELECT if(number % 2 = 0, 'A', 'B'), number % 7 FROM numbers(200)")

    def sql(self, text):
        return urllib.request.urlopen(f"http://127.0.0.1:{self.http}/", data=text.encode()).read().decode()

    def url(self, password=PASSWORD, host="localhost", port=None, tls=False):
        scheme, own = ("https", self.https) if tls else ("http", self.http)
        return f"{scheme}://reader:{password}@{host}:{port or own}/"

    def running(self):
        return self.sql("SELECT query_id FROM system.processes WHERE query_id LIKE 'itog-%'").strip()

    def read_only(self):
        mode = "SELECT *, (SELECT value FROM system.settings WHERE name = 'readonly') AS mode FROM t"
        run = self.ask(config("mode", f'source = "clickhouse"\nquery = "{mode}"', value="CASE WHEN mode = '2' THEN 1 ELSE 0 END"), self.url())
        check("ClickHouse: the session reads only", run.returncode == 0 and '"mean": 1.0' in run.stdout, run.stderr[-600:] + run.stdout[:900])
        run = self.ask(config("writes", 'source = "clickhouse"\nquery = "SELECT 1) AS q; DROP TABLE t; SELECT (1"'), self.url())
        self.refused("a query that leaves its brackets", "query", run)
        check("ClickHouse: nothing was written", self.sql("SELECT count() FROM t").strip() == "200")

    def settle(self):
        time.sleep(9)

    def asked(self):
        return int(self.sql("SELECT count() FROM system.query_log WHERE type = 1 AND query_id LIKE 'itog-%-sums'")) if "query_log" in self.sql("SHOW TABLES FROM system") else 0

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


CERTIFICATE = certificates()
servers = []
if "--postgres" in sys.argv:
    servers.append(lambda: Postgres(sys.argv[sys.argv.index("--postgres") + 1]))
if "--clickhouse" in sys.argv:
    servers.append(Clickhouse)
for start in servers:
    server = start()
    try:
        server.run()
    finally:
        server.stop()
print(f"{shown - len(failed)} of {shown}")
sys.exit(1 if failed else 0)
