"""Durable mailboxes: the real server with --store sqlite:FILE, killed under load, and with files that it must not touch.

RESTANTE_KILLS says how often it is killed (40), RESTANTE_KILL_SEED which clients and moments those are."""

import os
import random
import sqlite3
import subprocess
import tempfile
import threading
import unittest

import v2
from support import SECONDS_MAX, Server, open_client, program
from v2 import V2Client

KILLS = int(os.environ.get("RESTANTE_KILLS", "40"))
SEED = int(os.environ.get("RESTANTE_KILL_SEED", "1"))
SENDERS = 4
IN_FLIGHT = 32


def connect(server):
    """A client, or EOFError where the server was killed before it could answer."""
    try:
        return V2Client(server)
    except AssertionError as error:
        raise EOFError from error


class Sender:
    """Pushes numbered messages to one mailbox, and knows what became of which."""

    def __init__(self, name, heard):
        self.name = name
        # Released for each message that is accepted.
        self.heard = heard
        self.epoch = None
        self.next = 1
        # Accepted, and asked without an answer yet: by number.
        self.accepted = set()
        self.unresolved = []

    def payload(self, sequence):
        return f"{self.name} {sequence}".encode()

    def run(self, server, messages):
        """Pushes until so many more were accepted, or the server is gone."""
        try:
            with connect(server) as client:
                opened = client.open(self.name)
                assert self.epoch in (None, opened.epoch), "the epoch changed"
                self.epoch = opened.epoch
                highest = max(self.accepted, default=0)
                assert opened.highest >= highest, f"{highest} was accepted, and {opened.highest} is the highest"
                asked = list(self.unresolved)
                for sequence in asked:
                    client.send(v2.push(sequence + 1, "inbox", self.payload(sequence), sequence=sequence))
                wanted = len(self.accepted) + messages
                while asked or len(self.accepted) < wanted:
                    while len(asked) < IN_FLIGHT and len(self.accepted) + len(asked) < wanted:
                        sequence = self.next
                        self.next += 1
                        self.unresolved.append(sequence)
                        asked.append(sequence)
                        client.send(v2.push(sequence + 1, "inbox", self.payload(sequence), sequence=sequence))
                    reply = client.next()
                    assert reply.kind == "ACCEPTED", reply
                    sequence = reply.tag - 1
                    asked.remove(sequence)
                    self.unresolved.remove(sequence)
                    self.accepted.add(sequence)
                    self.heard.release()
        except (OSError, EOFError, RuntimeError):
            pass


