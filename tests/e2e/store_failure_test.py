"""Durable mailboxes on a disk that fails: the real server whose disk is full, whose file cannot be written, is gone or is
no file of its own. What was ACCEPTED stays, what cannot be kept is refused, and it goes on without being started again.

A full disk is a limit for the sizes of files (RLIMIT_FSIZE), which can be set on any machine."""

import ctypes
import os
import pathlib
import resource
import signal
import sqlite3
import unittest

import v2
from store_test import Case
from support import open_client
from v2 import V2Client

PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE = 1
# What is behind the first page cannot be written.
BYTES_WHEN_FULL = 4096


def obey_file_modes():
    """In the program that is about to begin, root may not do what the owner of a file may not do."""
    if os.geteuid() == 0 and ctypes.CDLL(None, use_errno=True).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_CAPBSET_DROP")


class FailingCase(Case):
    """A server with three messages that were accepted, and clients that are there before anything fails."""

    def begin(self, **options):
        self.server = self.start(**options)
        self.ada = self.connect()
        self.epoch = self.ada.open("ada").epoch
        self.accepted = []
        for _ in range(3):
            self.push()
        self.classic = open_client(self.server)
        self.addCleanup(self.classic.__exit__)
        self.assertEqual(self.classic.ask(bytes([0, 0, 7])), bytes([0, 1, 7]))
        self.assertEqual(self.classic.ask(bytes([2, 1, 7, 7, 2]) + b"hi"), bytes([1, 2, 7]))

    def connect(self):
        client = V2Client(self.server)
        self.addCleanup(client.__exit__)
        return client

    def ask_for_push(self):
        sequence = len(self.accepted) + 1
        self.ada.send(v2.push(sequence, "ada", f"message {sequence}".encode(), sequence=sequence))

    def push(self):
        self.ask_for_push()
        reply = self.ada.next()
        self.assertEqual(reply.kind, "ACCEPTED", reply)
        self.accepted.append(f"message {len(self.accepted) + 1}".encode())
        return reply

    def fail(self, reason):
        """A request that cannot be kept is not answered, and says why in the log."""
        self.ask_for_push()
        self.assertEqual(self.ada.close_code(), 1013)
        self.server.wait_for_log(f"The store failed: {reason}")

    def expect_refusals(self):
        self.assertEqual(self.server.get("/healthz")[0], 503)
        self.assertEqual(self.server.metric("restante_store_available"), 0)
        self.assertGreaterEqual(self.server.metric("restante_store_failures_total"), 1)
        # Who asked for nothing that failed is connected still.
        self.assertEqual(self.classic.ask(bytes([2, 1, 7, 7, 2]) + b"ho"), bytes([0, 3, 7]))
        self.assertEqual(self.classic.ask(bytes([1, 0, 7])), bytes([0, 3, 7]))
        with V2Client(self.server) as ada:
            self.assertEqual(ada.call(v2.open_address(1, "ada")).reason, "storage_unavailable")
        # What changes nothing is served: ids of the classic protocol, and the page.
        with open_client(self.server) as other:
            self.assertEqual(other.ask(bytes([0, 0, 8])), bytes([0, 1, 8]))
        self.assertEqual(self.server.get("/")[0], 200)

    def expect_recovery(self):
        """Without having been started again, and with a message that is accepted now."""
        self.server.wait_for_log("The store was loaded")
        self.assertEqual(self.server.get("/healthz")[0], 200)
        self.assertEqual(self.server.metric("restante_store_available"), 1)
        self.ada = self.connect()
        opened = self.ada.open("ada")
        self.assertEqual(opened.epoch, self.epoch)
        # Whether the one that failed was kept is chance.
        self.assertIn(opened.highest - len(self.accepted), (0, 1))
        self.push()
        self.expect_everything()
        self.expect_it_is_on_the_disk()

    def expect_it_is_on_the_disk(self):
        self.server.process.kill()
        self.server.__exit__()
        self.server = self.start()
        self.ada = self.connect()
        self.assertEqual(self.ada.open("ada").epoch, self.epoch)
        self.expect_everything()
        with open_client(self.server) as other:
            self.assertEqual(other.ask(bytes([0, 0, 7])), bytes([0, 1, 7]))
            self.assertEqual(other.ask(bytes([1, 0, 7])), bytes([2, 0, 7, 7, 2]) + b"hi")
            self.assertEqual(other.ask(bytes([1, 0, 7])), bytes([1, 1, 7]), "what was refused was not kept")

    def expect_everything(self):
        replies = self.ada.fetch_all(100, rewind=True)
        self.assertEqual([reply.payload for reply in replies if reply.kind == "MESSAGE"], self.accepted)


