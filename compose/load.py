#!/usr/bin/python3
"""Puts things into the pantry and writes down what the pantry promised to keep.

  load.py URL RECORD --name WORD (--count N | --until-gone) [--threads N] [--seconds N]

Each line of RECORD is one write, as JSON: {"kind": "item"|"movement", "acknowledged": true, "id":
…, …what was sent}. "acknowledged" means that the 201 was read to its end. A write that was sent and
got no answer (the server went away in between) is recorded as not acknowledged: the database may
have it or not. A refused connection is no write at all.

--count ends after N acknowledged writes; --until-gone goes on until the server takes no connection
any more, and fails when that has not happened after --seconds.
"""

import argparse
import http.client
import json
import sys
import threading
import time
import urllib.parse


class Gone(Exception):
    """The server does not answer any more."""


class Load:
    def __init__(self, args):
        url = urllib.parse.urlsplit(args.url)
        self.host, self.port = url.hostname, url.port
        self.args = args
        self.lock = threading.Lock()
        self.record = open(args.record, "a", encoding="utf-8")
        self.deadline = time.monotonic() + args.seconds
        self.number = self.acknowledged = self.unanswered = 0
        self.gone = False
        self.refusals = []

    def next_number(self):
        """The next write's number, or None when there are enough of them."""
        with self.lock:
            if self.refusals or time.monotonic() > self.deadline:
                return None
            if not self.args.until_gone and self.number >= self.args.count:
                return None
            self.number += 1
            return self.number

    def note(self, acknowledged, **what):
        with self.lock:
            self.acknowledged += acknowledged
            self.unanswered += not acknowledged
            self.record.write(json.dumps({"acknowledged": acknowledged, **what}) + "\n")
            self.record.flush()

    def post(self, path, body, **what):
        """Returns the new id. Raises Gone, after the write is recorded if it was sent."""
        link = http.client.HTTPConnection(self.host, self.port, timeout=10)
        try:
            try:
                link.connect()
            except OSError:
                raise Gone from None
            try:
                link.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
                reply = link.getresponse()
                answer = reply.read()
            except (OSError, http.client.HTTPException):
                self.note(False, **what, **body)
                raise Gone from None
        finally:
            link.close()
        if reply.status != 201:
            with self.lock:
                self.refusals.append("%s: %d %s" % (path, reply.status, answer.decode().strip()))
            raise Gone
        new_id = json.loads(answer)["id"]
        self.note(True, id=new_id, **what, **body)
        return new_id

    def work(self):
        """One client: an item, three movements of it, the next item."""
        item, left = None, 0
        try:
            while (number := self.next_number()) is not None:
                text = "%s %d; it's the \"load\" client's" % (self.args.name, number)
                if left == 0:
                    body = {"name": "%s %05d" % (self.args.name, number), "note": text}
                    if number % 3:
                        body["unit"] = ("kg", "litre")[number % 2]
                    item, left = self.post("/items", body, kind="item"), 3
                else:
                    left -= 1
                    self.post("/items/%d/movements" % item,
                              {"change": number % 7 - 3 or 5, "note": text},
                              kind="movement", item=item)
        except Gone:
            self.gone = True

    def run(self):
        clients = [threading.Thread(target=self.work) for _ in range(self.args.threads)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        self.record.close()
        print("%d writes acknowledged, %d without an answer" % (self.acknowledged,
                                                                self.unanswered))
        if self.refusals:
            sys.exit("load: refused: " + self.refusals[0])
        if self.args.until_gone and not self.gone:
            sys.exit("load: the server was still there after %d seconds" % self.args.seconds)
        if not self.args.until_gone and self.acknowledged < self.args.count:
            sys.exit("load: only %d of %d writes were acknowledged"
                     % (self.acknowledged, self.args.count))


def main():
    parser = argparse.ArgumentParser(description="writes into the pantry, and keeps the record")
    parser.add_argument("url")
    parser.add_argument("record")
    parser.add_argument("--name", required=True)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=30)
    end = parser.add_mutually_exclusive_group(required=True)
    end.add_argument("--count", type=int)
    end.add_argument("--until-gone", action="store_true")
    Load(parser.parse_args()).run()


if __name__ == "__main__":
    main()
