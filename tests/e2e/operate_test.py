"""What an operator does with the mailboxes of the real server: on the socket of --operate, and with 'restante mailbox'."""

import json
import os
import pathlib
import pty
import re
import signal
import socket
import stat
import subprocess
import tempfile
import unittest

import v2
from support import SECONDS_MAX, Server, json_lines, open_client, program, run_cli
from v2 import V2Client

RETIRED = 4002


class Operator:
    """Speaks to the socket in lines."""

    def __init__(self, place):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(SECONDS_MAX)
        self.socket.connect(place)
        self.input = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.input.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """The next answer; nothing when the connection has ended."""
        try:
            line = self.input.readline()
        except ConnectionError:
            return None
        return json.loads(line) if line else None

    def ask(self, **request):
        self.send(json.dumps(request).encode() + b"\n")
        return self.receive()


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.place = os.path.join(self.folder, "operate")

    def start(self, *arguments):
        server = Server("--port", "0", "--operate", self.place, *arguments)
        self.addCleanup(server.__exit__)
        return server

    def operator(self):
        operator = Operator(self.place)
        self.addCleanup(operator.__exit__)
        return operator

    def connect(self, server, address):
        client = V2Client(server)
        self.addCleanup(client.__exit__)
        client.open(address)
        return client

    def connect_classic(self, server, *identities):
        client = open_client(server)
        self.addCleanup(client.__exit__)
        for identity in identities:
            self.assertEqual(client.ask(bytes([0, 0, identity])), bytes([0, 1, identity]))
        return client

    def push(self, client, receiver, payload, sequence=0):
        self.assertEqual(client.call(v2.push(2, receiver, payload, sequence=sequence)).kind, "ACCEPTED")

    def cli(self, *arguments, **options):
        return run_cli(None, "mailbox", "--operate", self.place, *arguments, url="none", **options)