class FullDisk(FailingCase):
    def fill(self):
        resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE, (BYTES_WHEN_FULL, resource.RLIM_INFINITY))

    def make_room(self):
        resource.prlimit(self.server.process.pid, resource.RLIMIT_FSIZE,
                         (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def test_refuses_what_it_cannot_keep_and_goes_on_when_there_is_room(self):
        self.begin()
        self.fill()
        self.fail("")
        self.expect_refusals()
        self.make_room()
        self.expect_recovery()

    def test_can_be_full_again_and_again(self):
        self.begin()
        for time in range(1, 4):
            self.fill()
            self.fail("")
            self.assertEqual(self.server.get("/healthz")[0], 503)
            self.make_room()
            self.wait_for_recoveries(time)
            self.ada = self.connect()
            self.assertEqual(self.ada.open("ada").epoch, self.epoch)
            self.push()
        self.expect_everything()
        self.expect_it_is_on_the_disk()

    def wait_for_recoveries(self, count):
        with self.server.logged:
            self.assertTrue(self.server.logged.wait_for(
                lambda: "".join(self.server.log_lines).count("The store was loaded") == count, 60), self.server.log())

    def test_does_not_keep_a_server_from_ending_nor_from_starting_when_there_is_room(self):
        self.begin()
        self.fill()
        self.fail("")
        self.assertEqual(self.server.end(), 0)
        self.server = self.start()
        self.ada = self.connect()
        self.ada.open("ada")
        self.push()
        self.expect_everything()


class FileThatCannotBeWritten(FailingCase):
    def files(self):
        return [path for path in pathlib.Path(self.file).parent.iterdir() if not path.name.endswith("-lock")]

    def set_modes(self, mode):
        for path in self.files():
            path.chmod(mode)

    def test_is_served_again_when_it_can(self):
        self.begin(preexec=obey_file_modes)
        # Another program changes it: so it is to be opened again.
        other = sqlite3.connect(self.file)
        other.execute("UPDATE store SET loads = loads + 1")
        other.commit()
        other.close()
        self.set_modes(0o444)
        self.fail("another program changed the file")
        self.server.wait_for_log("The store failed: attempt to write a readonly database")
        self.expect_refusals()
        self.set_modes(0o644)
        self.expect_recovery()

    def test_is_served_when_it_can_by_a_server_that_found_it_like_that(self):
        self.begin()
        self.assertEqual(self.server.end(), 0)
        self.set_modes(0o444)
        before = self.contents()
        self.server = self.start(preexec=obey_file_modes)
        self.server.wait_for_log("The store failed: attempt to write a readonly database")
        self.server.wait_for_log(f"Mailboxes are kept in {self.file}, which cannot be used yet")
        self.classic = open_client(self.server)
        self.addCleanup(self.classic.__exit__)
        self.assertEqual(self.classic.ask(bytes([0, 0, 7])), bytes([0, 1, 7]))
        self.expect_refusals()
        self.assertEqual(self.contents(), before)
        self.set_modes(0o644)
        self.expect_recovery()


class FileThatIsGone(FailingCase):
    # Of a file without a name, the system goes on to write what nobody will ever read.
    def test_is_noticed_and_served_again_when_its_folder_is_back(self):
        self.begin()
        folder = os.path.dirname(self.file)
        os.rename(folder, folder + "-away")
        self.fail("the file, or its log, is no longer where it was")
        self.server.wait_for_log("The store failed: unable to open database file")
        self.expect_refusals()
        os.rename(folder + "-away", folder)
        self.expect_recovery()

    def test_is_not_begun_anew(self):
        self.begin()
        os.rename(self.file, self.file + "-away")
        self.fail("the file, or its log, is no longer where it was")
        self.server.wait_for_log("The store failed: unable to open database file")
        self.assertFalse(os.path.exists(self.file))
        self.expect_refusals()
        os.rename(self.file + "-away", self.file)
        self.expect_recovery()

    def test_is_not_taken_for_an_empty_one_in_its_place(self):
        self.begin()
        # Both, or SQLite throws away a log that has no file.
        for end in ("", "-wal"):
            os.rename(self.file + end, self.file + end + "-away")
        with open(self.file, "wb"):
            pass
        self.fail("the file, or its log, is no longer where it was")
        self.expect_refusals()
        for end in ("", "-wal"):
            os.rename(self.file + end + "-away", self.file + end)
        self.expect_recovery()


class LogThatIsGone(FailingCase):
    def test_is_noticed_and_what_was_in_it_is_still_there(self):
        self.begin()
        os.remove(self.file + "-wal")
        self.fail("the file, or its log, is no longer where it was")
        self.expect_recovery()


class FileAtTheStart(Case):
    """What cannot be used stops the start, with the reason, and stays as it is."""

    def test_of_text_is_left_as_it_is(self):
        with open(self.file, "wb") as file:
            file.write(b"Dear diary, " * 1000)
        self.expect_refusal("file is not a database")

    def test_of_a_later_version_is_left_as_it_is(self):
        self.make("PRAGMA user_version = 99")
        self.expect_refusal("a later version of Restante")

    def test_whose_bytes_were_flipped_is_left_as_it_is(self):
        self.make("PRAGMA wal_checkpoint(TRUNCATE)")
        with open(self.file, "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(4096)
            file.write(b"\x7f" * (size - 4096))
        # Of damage, SQLite has its own words too.
        self.assertRegex(self.expect_refusal(""), "the file is damaged|malformed")

    def test_in_a_folder_that_is_not_there_is_not_begun(self):
        self.file = os.path.join(os.path.dirname(self.file), "missing", "mail.sqlite")
        self.assertIn(self.file, self.end_of_start())

    def make(self, statement):
        server = self.start()
        with V2Client(server) as ada:
            ada.open("ada")
        self.assertEqual(server.end(signal.SIGTERM), 0)
        other = sqlite3.connect(self.file, isolation_level=None)
        other.execute(statement)
        other.close()

    def expect_refusal(self, reason):
        before = self.contents()
        said = self.end_of_start()
        self.assertIn(f"{self.file}: ", said)
        self.assertIn(reason, said)
        self.assertEqual(self.contents(), before)
        return said


if __name__ == "__main__":
    unittest.main()
