"""'restante store' with files of the real server: beside it while it runs, and after it has ended."""

import base64
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import unittest

import v2
from support import SECONDS_MAX, Server, json_lines, open_client, program
from v2 import V2Client

SENDERS = 3
IN_FLIGHT = 16
BACKUPS = 5


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.file = self.path("mail.sqlite")

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, file=None):
        server = Server("--port", "0", "--store", f"sqlite:{file or self.file}", "--max-mailbox-messages", "1000000",
                        "--max-mailbox-bytes", "100000000", "--max-sender-messages", "1000000", "--max-sender-bytes",
                        "100000000")
        self.addCleanup(server.__exit__)
        return server

    def store(self, *arguments, text=None, json_too=False):
        """restante store with its arguments: exit code, standard output, standard error."""
        result = subprocess.run([program("RESTANTE_CLI"), *(["--json"] if json_too else []), "store", *arguments],
                                input=text, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
        return result.returncode, result.stdout, result.stderr

    def lines_of(self, file):
        code, said, why = self.store("export", file)
        self.assertEqual((code, why), (0, ""))
        return said

    def expect_sound(self, file):
        code, said, why = self.store("check", file)
        self.assertEqual((code, why), (0, ""), said)
        self.assertIn("is sound", said)

    def connect(self, server, address):
        client = V2Client(server)
        self.addCleanup(client.__exit__)
        client.open(address)
        return client

    def end(self, server, *clients):
        """Ends a server, which need not wait for these clients."""
        for client in clients:
            client.__exit__()
        self.assertEqual(server.end(), 0)

    def push(self, client, receiver, *payloads, first=1):
        for sequence, payload in enumerate(payloads, first):
            self.assertEqual(client.call(v2.push(sequence + 100, receiver, payload, sequence=sequence)).kind, "ACCEPTED")

    def messages(self, client, **options):
        return [(reply.offset, reply.payload) for reply in client.fetch_all(2, **options) if reply.kind == "MESSAGE"]

    def take_all(self, server, address):
        """The payloads of a mailbox by offset, acknowledged while they come."""
        came = {}
        with V2Client(server) as client:
            client.open(address)
            while messages := self.messages(client):
                came.update(messages)
                self.assertEqual(client.call(v2.acknowledge(3, client.opened.epoch, max(came))).kind, "ACKED")
        return came

    def fill(self):
        """A store with something of everything, whose server has ended."""
        server = self.start()
        ada, bob = (self.connect(server, name) for name in ("ada", "bob"))
        self.epochs = {"ada": ada.opened.epoch, "bob": bob.opened.epoch}
        for client in (ada, bob):
            self.assertEqual(client.call(v2.join(5, "#tea")).kind, "JOINED")
        self.push(ada, "bob", *(b"letter %d" % number for number in range(6)))
        self.push(ada, "#tea", b"scones?", b"milk?", first=7)
        self.assertEqual(len(self.messages(bob, messages=4)), 4)
        self.assertEqual(bob.call(v2.acknowledge(3, bob.opened.epoch, 1)).kind, "ACKED")
        with open_client(server) as classic:
            classic.ask(bytes([0, 0, 7]))
            self.assertEqual(classic.ask(bytes([2, 1, 7, 8, 3]) + b"\x00\xffx"), bytes([1, 2, 7]))
        self.end(server, ada, bob)

    def expect_going_on(self, server):
        """Clients go on as if they had never been away from what fill() made."""
        ada, bob = (self.connect(server, name) for name in ("ada", "bob"))
        self.assertEqual({"ada": ada.opened.epoch, "bob": bob.opened.epoch}, self.epochs)
        self.assertEqual((ada.opened.highest, bob.opened.depth, bob.opened.first), (8, 4, 2))
        self.assertEqual(ada.call(v2.push(2, "bob", b"letter 5", sequence=6)).flags, 1, "it is a duplicate")
        states = [ada.call(v2.receipt(2, sequence)).state for sequence in range(1, 7)]
        self.assertEqual(states, [v2.ACKNOWLEDGED] * 2 + [v2.FETCHED] * 2 + [v2.WAITING] * 2)
        self.assertEqual(self.messages(bob), [(number, b"letter %d" % number) for number in range(2, 6)])
        self.push(ada, "bob", b"another", first=9)
        self.assertEqual(self.messages(bob), [(6, b"another")])
        joined = bob.call(v2.join(5, "#tea"))
        self.assertEqual((joined.cursor, joined.next), (0, 2))
        self.assertEqual(self.messages(bob, source="#tea", epoch=joined.epoch), [(0, b"scones?"), (1, b"milk?")])
        with open_client(server) as classic:
            classic.ask(bytes([0, 0, 8]))
            self.assertEqual(classic.ask(bytes([1, 0, 8])), bytes([2, 0, 8, 7, 3]) + b"\x00\xffx")


class Load:
    """Clients that push to one mailbox until they are told to stop."""

    def __init__(self, server):
        self.changed = threading.Condition()
        self.accepted = set()
        self.stopping = False
        self.failures = []
        self.threads = [threading.Thread(target=self.run, args=(server, f"sender{number}"))
                        for number in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def run(self, server, name):
        try:
            with V2Client(server) as client:
                client.open(name)
                asked, sequence = 0, 0
                while asked or not self.stopping:
                    while asked < IN_FLIGHT and not self.stopping:
                        sequence += 1
                        asked += 1
                        client.send(v2.push(sequence + 1, "inbox", f"{name} {sequence}".encode(), sequence=sequence))
                    reply = client.next()
                    assert reply.kind == "ACCEPTED", reply
                    asked -= 1
                    with self.changed:
                        self.accepted.add(f"{name} {reply.tag - 1}".encode())
                        self.changed.notify_all()
        except (AssertionError, OSError, EOFError) as error:
            self.failures.append(error)
            with self.changed:
                self.changed.notify_all()

    def wait_for(self, more):
        """Waits until so many more were accepted, and gives all that were."""
        with self.changed:
            wanted = len(self.accepted) + more
            self.changed.wait_for(lambda: len(self.accepted) >= wanted or self.failures, SECONDS_MAX)
            assert len(self.accepted) >= wanted, self.failures
            return set(self.accepted)

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join(SECONDS_MAX)
        assert not self.failures, self.failures


class Backup(Case):
    def test_has_everything_that_was_accepted_before_it_began(self):
        server = self.start()
        with V2Client(server) as inbox:
            inbox.open("inbox")
        load = Load(server)
        before = []
        for number in range(BACKUPS):
            before.append(load.wait_for(200))
            code, said, why = self.store("backup", self.file, self.path(f"copy{number}"))
            self.assertEqual((code, why), (0, ""))
            self.assertIn("copied to", said)
            load.wait_for(1)
        load.stop()
        self.assertEqual(server.metric("restante_store_failures_total"), 0)
        everything = self.take_all(server, "inbox")
        self.assertEqual(sorted(everything.values()), sorted(load.accepted))
        for number in range(BACKUPS):
            copy = self.path(f"copy{number}")
            self.expect_sound(copy)
            came = self.take_all(self.start(copy), "inbox")
            self.assertLessEqual(before[number], set(came.values()))
            self.assertLessEqual(came.items(), everything.items(), "the same offsets, and nothing twice")

    def test_replaces_nothing_unless_that_is_wanted(self):
        self.fill()
        copy = self.path("copy")
        with open(copy, "w", encoding="utf-8") as file:
            file.write("letters")
        code, _, why = self.store("backup", self.file, copy)
        self.assertEqual(code, 1)
        self.assertIn(f"{copy}: File exists; --force", why)
        with open(copy, encoding="utf-8") as file:
            self.assertEqual(file.read(), "letters")
        self.assertEqual(self.store("backup", "--force", self.file, copy)[0], 0)
        self.assertEqual(os.stat(copy).st_mode & 0o777, 0o600)
        self.assertEqual(self.lines_of(copy), self.lines_of(self.file))
        server = self.start(copy)
        code, _, why = self.store("backup", "--force", self.file, copy)
        self.assertEqual(code, 1, "a server uses that")
        self.assertEqual(server.end(), 0)
        self.assertEqual(self.store("backup", "--force", self.file, self.file)[0], 1)
        self.expect_going_on(self.start(copy))

    def test_that_is_older_than_what_clients_saw_gets_new_epochs(self):
        self.fill()
        self.assertEqual(self.store("renew", self.file, "--yes")[:2], (0, "renewed the epochs of 3 addresses\n"))
        self.expect_sound(self.file)
        server = self.start()
        bob = self.connect(server, "bob")
        self.assertNotEqual(bob.opened.epoch, self.epochs["bob"])
        self.assertEqual(bob.fetch_all(2, epoch=self.epochs["bob"])[0].reason, "wrong_epoch")
        self.assertEqual(self.messages(bob), [(number, b"letter %d" % number) for number in range(2, 6)])


class Export(Case):
    def test_into_another_file_lets_clients_go_on(self):
        self.fill()
        lines = self.lines_of(self.file)
        other = self.path("other.sqlite")
        self.assertEqual(self.store("import", other, text=lines)[:2], (0, f"imported into {other}: 7 messages\n"))
        self.assertEqual(self.lines_of(other), lines)
        self.expect_sound(other)
        self.expect_going_on(self.start(other))

    def test_is_the_same_beside_a_server(self):
        self.fill()
        lines = self.lines_of(self.file)
        self.start()
        self.assertEqual(self.lines_of(self.file), lines)

    def test_is_what_the_documentation_says(self):
        self.fill()
        lines = json_lines(self.lines_of(self.file))
        self.assertEqual(lines[0], {"type": "restante-store", "version": 1})
        self.assertEqual(lines[-1], {"type": "end", "lines": len(lines) - 1})
        by_type = {}
        for line in lines:
            by_type.setdefault(line.pop("type"), []).append(line)
        self.assertEqual([line["name"] for line in by_type["address"]], ["ada", "bob", "#tea"])
        self.assertEqual(bytes.fromhex(by_type["address"][0]["epoch"]), self.epochs["ada"])
        self.assertEqual(by_type["window"], [{"sender": "ada", "highest": 8, "states": "33221111"}])
        self.assertEqual(by_type["member"], [{"room": "#tea", "member": name, "cursor": 0, "delivered_end": 0}
                                             for name in ("ada", "bob")])
        self.assertIn({"name": "bob", "next_offset": 6, "delivered_end": 4}, by_type["mailbox"])
        message = by_type["message"][-1]
        self.assertEqual((message["to"], message["from"], base64.b64decode(message["payload"])), ("8", "7", b"\x00\xffx"))

    def test_that_is_not_whole_or_not_right_is_not_taken(self):
        self.fill()
        lines = self.lines_of(self.file).splitlines()
        other = self.path("other.sqlite")

        def changed(kind, **fields):
            """The lines with the first of a kind changed."""
            number = next(number for number, line in enumerate(lines) if json.loads(line)["type"] == kind)
            line = json.dumps({name: value for name, value in (json.loads(lines[number]) | fields).items()
                               if value is not None})
            return [*lines[:number], line, *lines[number + 1:]]

        wrong = (
            ([], "end before their end"),
            (lines[:-1], "end before their end"),
            ([*lines[:5], *lines[6:]], "lines are missing"),
            ([*lines, lines[3]], "behind the end"),
            ([*lines[:5], "{", *lines[6:]], "line 6: this is no object"),
            (lines[1:], "line 1: the first line"),
            (changed("restante-store", version=2), "only version 1"),
            (changed("address", type="colour"), "no type 'colour'"),
            (changed("address", name="bob"), "constraint"),
            (changed("address", epoch="0"), "16 hexadecimal digits"),
            (changed("address", number=-1), '"number" is no whole number'),
            (changed("address", opened=None), '"opened" is missing'),
            (changed("window", states="33"), '"states" needs'),
            (changed("window", sender="eve"), 'no address came before that is "eve"'),
            (changed("window", states="33221115"), "number 8 of ada has another state"),
            (changed("message", payload="?"), "no base64"),
            (changed("message", offset=4), "its offset is not above the one before it"),
            (changed("message", sequence=0), "number 3 of ada: its message is missing"),
            (changed("mailbox", delivered_end=99), "delivered_end is above next_offset"),
            (changed("member", cursor=5), "acknowledged what was not delivered"),
        )
        for text, reason in wrong:
            code, said, why = self.store("import", other, text="".join(line + "\n" for line in text))
            self.assertEqual((code, said), (1, ""), reason)
            self.assertIn(reason, why)
            self.assertFalse(os.path.exists(other), reason)
        self.assertEqual(self.store("import", other, text="\n".join(lines) + "\n")[0], 0)

    def test_is_not_taken_by_a_store_that_has_mailboxes_or_a_server(self):
        self.fill()
        lines = self.lines_of(self.file)
        code, _, why = self.store("import", self.file, text=lines)
        self.assertEqual(code, 1)
        self.assertIn("has mailboxes already", why)
        other = self.path("other.sqlite")
        self.start(other)
        code, _, why = self.store("import", other, text=lines)
        self.assertEqual(code, 1)
        self.assertIn("another server or 'restante store' uses the file: stop it first", why)

    def test_that_cannot_be_written_is_told(self):
        self.fill()
        if not os.path.exists("/dev/full"):
            return
        with open("/dev/full", "wb") as full:
            ended = subprocess.run([program("RESTANTE_CLI"), "store", "export", self.file], stdout=full,
                                   stderr=subprocess.PIPE, text=True, timeout=SECONDS_MAX, check=False)
        self.assertEqual(ended.returncode, 1)
        self.assertIn("No space left on device", ended.stderr)


class Check(Case):
    def expect_faults(self, *faults):
        code, said, why = self.store("check", self.file)
        self.assertEqual(code, 1, said)
        self.assertIn("something is wrong", why)
        for fault in faults:
            self.assertIn(fault, said)
        code, said, _ = self.store("check", self.file, json_too=True)
        (object_said,) = json_lines(said)
        self.assertEqual((code, object_said["sound"]), (1, False))
        self.assertGreaterEqual(len(object_said["faults"]), 1)

    def test_finds_nothing_wrong_beside_a_server_that_is_busy_or_was_killed(self):
        server = self.start()
        with V2Client(server) as inbox:
            inbox.open("inbox")
        load = Load(server)
        for _ in range(3):
            load.wait_for(100)
            self.expect_sound(self.file)
        load.stop()
        server.process.kill()
        server.__exit__()
        with open(self.file + "-wal", "rb") as log:
            before = log.read()
        self.expect_sound(self.file)
        with open(self.file + "-wal", "rb") as log:
            self.assertEqual(log.read(), before)
        self.assertEqual(sorted(self.take_all(self.start(), "inbox").values()), sorted(load.accepted))

    def test_finds_a_message_that_somebody_deleted(self):
        self.fill()
        with sqlite3.connect(self.file) as other:
            other.execute("DELETE FROM messages WHERE sequence = 5")
        other.close()
        self.expect_faults("number 5 of ada: its message is missing")

    def test_finds_bytes_that_have_changed(self):
        self.fill()
        with open(self.file, "rb") as file:
            sound = file.read()
        for place in range(4096, len(sound), 4096):
            # The head of a page, which says how it is to be read.
            with open(self.file, "wb") as file:
                file.write(sound[:place] + bytes(255 - byte for byte in sound[place:place + 8]) + sound[place + 8:])
            self.expect_faults()
            with open(self.file, "rb") as file:
                self.assertEqual(file.read()[place + 8:], sound[place + 8:])


class Stats(Case):
    def test_tell_how_much_there_is(self):
        self.fill()
        code, said, _ = self.store("stats", self.file)
        self.assertEqual(code, 0)
        self.assertIn("mailboxes: 3\nrooms: 1 with 2 members\nmessages: 7 of 47 bytes, the oldest since ", said)
        self.start()
        code, said, _ = self.store("stats", self.file, json_too=True)
        (told,) = json_lines(said)
        self.assertEqual((code, told["messages"], told["bytes"], told["loads"]), (0, 7, 47, 2))
        self.assertGreater(told["oldest_ms"], 1_600_000_000_000)
        self.assertGreater(told["log_bytes"], 0)


class Queries(Case):
    """The samples of docs/operations.md."""

    def test_of_the_documentation_say_what_is_there(self):
        self.fill()
        page = pathlib.Path(__file__).parents[2] / "docs" / "operations.md"
        samples = re.findall(r"```sql\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        queries = [query.strip() for sample in samples for query in sample.split(";") if query.strip()]
        self.assertEqual(len(queries), 4)
        self.start()
        with sqlite3.connect(f"file:{self.file}?mode=ro", uri=True) as reader:
            mailboxes, letters, members, epochs = (reader.execute(query).fetchall() for query in queries)
        reader.close()
        self.assertEqual([row[:3] for row in mailboxes], [("bob", 4, 32), ("#tea", 2, 12), (8, 1, 3)])
        self.assertRegex(mailboxes[0][3], r"^20\d\d-")
        self.assertEqual([(row[0], row[1], row[3]) for row in letters], [(offset, "ada", 8) for offset in range(2, 6)])
        self.assertEqual(members, [("#tea", "ada", 2), ("#tea", "bob", 2)])
        self.assertEqual(dict(epochs)["ada"], self.epochs["ada"].hex())


class Purge(Case):
    def test_is_told_to_senders_and_members(self):
        self.fill()
        self.assertEqual(self.store("purge", self.file, "bob", "--yes")[:2], (0, "purged 4 messages of bob\n"))
        self.assertEqual(self.store("purge", self.file, "#tea", "--yes")[:2], (0, "purged 2 messages of #tea\n"))
        self.assertEqual(self.store("purge", self.file, "8", "--yes")[:2], (0, "purged 1 message of 8\n"))
        self.expect_sound(self.file)
        server = self.start()
        ada, bob = (self.connect(server, name) for name in ("ada", "bob"))
        self.assertEqual(bob.opened.epoch, self.epochs["bob"])
        states = [ada.call(v2.receipt(2, sequence)).state for sequence in range(1, 9)]
        self.assertEqual(states, [v2.ACKNOWLEDGED] * 2 + [v2.PURGED] * 6)
        joined = bob.call(v2.join(5, "#tea"))
        (missed, _) = bob.fetch_all(2, source="#tea", epoch=joined.epoch)
        self.assertEqual((missed.kind, missed.count), ("MISSED", 2))
        self.push(ada, "bob", b"another", first=9)
        self.assertEqual(self.messages(bob), [(6, b"another")], "no offset is used twice")

    def test_takes_what_has_expired(self):
        server = self.start()
        ada = self.connect(server, "ada")
        self.assertEqual(ada.call(v2.push(2, "ada", b"short", sequence=1, time_to_live=1_000_000)).kind, "ACCEPTED")
        self.push(ada, "ada", b"long", first=2)
        self.end(server, ada)
        self.assertEqual(self.store("purge", self.file, "--expired", "--yes")[1], "purged 0 messages that have expired\n")
        # As if it had been long ago.
        with sqlite3.connect(self.file) as other:
            other.execute("UPDATE messages SET expires_ms = 1000 WHERE sequence = 1")
        other.close()
        self.assertEqual(self.store("purge", self.file, "--expired", "--yes")[1], "purged 1 message that have expired\n")
        ada = self.connect(self.start(), "ada")
        self.assertEqual(ada.call(v2.receipt(2, 1)).state, v2.EXPIRED)
        self.assertEqual(self.messages(ada), [(1, b"long")])

    def test_is_for_the_server_while_one_runs(self):
        self.fill()
        server = self.start()
        code, _, why = self.store("purge", self.file, "bob", "--yes")
        self.assertEqual(code, 1)
        self.assertIn("ask it with 'restante mailbox --operate SOCKET purge NAME', or stop it first", why)
        self.assertIn("by itself", self.store("purge", self.file, "--expired", "--yes")[2])
        self.assertIn("stop it first", self.store("renew", self.file, "--yes")[2])
        self.assertEqual(server.metric("restante_messages_held"), 7)

    def test_asks_at_a_terminal_and_needs_to_be_told_elsewhere(self):
        self.fill()
        self.assertEqual(self.store("purge", self.file, "bob")[0], 2)
        for typed, code, said in ((b"\n", 1, ""), (b"y\n", 0, "purged 4 messages of bob\n")):
            keyboard, terminal = pty.openpty()
            process = subprocess.Popen([program("RESTANTE_CLI"), "store", "purge", self.file, "bob"], stdin=terminal,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            os.close(terminal)
            os.write(keyboard, typed)
            output, question = process.communicate(timeout=SECONDS_MAX)
            os.close(keyboard)
            self.assertEqual((process.returncode, output), (code, said), question)
            self.assertIn(f"Remove the 4 messages of bob from {self.file}? [y/N]", question)


class Interrupted(Case):
    """Ctrl+C in the middle leaves nothing half done."""

    def start_command(self, *arguments):
        process = subprocess.Popen([program("RESTANTE_CLI"), "store", *arguments], stdin=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.__exit__, None, None, None)
        return process

    def test_import_leaves_no_store(self):
        other = self.path("other.sqlite")
        process = self.start_command("import", other)
        while not os.path.exists(other):
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        process.stdin.flush()
        self.assertEqual(process.wait(SECONDS_MAX), 1)
        self.assertIn("interrupted", process.stderr.read())
        self.assertFalse(os.path.exists(other))


class Commands(Case):
    COMMANDS = (["check"], ["stats"], ["export"], ["import"], ["backup", "COPY"], ["purge", "ada", "--yes"],
                ["renew", "--yes"])

    def run_all(self, file, reason):
        before = sorted(os.listdir(self.folder))
        for command, *more in self.COMMANDS:
            more = [self.path("copy") if word == "COPY" else word for word in more]
            code, said, why = self.store(command, file, *more, text="")
            self.assertEqual(code, 1, (command, said, why))
            self.assertIn(reason, why, command)
            self.assertEqual(sorted(os.listdir(self.folder)), before, command)

    def test_leave_files_of_others_as_they_are(self):
        with sqlite3.connect(self.file) as other:
            other.execute("CREATE TABLE photographs(id INTEGER PRIMARY KEY)")
        other.close()
        diary = self.path("diary")
        with open(diary, "w", encoding="utf-8") as file:
            file.write("Dear diary, " * 1000)
        kept = {}
        for path in (self.file, diary):
            with open(path, "rb") as file:
                kept[path] = file.read()
        self.run_all(self.file, "a file of another program")
        self.run_all(diary, "file is not a database")
        for path, contents in kept.items():
            with open(path, "rb") as file:
                self.assertEqual(file.read(), contents)

    def test_stop_at_a_later_version(self):
        self.fill()
        with sqlite3.connect(self.file) as other:
            other.execute("PRAGMA user_version = 99")
        other.close()
        for command, *more in self.COMMANDS:
            more = [self.path("copy") if word == "COPY" else word for word in more]
            code, _, why = self.store(command, self.file, *more, text="")
            self.assertEqual(code, 1, command)
            self.assertIn("later version", why, command)
        self.assertFalse(os.path.exists(self.path("copy")))

    def test_name_a_file_that_is_not_there(self):
        for command, *more in self.COMMANDS:
            if command != "import":
                more = [self.path("copy") if word == "COPY" else word for word in more]
                code, _, why = self.store(command, self.file, *more)
                self.assertEqual(code, 1, command)
                self.assertIn(f"{self.file}: No such file", why)
        self.assertEqual(os.listdir(self.folder), [])

    def test_refuse_damaged_files_without_a_change(self):
        self.fill()
        with open(self.file, "r+b") as file:
            file.seek(4096)
            file.write(b"\x7f" * 8192)
        copy = self.path("damaged")
        shutil.copy(self.file, copy)
        for command, *more in self.COMMANDS:
            if command != "backup":
                self.assertEqual(self.store(command, self.file, *more, text="")[0], 1, command)
        with open(self.file, "rb") as one, open(copy, "rb") as other:
            self.assertEqual(one.read(), other.read())

    def test_leave_nothing_where_they_are_started(self):
        self.fill()
        for command in ("check", "stats", "export"):
            with tempfile.TemporaryDirectory() as elsewhere:
                subprocess.run([program("RESTANTE_CLI"), "store", command, self.file], cwd=elsewhere, timeout=SECONDS_MAX,
                               stdout=subprocess.DEVNULL, check=True)
                self.assertEqual(os.listdir(elsewhere), [])

    def test_that_make_no_sense_are_not_run(self):
        self.fill()
        wrong = ([], ["check"], ["backup", self.file], ["purge", self.file, "--yes"], ["purge", self.file, "", "--yes"],
                 ["purge", self.file, "#", "--yes"], ["colour", self.file])
        for arguments in wrong:
            self.assertEqual(self.store(*arguments)[0], 2, arguments)
        code, _, why = self.store("purge", self.file, "eve", "--yes")
        self.assertEqual(code, 1)
        self.assertIn("no mailbox and no room eve", why)


if __name__ == "__main__":
    unittest.main()