class Requests(Case):
    def test_mailboxes_are_listed_in_pages(self):
        server = self.start()
        ada = self.connect(server, "ada")
        seven = self.connect_classic(server, 7)
        seven.ask(b"\x02\x01\x07\x08\x02hi")
        self.assertEqual(ada.call(v2.join(3, "#all")).kind, "JOINED")
        for number in range(10):
            self.push(ada, f"n{number}", b"hello")
        operator = self.operator()
        listed, request = [], {"command": "list", "count": 4}
        while True:
            page = operator.ask(**request)
            self.assertLessEqual(len(page["mailboxes"]), 4)
            listed += page["mailboxes"]
            if "next" not in page:
                break
            request["from"] = page["next"]
        self.assertEqual([each["name"] for each in listed],
                         ["7", "8", "ada", "#all", *(f"n{number}" for number in range(10))])
        self.assertEqual(listed[0], {"name": "7", "kind": "classic", "messages": 0, "bytes": 0, "held": True})
        self.assertLess(listed[1].pop("oldest_age_ms"), SECONDS_MAX * 1000)
        self.assertEqual(listed[1], {"name": "8", "kind": "classic", "messages": 1, "bytes": 2, "held": False})
        self.assertEqual(listed[3], {"name": "#all", "kind": "room", "messages": 0, "bytes": 0, "held": False,
                                     "members": 1})
        self.assertEqual(listed[4]["bytes"], 5)

    def test_a_mailbox_is_shown_without_what_its_messages_say(self):
        server = self.start()
        ada = self.connect(server, "ada")
        ada.call(v2.join(3, "#all"))
        self.push(ada, "ada", b"secret", sequence=1)
        self.push(ada, "ada", b"more secret", sequence=2)
        operator = self.operator()
        operator.send(b'{"command": "show", "name": "ada", "count": 1}\n')
        line = operator.input.readline()
        self.assertNotIn(b"secret", line)
        shown = json.loads(line)
        self.assertEqual(shown["epoch"], ada.opened.epoch.hex())
        self.assertEqual((shown["messages"], shown["bytes"], shown["held"], shown["rooms"]), (2, 17, True, ["#all"]))
        self.assertEqual({name: shown[name] for name in ("stored", "acknowledged", "taken", "expired", "purged")},
                         {"stored": 2, "acknowledged": 0, "taken": 0, "expired": 0, "purged": 0})
        self.assertEqual([(each["offset"], each["from"], each["bytes"]) for each in shown["oldest"]], [(0, "ada", 6)])
        self.assertEqual(operator.ask(command="show", name="255")["epoch"], None)
        self.assertEqual(operator.ask(command="members", name="#all"),
                         {"members": [{"name": "ada", "held": True}], "more": False})

    def test_what_is_purged_is_gone_and_its_sender_is_told(self):
        server = self.start()
        ada, bob = self.connect(server, "ada"), self.connect(server, "bob")
        self.push(ada, "bob", b"one", sequence=1)
        self.push(ada, "bob", b"two", sequence=2)
        ada.send(v2.receipt(5, 2, known=v2.WAITING, wait=600_000))
        server.wait_for_metric("restante_waits", 1)
        self.assertEqual(self.operator().ask(command="purge", name="bob"), {"purged": "bob", "messages": 2})
        told = ada.next()
        self.assertEqual((told.kind, told.tag, told.state), ("STATE", 5, v2.PURGED))
        self.assertEqual(bob.call(v2.status(2)).purged, 2)
        self.assertEqual(server.metric("restante_messages_purged_total"), 2)
        server.wait_for_log("The operator purged bob, with 2 messages")

    def test_who_held_a_retired_address_is_closed_and_the_next_one_begins_anew(self):
        server = self.start()
        ada, bob = self.connect(server, "ada"), self.connect(server, "bob")
        self.push(bob, "ada", b"for the old one")
        self.push(ada, "bob", b"stays", sequence=1)
        operator = self.operator()
        self.assertEqual(operator.ask(command="retire", name="ada"),
                         {"retired": "ada", "messages": 1, "closed_holder": True})
        self.assertEqual(ada.close_code(), RETIRED)
        again = self.connect(server, "ada")
        self.assertNotEqual(again.opened.epoch, ada.opened.epoch)
        self.assertEqual((again.opened.depth, again.opened.highest), (0, 0))
        message, _ = bob.fetch_all(3)
        self.assertEqual((message.sender, message.payload), ("ada", b"stays"))
        server.wait_for_log("The operator retired ada, with 1 messages; who held it is closed")

    def test_a_classic_holder_is_closed_and_loses_all_its_ids(self):
        server = self.start()
        holder = self.connect_classic(server, 6, 7)
        self.assertTrue(self.operator().ask(command="retire", name="7")["closed_holder"])
        self.assertEqual(holder.close_code(), RETIRED)
        self.connect_classic(server, 6, 7)

    def test_who_waits_in_a_retired_room_is_told(self):
        server = self.start()
        ada = self.connect(server, "ada")
        epoch = ada.call(v2.join(3, "#all")).epoch
        ada.send(v2.fetch(4, epoch, source="#all", wait=600_000))
        server.wait_for_metric("restante_waits", 1)
        self.assertEqual(self.operator().ask(command="retire", name="#all"),
                         {"retired": "#all", "messages": 0, "closed_holder": False})
        refused = ada.next()
        self.assertEqual((refused.kind, refused.tag, refused.reason), ("REFUSED", 4, "not_a_member"))


