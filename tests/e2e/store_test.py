"""Durable mailboxes: the real server with --store sqlite:FILE, and with files that it must not touch."""

import os
import sqlite3
import subprocess
import tempfile
import unittest

import v2
from support import SECONDS_MAX, Server, open_client, program
from v2 import V2Client


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
        self.assertIn(f"{self.file}: another server or 'restante store' uses the file", self.end_of_start())

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