class Reader:
    """Fetches and acknowledges, and checks that nothing comes back or changes."""

    def __init__(self):
        self.by_offset = {}
        self.acknowledged = -1

    def take(self, client, wait):
        """What comes next, acknowledged by halves."""
        replies = client.fetch_all(2, messages=50, wait=wait)
        messages = [reply for reply in replies if reply.kind == "MESSAGE"]
        for message in messages:
            assert message.offset > self.acknowledged, f"{message.offset} was acknowledged, and is back"
            known = self.by_offset.setdefault(message.offset, message.payload)
            assert known == message.payload, f"offset {message.offset} was {known}, and is {message.payload}"
        if messages:
            up_to = messages[len(messages) // 2].offset
            reply = client.call(v2.acknowledge(3, client.opened.epoch, up_to))
            assert reply.kind == "ACKED", reply
            self.acknowledged = up_to
        return len(messages)

    def run(self, server):
        try:
            with connect(server) as client:
                client.open("inbox")
                while True:
                    self.take(client, 60_000)
        except (OSError, EOFError, RuntimeError):
            pass

    def take_all(self, server):
        with V2Client(server) as client:
            client.open("inbox")
            while self.take(client, 0):
                pass


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        # A folder of its own, which a test can take away.
        self.file = os.path.join(folder.name, "mail", "mail.sqlite")
        os.mkdir(os.path.dirname(self.file))

    def start(self, *arguments, **options):
        server = Server("--port", "0", "--store", f"sqlite:{self.file}", "--max-mailbox-messages", "100000",
                        "--max-sender-messages", "100000", *arguments, **options)
        self.addCleanup(server.__exit__)
        return server

    def contents(self):
        with open(self.file, "rb") as file:
            return file.read()

    def end_of_start(self, preexec=None):
        """What a server says that does not start."""
        ended = subprocess.run([program("RESTANTE_SERVER"), "--port", "0", "--store", f"sqlite:{self.file}"],
                               capture_output=True, text=True, timeout=SECONDS_MAX, check=False, preexec_fn=preexec)
        self.assertEqual(ended.returncode, 2, ended.stderr)
        return ended.stderr


class Kills(Case):
    def test_leave_everything_that_was_accepted_and_nothing_that_was_acknowledged(self):
        dice = random.Random(SEED)
        heard = threading.Semaphore(0)
        senders = [Sender(f"sender{number}", heard) for number in range(SENDERS)]
        reader = Reader()
        with self.start() as server:
            reader.take_all(server)
        failures = []

        def guarded(work, *arguments):
            try:
                work(*arguments)
            except AssertionError as error:
                failures.append(error)

        for _ in range(KILLS):
            server = self.start("--log-level", "warn")
            threads = [threading.Thread(target=guarded, args=(sender.run, server, 1 << 30)) for sender in senders]
            threads.append(threading.Thread(target=guarded, args=(reader.run, server)))
            for thread in threads:
                thread.start()
            for _ in range(dice.randrange(1, 400)):
                self.assertTrue(heard.acquire(timeout=SECONDS_MAX), f"{failures} {server.log()}")
            server.process.kill()
            for thread in threads:
                thread.join(SECONDS_MAX)
                self.assertFalse(thread.is_alive())
            server.__exit__()
            self.assertEqual(failures, [])
        server = self.start()
        for sender in senders:
            sender.run(server, 0)
            self.assertEqual(sender.unresolved, [])
        reader.take_all(server)
        came = sorted(reader.by_offset.values())
        asked = sorted(sender.payload(sequence) for sender in senders for sequence in sender.accepted)
        self.assertEqual(len(came), len(set(came)), "something was accepted twice")
        self.assertEqual(came, asked)


class Store(Case):
    def test_is_gone_on_with_after_an_ordinary_end(self):
        server = self.start()
        with V2Client(server) as ada:
            ada.open("ada")
            epoch = ada.opened.epoch
            self.assertEqual(ada.call(v2.push(2, "ada", b"hello", sequence=1)).kind, "ACCEPTED")
        with open_client(server) as classic:
            self.assertEqual(classic.ask(bytes([0, 0, 7])), bytes([0, 1, 7]))
            self.assertEqual(classic.ask(bytes([2, 1, 7, 8, 2]) + b"hi"), bytes([1, 2, 7]))
        self.assertEqual(server.metric("restante_store_available"), 1)
        self.assertGreaterEqual(server.metric("restante_store_transactions_total"), 3)
        self.assertGreaterEqual(server.metric("restante_store_bytes_total"), len(b"hello" + b"hi"))
        self.assertEqual(server.end(), 0)
        server = self.start()
        server.wait_for_log("which has 2 messages")
        with V2Client(server) as ada:
            self.assertEqual(ada.open("ada").epoch, epoch)
            self.assertEqual(ada.opened.depth, 1)
        with open_client(server) as classic:
            self.assertEqual(classic.ask(bytes([0, 0, 8])), bytes([0, 1, 8]))
            self.assertEqual(classic.ask(bytes([1, 0, 8])), bytes([2, 0, 8, 7, 2]) + b"hi")

    def test_is_of_one_server_at_a_time(self):
        self.start()
        self.assertIn(f"{self.file}: another server uses the file", self.end_of_start())

    def test_is_no_file_of_another_program(self):
        with sqlite3.connect(self.file) as other:
            other.execute("CREATE TABLE photographs(id INTEGER PRIMARY KEY)")
        other.close()
        before = self.contents()
        self.assertIn("a file of another program", self.end_of_start())
        self.assertEqual(self.contents(), before)

    def test_that_is_damaged_stops_the_start_and_stays_as_it_is(self):
        server = self.start()
        with V2Client(server) as ada:
            ada.open("ada")
        self.assertEqual(server.end(), 0)
        with sqlite3.connect(self.file) as other:
            other.execute("UPDATE addresses SET name = 'a' || char(10)")
        other.close()
        self.assertIn("the file is damaged", self.end_of_start())

    def test_is_closed_to_changes_while_it_fails_and_recovers(self):
        server = self.start()
        ada = V2Client(server)
        self.addCleanup(ada.__exit__)
        ada.open("ada")
        # Another program writes to the file, and so makes the next commit fail.
        other = sqlite3.connect(self.file, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN EXCLUSIVE")
        ada.send(v2.push(2, "ada", b"hello", sequence=1))
        server.wait_for_log("The store failed")
        self.assertEqual(ada.close_code(), 1013)
        self.assertEqual(server.get("/healthz")[0], 503)
        self.assertEqual(server.metric("restante_store_available"), 0)
        with V2Client(server) as eve:
            self.assertEqual(eve.call(v2.open_address(1, "eve")).reason, "storage_unavailable")
        other.execute("COMMIT")
        server.wait_for_log("The store was loaded")
        self.assertEqual(server.get("/healthz")[0], 200)
        with V2Client(server) as ada:
            self.assertEqual(ada.open("ada").highest, 0)
            self.assertEqual(ada.call(v2.push(2, "ada", b"hello", sequence=1)).flags, 0)


if __name__ == "__main__":
    unittest.main()
