#!/usr/bin/python3
"""A household pantry: what is on the shelf, and who took the last of it.

A small web app on SQLite, with Python's standard library alone. It knows nothing of liteinit: it
finds its tables ready, keeps its promises about writes, and stops when it is asked to.

  GET  /                       the stock, as a page
  GET  /healthz                "ok" when the database answers
  GET  /items                  the stock, as JSON
  GET  /items/ID               one item with its movements
  POST /items                  {"name": "Rice", "unit": "kg", "note": ""}   -> 201 {"id": 7}
  POST /items/ID/movements     {"change": -2, "note": "dinner"}             -> 201 {"id": 31}

A 201 is sent only after COMMIT with synchronous=FULL: what was answered is on the disk.
SIGTERM or SIGINT: no new connection is taken, requests in flight are answered, the database is
closed, exit 0.

Environment: DATABASE_PATH (required), HOST (0.0.0.0), PORT (8080; 0 picks a free one),
PORT_FILE (where the port is written once the app listens).
"""

import html
import json
import os
import re
import signal
import socketserver
import sqlite3
import sys
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler

MAX_BODY = 64 * 1024
MAX_CHANGE = 1_000_000_000


class BadRequest(Exception):
    """The client's mistake: answered with 400 and this text."""


class NotFound(Exception):
    """Nothing under this address: answered with 404."""


class Pantry:
    """The database. One connection writes, under a lock; each reader opens its own."""

    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.writer = self.connect()
        self.writer.execute("PRAGMA journal_mode=WAL")

    def connect(self):
        # mode=rw: the tables are a migration's work, so an absent file is an error here.
        address = "file:" + self.path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        db = sqlite3.connect(address + "?mode=rw", uri=True, timeout=5, isolation_level=None,
                             check_same_thread=False)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA foreign_keys=ON")
        db.execute("PRAGMA synchronous=FULL")
        return db

    def read(self, sql, *values):
        with closing(self.connect()) as db:
            return [dict(row) for row in db.execute(sql, values)]

    def write(self, sql, *values):
        """Runs one statement in a transaction of its own; returns the new row's id."""
        with self.lock:
            self.writer.execute("BEGIN IMMEDIATE")
            try:
                row_id = self.writer.execute(sql, values).lastrowid
                self.writer.execute("COMMIT")
            except BaseException:
                if self.writer.in_transaction:
                    self.writer.execute("ROLLBACK")
                raise
            return row_id

    def stock(self):
        return self.read("SELECT id, name, coalesce(unit, '') AS unit, quantity, note FROM items"
                         " ORDER BY name, id")

    def item(self, item_id):
        items = self.read("SELECT * FROM items WHERE id = ?", item_id)
        if not items:
            raise NotFound
        items[0]["movements"] = self.read(
            "SELECT id, change, note, made_at FROM movements WHERE item_id = ? ORDER BY id",
            item_id)
        return items[0]

    def add_item(self, body):
        name = body.get("name")
        if not isinstance(name, str) or not name.strip():
            raise BadRequest("an item needs a name")
        columns = {"name": name.strip(), "note": str(body.get("note", ""))}
        if body.get("unit"):
            columns["unit"] = str(body["unit"])
        return self.write("INSERT INTO items (%s) VALUES (%s)" % (
            ", ".join(columns), ", ".join("?" * len(columns))), *columns.values())

    def add_movement(self, item_id, body):
        change = body.get("change")
        if type(change) is not int or change == 0 or abs(change) > MAX_CHANGE:
            raise BadRequest("a movement needs a change: a whole number, not 0, of at most %d"
                             % MAX_CHANGE)
        return self.write("INSERT INTO movements (item_id, change, note) VALUES (?, ?, ?)",
                          item_id, change, str(body.get("note", "")))

    def close(self):
        with self.lock:
            self.writer.close()