class Nonsense(Case):
    def assert_error(self, answer, name):
        self.assertEqual(answer["error"], name, answer)
        self.assertTrue(answer["sentence"])

    def test_each_line_that_makes_no_sense_has_an_answer(self):
        self.start()
        operator = self.operator()
        for line in (b"", b"purge ada", b"[1]", b'{"command": "purge", "command": "list"}', b"\xff\xfe", b"[" * 4_000,
                     b'{"command": "purge"}', b'{"command": "purge", "name": 7}', b'{"command": "list", "count": 257}',
                     b'{"command": "list", "from": -1}', b'{"command": "list", "from": 4294967296}',
                     b'{"command": "members", "name": "#all", "count": "1"}'):
            operator.send(line + b"\n")
            self.assert_error(operator.receive(), "malformed")
        self.assert_error(operator.ask(command="drop"), "unknown_operation")
        self.assert_error(operator.ask(), "unknown_operation")
        for command in ("show", "members", "purge", "retire"):
            self.assert_error(operator.ask(command=command, name="nobody"), "no_such_address")
            self.assert_error(operator.ask(command=command, name="#none"), "no_such_room")
        self.assertEqual(operator.ask(command="list"), {"mailboxes": []})

    def test_a_line_that_is_too_long_ends_the_connection(self):
        self.start()
        operator = self.operator()
        operator.send(b" " * 4_096)
        self.assert_error(operator.receive(), "malformed")
        self.assertIsNone(operator.receive())
        self.assertEqual(self.operator().ask(command="list"), {"mailboxes": []})

    def test_half_a_line_is_no_request(self):
        server = self.start()
        ada = self.connect(server, "ada")
        self.push(ada, "ada", b"kept")
        with Operator(self.place) as operator:
            operator.send(b'{"command": "purge", "name": "ada"}')
            operator.socket.shutdown(socket.SHUT_WR)
            self.assertIsNone(operator.receive())
        self.assertEqual(self.operator().ask(command="show", name="ada")["messages"], 1)

    def test_lines_may_come_in_any_pieces(self):
        self.start()
        operator = self.operator()
        operator.send(b'{"command": "li')
        operator.send(b'st"}\n{"command": "list"}\n{"comm')
        operator.send(b'and": "list"}\n')
        for _ in range(3):
            self.assertEqual(operator.receive(), {"mailboxes": []})

    def test_a_hundred_connections_are_too_many_and_harm_nobody(self):
        server = self.start()
        ada = self.connect(server, "ada")
        crowd = [self.operator() for _ in range(100)]
        refused = [operator for operator in crowd[8:] if operator.receive()["error"] == "limit_reached"]
        self.assertEqual(len(refused), 92)
        self.assertIsNone(refused[0].receive())
        self.push(ada, "ada", b"served")
        for operator in crowd[:8]:
            self.assertEqual(operator.ask(command="show", name="ada")["messages"], 1)
        for operator in crowd:
            operator.__exit__()
        # The server sees the ends in its own time.
        for _ in range(3_000):
            answer = self.operator().ask(command="list")
            if answer is not None and "error" not in answer:
                return
        self.fail("there is no place again")


