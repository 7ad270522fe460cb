"""The real server with --store sqlite:FILE, killed with SIGKILL at random moments under load from real clients of
restante.v2: what was ACCEPTED is there once, what was ACKED does not come back, no offset is used for two messages.

    store_kill_test.py [--kills N] [--seed N]

It is killed 100 times unless told otherwise. The seed says when, and what is sent; threads and the disk do the rest."""

import argparse
import os
import random
import sqlite3
import subprocess
import sys
import threading
import unittest

import v2
from store_test import Case
from support import SECONDS_MAX, program
from v2 import V2Client

SENDERS = 4
# Of the kills, those while the server starts, which takes about as long as this at most.
KILLED_AT_START = 0.2
START_SECONDS = 0.04
IN_FLIGHT = 32
ROOM = "#room"
options = argparse.Namespace(kills=100, seed=None)


def connect(server):
    """A client, or EOFError where the server was killed before it could answer."""
    try:
        return V2Client(server)
    except AssertionError as error:
        raise EOFError from error


class Reader:
    """Fetches from the own mailbox or a room, acknowledges by halves, and checks that nothing comes back or changes."""

    def __init__(self, source):
        self.source = source
        self.by_offset = {}
        self.acknowledged = -1
        self.epoch = None

    def begin(self, client):
        opened = client.opened
        if self.source:
            opened = client.call(v2.join(2, self.source))
            assert opened.kind == "JOINED", opened
            assert opened.cursor > self.acknowledged, f"{self.acknowledged} was acknowledged: {opened}"
        assert self.epoch in (None, opened.epoch), "the epoch changed"
        self.epoch = opened.epoch

    def take(self, client, wait):
        """How many messages came."""
        replies = client.fetch_all(3, epoch=self.epoch, source=self.source, messages=50, wait=wait)
        assert all(reply.kind in ("MESSAGE", "FETCHED") for reply in replies), replies
        messages = [reply for reply in replies if reply.kind == "MESSAGE"]
        for message in messages:
            assert message.offset > self.acknowledged, f"{message.offset} was acknowledged, and is back"
            known = self.by_offset.setdefault(message.offset, message.payload)
            assert known == message.payload, f"offset {message.offset} was {known}, and is {message.payload}"
        if messages:
            up_to = messages[len(messages) // 2].offset
            reply = client.call(v2.acknowledge(4, self.epoch, up_to, source=self.source))
            assert reply.kind == "ACKED", reply
            self.acknowledged = up_to
        return len(messages)

    def take_all(self, client):
        while self.take(client, 0):
            pass

    def run(self, server):
        """Until the server is gone."""
        with connect(server) as client:
            client.open("inbox")
            self.begin(client)
            while True:
                self.take(client, 60_000)


class Sender:
    """Pushes numbered messages to a mailbox and a room, of which it is a member, and knows what became of which."""

    def __init__(self, name, seed, heard):
        self.name = name
        self.seed = seed
        # Released for each message that is accepted.
        self.heard = heard
        self.room = Reader(ROOM)
        self.epoch = None
        self.next = 1
        # Accepted, and asked without an answer yet: by number.
        self.accepted = set()
        self.unresolved = []

    # All that is said of a message follows from its number, so that it is said again in the same words.

    @staticmethod
    def receiver(sequence):
        return ROOM if sequence % 4 == 0 else "inbox"

    def payload(self, sequence):
        size = random.Random(f"{self.seed} {self.name} {sequence}").choice((0, 20, 200, 4000))
        return f"{self.name} {sequence} ".encode().ljust(size, b"x")

    def accepted_by(self, receiver):
        return [self.payload(sequence) for sequence in self.accepted if self.receiver(sequence) == receiver]

    def open(self, client):
        opened = client.open(self.name)
        assert self.epoch in (None, opened.epoch), "the epoch changed"
        self.epoch = opened.epoch
        highest = max(self.accepted, default=0)
        assert highest <= opened.highest < self.next, f"{highest} was accepted, and {opened.highest} is the highest"
        self.room.begin(client)
        self.room.take_all(client)

    def push_to_end(self, client, messages):
        """What has no answer once more, in the order in which it was asked, and then what is new."""
        asked = []
        again = list(self.unresolved)
        end = self.next + messages
        while again or asked or self.next < end:
            while len(asked) < IN_FLIGHT and (again or self.next < end):
                if again:
                    sequence = again.pop(0)
                else:
                    sequence = self.next
                    self.next += 1
                    self.unresolved.append(sequence)
                asked.append(sequence)
                client.send(v2.push(sequence + 4, self.receiver(sequence), self.payload(sequence), sequence=sequence))
            reply = client.next()
            assert reply.kind == "ACCEPTED", reply
            assert reply.tag - 4 == asked[0], f"{reply.tag - 4} was answered before {asked[0]}"
            self.unresolved.remove(asked[0])
            self.accepted.add(asked.pop(0))
            self.heard.release()

    def run(self, server):
        """Until the server is gone."""
        with connect(server) as client:
            self.open(client)
            self.push_to_end(client, 1 << 30)


class Kills(Case):
    def setUp(self):
        super().setUp()
        self.seed = int.from_bytes(os.urandom(4), "big") if options.seed is None else options.seed
        print(f"killing {options.kills} times with --seed {self.seed}", file=sys.stderr)
        self.dice = random.Random(self.seed)
        self.heard = threading.Semaphore(0)
        self.senders = [Sender(f"sender{number}", self.seed, self.heard) for number in range(SENDERS)]
        self.reader = Reader("")
        self.failures = []

    def guarded(self, run, server):
        try:
            run(server)
        except (OSError, EOFError):
            pass
        except Exception as error:  # Told by the thread of the test.
            self.failures.append(error)
            self.heard.release()

    def kill_a_start(self):
        server = subprocess.Popen([program("RESTANTE_SERVER"), "--port", "0", "--store", f"sqlite:{self.file}"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            server.wait(self.dice.uniform(0, START_SECONDS))
            self.fail("the server ended by itself")
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(SECONDS_MAX)

    def kill_under_load(self):
        server = self.start("--log-level", "warn")
        runs = [sender.run for sender in self.senders] + [self.reader.run]
        threads = [threading.Thread(target=self.guarded, args=(run, server)) for run in runs]
        # Of what is in flight when it is killed, some was answered and not heard.
        while self.heard.acquire(blocking=False):
            pass
        for thread in threads:
            thread.start()
        for _ in range(self.dice.choice((1, 10, 100, 400)) + self.dice.randrange(100)):
            if not self.heard.acquire(timeout=SECONDS_MAX) or self.failures:
                break
        server.process.kill()
        for thread in threads:
            thread.join(SECONDS_MAX)
            self.assertFalse(thread.is_alive())
        server.__exit__()
        self.assertEqual((self.failures, server.log()), ([], ""))

    def test_leave_everything_that_was_accepted_and_nothing_that_was_acknowledged(self):
        with self.start() as server:
            with connect(server) as client:
                client.open("inbox")
            for sender in self.senders:
                with connect(server) as client:
                    sender.open(client)
        for _ in range(options.kills):
            if self.dice.random() < KILLED_AT_START:
                self.kill_a_start()
            else:
                self.kill_under_load()
        server = self.start()
        with connect(server) as client:
            client.open("inbox")
            for sender in self.senders:
                with connect(server) as sending:
                    sender.open(sending)
                    sender.push_to_end(sending, 0)
                self.reader.begin(client)
                self.reader.take_all(client)
        for sender in self.senders:
            with connect(server) as sending:
                sender.open(sending)
            self.expect_all(sender.room, ROOM)
        self.expect_all(self.reader, "inbox")
        self.assertEqual(server.end(), 0)
        with sqlite3.connect(self.file) as file:
            self.assertEqual(file.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        file.close()
        print(f"{sum(len(sender.accepted) for sender in self.senders)} messages were accepted", file=sys.stderr)

    def expect_all(self, reader, receiver):
        came = sorted(reader.by_offset.values())
        self.assertEqual(len(came), len(set(came)), "something was accepted twice")
        accepted = sorted(payload for sender in self.senders for payload in sender.accepted_by(receiver))
        # Thousands of messages, of which a difference is few.
        self.assertEqual((set(accepted) - set(came), set(came) - set(accepted)), (set(), set()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=options.kills)
    parser.add_argument("--seed", type=int)
    parser.parse_args(namespace=options)
    unittest.main(argv=sys.argv[:1])