class Handler(BaseHTTPRequestHandler):
    timeout = 5  # seconds that a silent client may hold its thread

    def do_GET(self):
        self.answer(self.get)

    def do_POST(self):
        self.answer(self.post)

    def get(self):
        pantry = self.server.pantry
        if self.path == "/":
            return 200, page(pantry.stock())
        if self.path == "/healthz":
            pantry.read("SELECT 1 FROM items LIMIT 1")
            return 200, "ok\n"
        if self.path == "/items":
            return 200, pantry.stock()
        match = re.fullmatch(r"/items/(\d{1,18})", self.path)
        if match:
            return 200, pantry.item(int(match[1]))
        raise NotFound

    def post(self):
        body = self.read_body()
        match = re.fullmatch(r"/items/(\d{1,18})/movements", self.path)
        if match:
            return 201, {"id": self.server.pantry.add_movement(int(match[1]), body)}
        if self.path == "/items":
            return 201, {"id": self.server.pantry.add_item(body)}
        raise NotFound

    def read_body(self):
        try:
            size = int(self.headers.get("Content-Length", ""))
        except ValueError:
            raise BadRequest("Content-Length is missing") from None
        if not 0 <= size <= MAX_BODY:
            raise BadRequest("the body is larger than 64 KiB")
        try:
            body = json.loads(self.rfile.read(size))
        except ValueError:
            raise BadRequest("the body is not JSON") from None
        if not isinstance(body, dict):
            raise BadRequest("the body is not a JSON object")
        return body

    def answer(self, work):
        try:
            status, body = work()
        except BadRequest as error:
            status, body = 400, {"error": str(error)}
        except UnicodeEncodeError:  # half a surrogate pair, which JSON can say and UTF-8 cannot
            status, body = 400, {"error": "the text is not Unicode"}
        except sqlite3.IntegrityError as error:
            status, body = 409, {"error": str(error)}
        except NotFound:
            status, body = 404, {"error": "nothing is here"}
        except sqlite3.Error as error:
            status, body = 503, {"error": str(error)}
        kind = "application/json"
        if isinstance(body, str):
            kind = "text/html; charset=utf-8" if self.path == "/" else "text/plain"
        else:
            body = json.dumps(body) + "\n"
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.server.count(status)

    def log_message(self, *_):
        """Requests are counted, not logged."""


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    request_queue_size = 64
    daemon_threads = False   # server_close() waits for the requests in flight

    def __init__(self, address, pantry):
        super().__init__(address, Handler)
        self.pantry = pantry
        self.answered = 0
        self.counting = threading.Lock()

    def count(self, status):
        with self.counting:
            self.answered += status < 400

    def handle_error(self, request, client_address):
        """A client that went away in the middle of its request is no news."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def page(stock):
    rows = "".join("<tr><td>%s<td align=right>%d<td>%s<td>%s\n" % (
        html.escape(item["name"]), item["quantity"], html.escape(item["unit"]),
        html.escape(item["note"])) for item in stock)
    return ("<!doctype html><title>Pantry</title><h1>Pantry</h1>\n"
            "<table><tr><th>Item<th>Quantity<th>Unit<th>Note\n%s</table>\n" % rows)


def say(text):
    print("pantry: " + text, flush=True)


def write_port(path, port):
    """Whole or not at all: whoever waits for this file never reads half a number."""
    with open(path + ".tmp", "w", encoding="ascii") as file:
        file.write("%d\n" % port)
    os.rename(path + ".tmp", path)


def main():
    path = os.environ.get("DATABASE_PATH")
    if not path:
        sys.exit("pantry: DATABASE_PATH is not set")
    # Blocked before any thread exists: a stop signal waits for sigwait(), however early it comes.
    stops = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    try:
        pantry = Pantry(path)
        pantry.read("SELECT 1 FROM items LIMIT 1")
    except sqlite3.Error as error:
        sys.exit("pantry: cannot use %s: %s" % (path, error))
    address = (os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8080")))
    with Server(address, pantry) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        port = server.server_address[1]
        say("listening on port %d" % port)
        if os.environ.get("PORT_FILE"):
            write_port(os.environ["PORT_FILE"], port)
        say("%s: no new requests; finishing those in flight"
            % signal.Signals(signal.sigwait(stops)).name)
        server.shutdown()
        serving.join()
    pantry.close()
    say("stopped after %d answered requests" % server.answered)


if __name__ == "__main__":
    main()
