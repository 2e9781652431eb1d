"""A current ClickHouse behind the part of its HTTP interface that itog speaks: chDB, the engine as a library, in a process that can
be killed as a server kills a query.

usage: clickhouse_front.py PORT FOLDER [LOG]    (every query is written to LOG, one line each)
"""

import base64
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

# What the client says of a query that the engine is told as a setting; the rest is about HTTP.
SETTINGS = {
    "join_use_nulls",
    "max_ast_depth",
    "max_ast_elements",
    "max_execution_time",
    "max_expanded_ast_elements",
    "max_query_size",
}


def serve_engine(folder):
    """Reads queries from stdin and answers on stdout, JSON by line."""
    from chdb import session

    engine = session.Session(folder)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            for name, value in asked["settings"].items():
                engine.query(f"SET {name} = {value}")
            answer = {"bytes": base64.b64encode(engine.query(asked["sql"], asked["format"]).bytes()).decode()}
        except Exception as error:  # the engine's own words are the answer
            answer = {"error": str(error).strip() or type(error).__name__}
        print(json.dumps(answer), flush=True)


class Engine:
    """The engine in a process of its own, started anew where it was killed."""

    def __init__(self, folder):
        self.folder, self.process, self.running = folder, None, None
        self.lock = threading.Lock()

    def ask(self, sql, settings, query_id, is_write):
        if settings.pop("readonly", "0") != "0" and is_write:
            return None, "Code: 164. DB::Exception: Cannot execute query in readonly mode. (READONLY)"
        wanted = {name: value for name, value in settings.items() if name in SETTINGS}
        # A format that the query names stands before this one.
        line = json.dumps({"sql": sql, "settings": wanted, "format": "TabSeparated"})
        with self.lock:
            if self.process is None or self.process.poll() is not None:
                self.process = subprocess.Popen(
                    [sys.executable, __file__, "--engine", self.folder],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            self.running = query_id
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
            self.running = None
        if not answer:
            return None, "Code: 394. DB::Exception: Query was cancelled. (QUERY_WAS_CANCELLED)"
        answer = json.loads(answer)
        return base64.b64decode(answer.get("bytes", "")), answer.get("error")

    def kill(self, query_id):
        """As KILL QUERY WHERE query_id = …: true where that query runs."""
        if self.running != query_id or self.process is None:
            return False
        self.process.kill()
        return True


class Front(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.reply(200, b"Ok.\n")

    def do_POST(self):
        sql = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        settings = dict(parse_qsl(urlsplit(self.path).query))
        query_id = settings.pop("query_id", "")
        word = sql.split(None, 1)[0].upper() if sql.strip() else ""
        if LOG:
            with open(LOG, "a") as log:
                log.write(f"{query_id}\t{' '.join(sql.split())[:400]}\n")
        if word == "KILL":
            killed = ENGINE.kill(sql.split("'")[1])
            return self.reply(200, b"killed\n" if killed else b"")
        is_write = word not in ("SELECT", "WITH", "SHOW", "DESCRIBE", "EXISTS")
        body, error = ENGINE.ask(sql, settings, query_id, is_write)
        self.reply(500, error.encode()) if error else self.reply(200, body)

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if sys.argv[1] == "--engine":
    serve_engine(sys.argv[2])
else:
    ENGINE = Engine(sys.argv[2])
    LOG = sys.argv[3] if len(sys.argv) > 3 else None
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Front).serve_forever()