class Socket(Case):
    def refusal_to_start(self):
        with self.assertRaises(RuntimeError) as refused:
            self.start()
        return str(refused.exception)

    def test_only_its_owner_can_open_it(self):
        self.start()
        status = os.stat(self.place)
        self.assertTrue(stat.S_ISSOCK(status.st_mode))
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o600)

    def test_it_is_gone_when_the_server_has_ended(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.start()
            operator = self.operator()
            self.assertEqual(server.end(number), 0)
            self.assertFalse(os.path.exists(self.place))
            self.assertIsNone(operator.receive())

    def test_one_that_a_dead_server_left_is_replaced(self):
        server = self.start()
        server.process.kill()
        server.process.wait(SECONDS_MAX)
        self.assertTrue(os.path.exists(self.place))
        self.start()
        self.assertEqual(self.operator().ask(command="list"), {"mailboxes": []})

    def test_one_that_a_server_listens_on_is_left_alone(self):
        self.start()
        self.assertIn("another program listens there", self.refusal_to_start())
        self.assertEqual(self.operator().ask(command="list"), {"mailboxes": []})

    def test_a_file_that_is_no_socket_is_left_alone(self):
        pathlib.Path(self.place).write_text("precious")
        self.assertIn("no socket", self.refusal_to_start())
        self.assertEqual(pathlib.Path(self.place).read_text(), "precious")

    def test_a_place_that_cannot_be_is_named(self):
        self.place = os.path.join(self.folder, "no", "such", "folder")
        self.assertIn(self.place, self.refusal_to_start())
        self.place = os.path.join(self.folder, "x" * 100)
        self.assertIn("107 bytes", self.refusal_to_start())

    def test_a_file_that_took_its_name_is_not_removed(self):
        server = self.start()
        os.unlink(self.place)
        pathlib.Path(self.place).write_text("precious")
        self.assertEqual(server.end(), 0)
        self.assertEqual(pathlib.Path(self.place).read_text(), "precious")


class CommandLine(Case):
    def test_lists_and_shows(self):
        server = self.start()
        ada = self.connect(server, "ada")
        self.connect(server, "b\u00f6b").call(v2.join(3, "#all"))
        ada.call(v2.join(3, "#all"))
        self.push(ada, "#all", b"hello")
        code, said, why = self.cli("list")
        self.assertEqual((code, why), (0, ""))
        heading, *rows = said.splitlines()
        self.assertEqual(heading, "NAME\tKIND\tMESSAGES\tBYTES\tOLDEST\tHELD\tMEMBERS")
        self.assertEqual(rows[0], "ada\tmailbox\t0\t0\t-\tyes\t-")
        self.assertRegex(rows[2], r"^#all\troom\t1\t5\t\d+ s\tno\t2$")
        self.assertEqual([each["name"] for each in json_lines(self.cli("list", options=["--json"])[1])],
                         ["ada", "b\u00f6b", "#all"])
        code, said, _ = self.cli("show", "#all")
        self.assertEqual(code, 0)
        self.assertRegex(said, re.compile(r"^#all is a room$.*^messages: 1 of 5 bytes.*^member: ada is there$"
                                          r".*^message 0: from ada, 5 bytes", re.MULTILINE | re.DOTALL))
        shown = json_lines(self.cli("show", "#all", options=["--json"])[1])[0]
        self.assertEqual([each["name"] for each in shown["members"]], ["ada", "b\u00f6b"])
        self.assertEqual(self.cli("show", "ada", "--messages", "0")[0], 0)

    def test_long_lists_come_whole(self):
        server = self.start()
        ada = self.connect(server, "ada")
        names = [f"n{number:03}" for number in range(600)]
        for name in names:
            self.push(ada, name, b"")
        code, said, _ = self.cli("list", options=["--json"])
        self.assertEqual((code, [each["name"] for each in json_lines(said)]), (0, ["ada", *names]))
        for name in names[:300]:
            self.connect(server, name).call(v2.join(3, "#all"))
        shown = json_lines(self.cli("show", "#all", options=["--json"])[1])[0]
        self.assertEqual([each["name"] for each in shown["members"]], names[:300])

    def test_purges_and_retires_without_asking_where_told_so(self):
        server = self.start()
        ada = self.connect(server, "ada")
        self.push(ada, "ada", b"one")
        self.assertEqual(self.cli("purge", "ada", "--yes"), (0, "purged ada: 1 messages\n", ""))
        code, said, _ = self.cli("retire", "ada", "--yes", options=["--json"])
        self.assertEqual((code, json_lines(said)), (0, [{"retired": "ada", "messages": 0, "closed_holder": True}]))
        self.assertEqual(ada.close_code(), RETIRED)

    def test_does_nothing_where_nobody_can_be_asked(self):
        server = self.start()
        ada = self.connect(server, "ada")
        self.push(ada, "ada", b"one")
        for action in ("purge", "retire"):
            code, said, why = self.cli(action, "ada", text="y\n")
            self.assertEqual((code, said), (2, ""))
            self.assertIn("--yes", why)
        self.assertEqual(self.operator().ask(command="show", name="ada")["messages"], 1)

    def test_asks_at_a_terminal(self):
        server = self.start()
        ada = self.connect(server, "ada")
        self.push(ada, "ada", b"one")
        for typed, code, said in ((b"\n", 1, ""), (b"n\n", 1, ""), (b"y\n", 0, "purged ada: 1 messages\n")):
            keyboard, terminal = pty.openpty()
            process = subprocess.Popen(
                [program("RESTANTE_CLI"), "mailbox", "--operate", self.place, "purge", "ada"], stdin=terminal,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            os.close(terminal)
            os.write(keyboard, typed)
            output, question = process.communicate(timeout=SECONDS_MAX)
            os.close(keyboard)
            self.assertEqual((process.returncode, output), (code, said), question)
            self.assertIn("Remove the 1 messages of ada? [y/N]", question)

    def test_says_what_is_wrong(self):
        code, _, why = self.cli("list")
        self.assertEqual(code, 1)
        self.assertIn(self.place, why)
        self.start()
        code, _, why = self.cli("show", "nobody")
        self.assertEqual(code, 1)
        self.assertIn("no_such_address", why)
        self.assertEqual(self.cli("purge", "#none", "--yes")[0], 1)
        for wrong in (["mailbox"], ["mailbox", "list"], ["mailbox", "--operate", self.place, "show"]):
            self.assertEqual(run_cli(None, *wrong, url="none")[0], 2, wrong)
        code, _, _ = run_cli(None, "mailbox", "list", url="none", variables={"RESTANTE_OPERATE": self.place})
        self.assertEqual(code, 0)


if __name__ == "__main__":
    unittest.main()
