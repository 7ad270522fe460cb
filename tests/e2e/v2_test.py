"""restante.v2 with the real server: a conversation of everything, each refusal, what peers get wrong, credentials."""

import asyncio
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest

import websockets

import v2
from support import SECONDS_MAX, RawClient, Server, open_client, program
from v2 import V2Client

PROTOCOL_PAGE = pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "protocol.md"
# Longer than any test: who waits so long waits for something to happen.
LONG_MS = 600_000
BOOKS = ("loaded", "stored", "taken", "acknowledged", "expired", "purged", "trimmed")


class Case(unittest.TestCase):
    def start(self, *arguments, **options):
        server = Server("--port", "0", *arguments, **options)
        self.addCleanup(server.__exit__)
        return server

    def connect(self, server, address=None, **proof):
        client = V2Client(server)
        self.addCleanup(client.__exit__)
        if address is not None:
            client.open(address, **proof)
        return client

    def connect_classic(self, server, identity, credential=b""):
        client = open_client(server)
        self.addCleanup(client.__exit__)
        self.assertEqual(client.ask(bytes([0, 0, identity]) + credential), bytes([0, 1, identity]))
        return client

    def assert_reply(self, reply, kind, tag, **fields):
        self.assertEqual((reply.kind, reply.tag), (kind, tag), reply)
        self.assertEqual({field: getattr(reply, field) for field in fields}, fields)

    def assert_accepted(self, client, tag, *arguments, duplicate=False, **options):
        self.assert_reply(client.call(v2.push(tag, *arguments, **options)), "ACCEPTED", tag, flags=int(duplicate))

    def assert_refused(self, client, tag, request, reason):
        self.assert_reply(client.call(request), "REFUSED", tag, reason=reason)

    def assert_books_balance(self, server):
        books = {column: server.metric(f"restante_messages_{column}_total") for column in BOOKS}
        held = server.metric("restante_messages_held")
        self.assertEqual(books["loaded"] + books["stored"], held + sum(books[column] for column in BOOKS[2:]))
        return books


class Conversation(Case):
    def test_messages_wait_are_delivered_until_acknowledged_and_their_sender_knows(self):
        server = self.start()
        ada = self.connect(server, "ada")
        self.assertEqual((ada.opened.flags, ada.opened.depth, ada.opened.highest), (0, 0, 0))
        for sequence, text in enumerate((b"one", b"two", b"", b"\xff" * 65_536), start=1):
            self.assert_accepted(ada, 2, "Bj\u00f6rn", text, sequence=sequence)
        self.assert_accepted(ada, 2, "Bj\u00f6rn", b"one", sequence=1, duplicate=True)
        bob = self.connect(server, "Bj\u00f6rn")
        self.assertEqual(bob.opened.depth, 4)
        first = bob.opened.first
        *messages, end = bob.fetch_all(3, messages=2)
        self.assertEqual([(each.offset, each.sender, each.source, each.payload) for each in messages],
                         [(first, "ada", "", b"one"), (first + 1, "ada", "", b"two")])
        self.assert_reply(end, "FETCHED", 3, delivered=2, remaining=2)
        *messages, end = bob.fetch_all(4, size=0)
        self.assertEqual([each.payload for each in messages], [b""])
        self.assert_reply(ada.call(v2.receipt(3, 1)), "STATE", 3, state=v2.FETCHED)
        self.assert_reply(ada.call(v2.receipt(3, 4)), "STATE", 3, state=v2.WAITING)
        self.assert_reply(ada.call(v2.receipt(3, 99)), "STATE", 3, state=v2.UNKNOWN)
        ada.send(v2.receipt(5, 1, known=v2.FETCHED, wait=LONG_MS))
        server.wait_for_metric("restante_waits", 1)
        self.assert_reply(bob.call(v2.acknowledge(5, bob.opened.epoch, first + 1)), "ACKED", 5)
        self.assert_reply(bob.call(v2.acknowledge(6, bob.opened.epoch, first + 1)), "ACKED", 6)
        self.assert_reply(ada.next(), "STATE", 5, state=v2.ACKNOWLEDGED)
        bob.socket.close()
        server.wait_for_metric("restante_connections", 1)
        again = self.connect(server, "Bj\u00f6rn")
        self.assertEqual((again.opened.epoch, again.opened.first, again.opened.depth),
                         (bob.opened.epoch, first + 2, 2))
        self.assertNotEqual(again.opened.token, bob.opened.token)
        *messages, _ = again.fetch_all(2)
        self.assertEqual([(each.offset, each.payload) for each in messages],
                         [(first + 2, b""), (first + 3, b"\xff" * 65_536)])
        self.assertEqual(len(again.fetch_all(3)), 1)
        self.assertEqual(len(again.fetch_all(4, rewind=True)), 3)
        mailbox = again.call(v2.status(5))
        self.assert_reply(mailbox, "MAILBOX", 5, depth=2, bytes=65_536, stored=4, acknowledged=2, taken=0, expired=0,
                          purged=0)
        again.send(v2.status(6, known=mailbox.version, wait=LONG_MS))
        server.wait_for_metric("restante_waits", 1)
        self.assert_accepted(ada, 4, "Bj\u00f6rn", b"news")
        self.assert_reply(again.next(), "MAILBOX", 6, depth=3)
        self.assert_books_balance(server)

    def test_who_waits_is_served_when_something_comes_and_its_other_requests_before(self):
        server = self.start()
        ada, bob = self.connect(server, "ada"), self.connect(server, "bob")
        bob.send(v2.fetch(7, bob.opened.epoch, wait=LONG_MS))
        self.assert_accepted(bob, 8, "ada", b"meanwhile")
        self.assert_accepted(ada, 2, "bob", b"at last")
        self.assert_reply(bob.next(), "MESSAGE", 7, payload=b"at last")
        self.assert_reply(bob.next(), "FETCHED", 7, delivered=1, remaining=0)
        # One that nothing comes for is answered when it has waited long enough.
        self.assert_reply(bob.call(v2.fetch(9, bob.opened.epoch, wait=1)), "FETCHED", 9, delivered=0)

    def test_a_message_expires_when_nobody_fetched_it_in_time(self):
        server = self.start()
        ada = self.connect(server, "ada")
        bob = self.connect(server, "bob")
        self.assert_accepted(ada, 2, "bob", b"soon gone", sequence=1, time_to_live=1)
        ada.send(v2.receipt(3, 1, known=v2.WAITING, wait=LONG_MS))
        self.assert_reply(ada.next(), "STATE", 3, state=v2.EXPIRED)
        self.assert_reply(bob.call(v2.status(2)), "MAILBOX", 2, depth=0, expired=1)
        self.assertEqual(self.assert_books_balance(server)["expired"], 1)

    def test_rooms_are_read_by_each_member_and_say_who_is_there_and_what_was_missed(self):
        server = self.start("--max-room-messages", "3")
        ada, bob = self.connect(server, "ada"), self.connect(server, "bob")
        joined = ada.call(v2.join(2, "#all"))
        self.assert_reply(joined, "JOINED", 2, cursor=joined.first, next=joined.first)
        self.assert_accepted(ada, 3, "#all", b"history", sequence=1)
        self.assert_reply(bob.call(v2.join(2, "#all")), "JOINED", 2, epoch=joined.epoch, next=joined.next + 1)
        self.assert_reply(bob.call(v2.join(2, "#all")), "JOINED", 2, cursor=joined.first)
        members = ada.call(v2.status(4, "#all"))
        self.assert_reply(members, "MEMBERS", 4, total=2, more=0, members=[("ada", 1), ("bob", 1)])
        self.assert_reply(ada.call(v2.status(4, "#all", members=1)), "MEMBERS", 4, more=1, members=[("ada", 1)])
        self.assert_reply(ada.call(v2.status(4, "#all", after="ada")), "MEMBERS", 4, members=[("bob", 1)])
        *messages, _ = bob.fetch_all(3, source="#all", epoch=joined.epoch)
        self.assertEqual([(each.source, each.sender, each.payload) for each in messages], [("#all", "ada", b"history")])
        for text in (b"1", b"2", b"3", b"4"):
            self.assert_accepted(ada, 3, "#all", text)
        self.assert_reply(ada.call(v2.receipt(5, 1)), "STATE", 5, state=v2.PURGED)
        missed, *messages, _ = bob.fetch_all(4, source="#all", epoch=joined.epoch)
        self.assert_reply(missed, "MISSED", 4, room="#all", count=1)
        self.assertEqual([each.payload for each in messages], [b"2", b"3", b"4"])
        self.assert_reply(bob.call(v2.acknowledge(5, joined.epoch, messages[0].offset, "#all")), "ACKED", 5)
        ada.send(v2.status(6, "#all", known=members.version, wait=LONG_MS))
        server.wait_for_metric("restante_waits", 1)
        bob.socket.close()
        self.assert_reply(ada.next(), "MEMBERS", 6, members=[("ada", 1), ("bob", 0)])
        # Membership and the cursor are there for who comes back. '*' is everything at once.
        bob = self.connect(server, "bob")
        self.assert_accepted(ada, 3, "bob", b"for you")
        *messages, end = bob.fetch_all(2, source="*")
        self.assertEqual(sorted((each.source, each.payload) for each in messages),
                         [("", b"for you"), ("#all", b"3"), ("#all", b"4")])
        self.assert_reply(end, "FETCHED", 2, delivered=3, remaining=0)
        self.assert_reply(bob.call(v2.leave(3, "#all")), "LEFT", 3)
        self.assert_reply(ada.call(v2.status(7, "#all")), "MEMBERS", 7, members=[("ada", 1)])
        self.assertEqual(self.assert_books_balance(server)["trimmed"], 2)

    def test_both_protocols_share_the_mailboxes_of_classic_ids(self):
        server = self.start()
        old, new = self.connect_classic(server, 8), self.connect(server, "7")
        self.assertEqual((new.opened.mailbox_messages, new.opened.mailbox_bytes), (100, 25_400))
        self.assert_accepted(new, 2, "8", b"hello", sequence=1)
        self.assertEqual(old.ask(b"\x01\x00\x08"), b"\x02\x00\x08\x07\x05hello")
        self.assert_reply(new.call(v2.receipt(3, 1)), "STATE", 3, state=v2.TAKEN)
        self.assertEqual(old.ask(b"\x02\x01\x08\x07\x02hi"), b"\x01\x02\x08")
        message, _ = new.fetch_all(4)
        self.assert_reply(message, "MESSAGE", 4, sender="8", payload=b"hi")
        # An address is held once, by whatever protocol.
        self.assertEqual(old.ask(b"\x00\x00\x07"), b"\x00\x03\x07")
        other = self.connect(server)
        self.assert_refused(other, 1, v2.open_address(1, "8"), "address_taken")
        self.assert_refused(other, 1, v2.open_address(1, "8", v2.RESUME_TOKEN, bytes(16)), "address_taken")
        self.assertEqual(self.assert_books_balance(server)["taken"], 1)

    def test_a_client_that_is_not_ours_agrees_on_the_protocol(self):
        server = self.start()

        async def talk(offers):
            async with websockets.connect(f"ws://127.0.0.1:{server.port}/", subprotocols=offers) as socket:
                await socket.send(v2.open_address(1, "ada"))
                return socket.subprotocol, await asyncio.wait_for(socket.recv(), SECONDS_MAX)

        for offers in ([v2.PROTOCOL], ["another", v2.PROTOCOL]):
            agreed, answer = asyncio.run(talk(offers))
            self.assertEqual((agreed, v2.read(answer).kind), (v2.PROTOCOL, "OPENED"))
            server.wait_for_metric("restante_connections", 0)
        # Without an offer that is understood, it is the classic protocol, in which this is no packet.
        for offers in (None, ["another"]):
            self.assertEqual(asyncio.run(talk(offers)), (None, b"\x00\x03\x03"))

    def test_the_metrics_count_what_happens(self):
        server = self.start()
        ada, bob = self.connect(server, "ada"), self.connect(server, "bob")
        self.assert_accepted(ada, 2, "bob", b"hello")
        bob.fetch_all(2)
        bob.call(v2.acknowledge(3, bob.opened.epoch, bob.opened.first))
        self.assert_refused(ada, 3, v2.join(3, "no room"), "bad_address")
        self.assert_refused(ada, 4, b"\x7f\x04", "unknown_operation")
        ada.send(v2.fetch(5, ada.opened.epoch, wait=LONG_MS))
        server.wait_for_metric("restante_waits", 1)
        expected = {
            'restante_v2_requests_total{request="OPEN"}': 2,
            'restante_v2_requests_total{request="PUSH"}': 1,
            'restante_v2_requests_total{request="FETCH"}': 2,
            'restante_v2_requests_total{request="ACK"}': 1,
            'restante_v2_requests_total{request="JOIN"}': 1,
            'restante_v2_requests_total{request="STATUS"}': 0,
            'restante_v2_requests_total{request="unreadable"}': 1,
            'restante_v2_refusals_total{reason="bad_address"}': 1,
            'restante_v2_refusals_total{reason="unknown_operation"}': 1,
            'restante_v2_refusals_total{reason="malformed"}': 0,
            'restante_requests_total{packet="any",result="malformed"}': 0,
            "restante_addresses_held": 2,
            "restante_addresses_named": 2,
            "restante_messages_stored_total": 1,
            "restante_messages_acknowledged_total": 1,
            "restante_messages_held": 0,
            "restante_takeovers_total": 0,
            "restante_packets_received_total": 8,
        }
        self.assertEqual({metric: server.metric(metric) for metric in expected}, expected)


class Refusals(Case):
    """Each reason of rule 11, by its name. Which of them there are is read from the page."""

    def refuse(self, server, client, tag, request, reason):
        metric = f'restante_v2_refusals_total{{reason="{reason}"}}'
        before = server.metric(metric)
        self.assert_refused(client, tag, request, reason)
        self.assertEqual(server.metric(metric), before + 1)
        # The connection stays.
        self.assert_refused(client, 999, b"\x7f" + v2.number(999), "unknown_operation")

    def test_each_of_the_page_is_provoked(self):
        rule = PROTOCOL_PAGE.read_text(encoding="utf-8").split("**11. Refusals.**")[1].split("A refusal is final")[0]
        listed = tuple(re.findall(r"^\| \d+ \| (\w+) \|", rule, re.MULTILINE))
        self.assertEqual(listed, v2.REASONS)
        provoked = {method[len("test_reason_"):] for method in dir(self) if method.startswith("test_reason_")}
        # The store of the server is memory, which takes every change: this one is provoked in tests/unit.
        self.assertEqual(provoked, set(listed) - {"storage_unavailable"})

    def test_reason_malformed(self):
        server = self.start()
        ada = self.connect(server, "ada")
        for request in (v2.push(2, "bob", b"x")[:6], v2.fetch(2, ada.opened.epoch, messages=0),
                        v2.fetch(2, ada.opened.epoch)[:-3] + b"\x40\x01\x00\x00", v2.join(2, "#all") + b"\x00",
                        v2.acknowledge(2, ada.opened.epoch, ada.opened.first), v2.status(2, "*")):
            self.refuse(server, ada, 2, request, "malformed")
        for request in (b"", b"\x02", b"\x81\x02", b"\xff\x02\x01", b"\x02\x00", b"\x02\x40\x02"):
            self.refuse(server, ada, 2 if request[1:2] == b"\x02" else 0, request, "malformed")

    def test_reason_unknown_operation(self):
        server = self.start()
        client = self.connect(server)
        for code in (0x09, 0x7F):
            self.refuse(server, client, 70, bytes([code]) + v2.number(70) + b"whatever", "unknown_operation")

    def test_reason_not_open(self):
        server = self.start()
        client = self.connect(server)
        for request in (v2.push(2, "bob", b""), v2.fetch(2, bytes(8)), v2.acknowledge(2, bytes(8), 1), v2.receipt(2, 1),
                        v2.join(2, "#all"), v2.leave(2, "#all"), v2.status(2)):
            self.refuse(server, client, 2, request, "not_open")

    def test_reason_already_open(self):
        server = self.start()
        client = self.connect(server, "ada")
        for address in ("ada", "bob"):
            self.refuse(server, client, 2, v2.open_address(2, address), "already_open")

    def test_reason_unauthorised(self):
        with tempfile.TemporaryDirectory() as folder:
            server = self.start("--auth", f"passwords:{make_passwords(folder)}")
            client = self.connect(server)
            for proof, secret in ((v2.NO_PROOF, b""), (v2.RESUME_TOKEN, bytes(16)), (v2.CREDENTIAL, b"open sesam"),
                                  (v2.CREDENTIAL, b"")):
                self.refuse(server, client, 2, v2.open_address(2, "ada", proof, secret), "unauthorised")

    def test_reason_address_taken(self):
        server = self.start()
        self.connect(server, "ada")
        other = self.connect(server)
        self.refuse(server, other, 2, v2.open_address(2, "ada"), "address_taken")
        self.refuse(server, other, 2, v2.open_address(2, "ada", v2.RESUME_TOKEN, bytes(16)), "address_taken")

    def test_reason_bad_address(self):
        server = self.start()
        client = self.connect(server)
        for address in ("", "#all", "*", "256", "007", "a\nb", "a\u202eb"):
            self.refuse(server, client, 2, v2.open_address(2, address), "bad_address")
        client.open("ada")
        for address in ("", "#", "*", "256", "a\x00b"):
            self.refuse(server, client, 2, v2.push(2, address, b"x"), "bad_address")
        for request in (v2.join(2, "all"), v2.leave(2, "all"), v2.join(2, "#"), v2.status(2, "all")):
            self.refuse(server, client, 2, request, "bad_address")

    def test_reason_no_such_address(self):
        with tempfile.TemporaryDirectory() as folder:
            server = self.start("--auth", f"passwords:{make_passwords(folder)}")
            ada = self.connect(server, "ada", proof=v2.CREDENTIAL, secret=b"open sesame")
            self.refuse(server, ada, 2, v2.push(2, "eve", b"x"), "no_such_address")
            self.refuse(server, ada, 2, v2.push(2, "nobody", b"x"), "no_such_address")
            # Bob stands in the file, and was never there.
            self.assert_accepted(ada, 3, "bob", b"x")

    def test_reason_no_such_room(self):
        server = self.start()
        ada = self.connect(server, "ada")
        for request in (v2.push(2, "#none", b"x"), v2.leave(2, "#none"), v2.status(2, "#none"),
                        v2.fetch(2, ada.opened.epoch, "#none")):
            self.refuse(server, ada, 2, request, "no_such_room")

    def test_reason_not_a_member(self):
        server = self.start()
        ada, bob = self.connect(server, "ada"), self.connect(server, "bob")
        epoch = bob.call(v2.join(2, "#bobs")).epoch
        for request in (v2.push(2, "#bobs", b"x"), v2.leave(2, "#bobs"), v2.status(2, "#bobs"),
                        v2.fetch(2, epoch, "#bobs"), v2.acknowledge(2, epoch, 1, "#bobs")):
            self.refuse(server, ada, 2, request, "not_a_member")

    def test_reason_wrong_epoch(self):
        server = self.start()
        ada = self.connect(server, "ada")
        ada.call(v2.join(2, "#all"))
        for request in (v2.fetch(2, bytes(8)), v2.acknowledge(2, bytes(8), 1), v2.fetch(2, bytes(8), "*"),
                        v2.fetch(2, ada.opened.epoch, "#all")):
            self.refuse(server, ada, 2, request, "wrong_epoch")

    def test_reason_stale_sequence(self):
        server = self.start()
        ada = self.connect(server, "ada")
        window = ada.opened.window
        self.assert_accepted(ada, 2, "bob", b"x", sequence=window)
        self.assert_accepted(ada, 2, "bob", b"x", sequence=window + 1)
        self.refuse(server, ada, 2, v2.push(2, "bob", b"x", sequence=1), "stale_sequence")
        self.assert_accepted(ada, 2, "bob", b"x", sequence=2)

    def test_reason_sequence_ahead(self):
        server = self.start()
        ada = self.connect(server, "ada")
        self.refuse(server, ada, 2, v2.push(2, "bob", b"x", sequence=ada.opened.window + 1), "sequence_ahead")
        self.assert_accepted(ada, 2, "bob", b"x", sequence=ada.opened.window)

    def test_reason_mailbox_full(self):
        server = self.start("--max-mailbox-messages", "2", "--max-mailbox-bytes", "100", "--max-payload-bytes", "90",
                            "--capacity", "1")
        ada, eve = self.connect(server, "ada"), self.connect(server, "7")
        for sender, receiver, payload in ((ada, "bob", b""), (ada, "carl", b"x" * 90), (eve, "8", b"")):
            self.assert_accepted(sender, 2, receiver, payload)
        self.assert_accepted(ada, 2, "bob", b"", sequence=1)
        for sender, receiver, payload in ((ada, "bob", b""), (ada, "carl", b"x" * 11), (eve, "8", b"")):
            self.refuse(server, sender, 2, v2.push(2, receiver, payload, sequence=2), "mailbox_full")
        # It did not use up the number.
        self.assert_accepted(ada, 2, "carl", b"", sequence=2)

    def test_reason_quota_exceeded(self):
        server = self.start("--max-sender-messages", "2", "--max-sender-bytes", "100", "--max-payload-bytes", "90")
        ada, eve = self.connect(server, "ada"), self.connect(server, "eve")
        for receiver, payload in (("bob", b""), ("bob", b""), ("carl", b"x" * 90)):
            self.assert_accepted(ada, 2, receiver, payload)
        self.refuse(server, ada, 2, v2.push(2, "bob", b""), "quota_exceeded")
        self.refuse(server, ada, 2, v2.push(2, "carl", b"x" * 11), "quota_exceeded")
        self.assert_accepted(eve, 2, "bob", b"")

    def test_reason_payload_too_large(self):
        server = self.start("--max-payload-bytes", "300")
        ada = self.connect(server, "ada")
        self.assertEqual(ada.opened.payload_bytes, 300)
        self.assert_accepted(ada, 2, "bob", b"x" * 300)
        self.refuse(server, ada, 2, v2.push(2, "bob", b"x" * 301), "payload_too_large")

    def test_reason_classic_limit(self):
        server = self.start()
        ada, old = self.connect(server, "ada"), self.connect(server, "7")
        self.refuse(server, ada, 2, v2.push(2, "8", b"x"), "classic_limit")
        self.refuse(server, old, 2, v2.push(2, "8", b"x" * 255), "classic_limit")
        self.assert_accepted(old, 2, "8", b"x" * 254)
        self.assert_accepted(old, 2, "ada", b"x" * 255)

    def test_reason_rate_limited(self):
        server = self.start("--max-requests-per-second", "1")
        ada = self.connect(server, "ada")
        ada.send_together(*(v2.push(tag, "bob", b"x") for tag in range(2, 102)))
        replies = [ada.next() for _ in range(100)]
        self.assert_reply(replies[0], "ACCEPTED", 2)
        refused = [reply for reply in replies if reply.kind == "REFUSED"]
        self.assertEqual({reply.reason for reply in refused}, {"rate_limited"})
        self.assertEqual(server.metric('restante_v2_refusals_total{reason="rate_limited"}'), len(refused))
        self.assertEqual(server.metric("restante_messages_stored_total"), 100 - len(refused))

    def test_reason_limit_reached(self):
        for limit, value, allowed, refused in (
                ("--max-rooms", 1, v2.join(2, "#one"), v2.join(2, "#two")),
                ("--max-memberships", 1, v2.join(2, "#one"), v2.join(2, "#two")),
                ("--max-addresses", 2, v2.push(2, "bob", b"x"), v2.push(2, "carl", b"x")),
                ("--max-unopened-messages", 1, v2.push(2, "bob", b"x"), v2.push(2, "carl", b"x")),
                # What is kept beside a payload counts too.
                ("--max-memory-bytes", 1000, v2.push(2, "ada", b"x" * 500), v2.push(2, "ada", b"x"))):
            with self.subTest(limit=limit):
                server = self.start(limit, str(value))
                ada = self.connect(server, "ada")
                self.assertIn(ada.call(allowed).kind, ("ACCEPTED", "JOINED"))
                self.refuse(server, ada, 2, refused, "limit_reached")
        server = self.start("--max-room-members", "1")
        ada, bob = self.connect(server, "ada"), self.connect(server, "bob")
        ada.call(v2.join(2, "#one"))
        self.refuse(server, bob, 2, v2.join(2, "#one"), "limit_reached")
        for limit in ("--max-connection-waits", "--max-waits"):
            server = self.start(limit, "1")
            ada = self.connect(server, "ada")
            ada.send(v2.fetch(2, ada.opened.epoch, wait=LONG_MS))
            self.refuse(server, ada, 3, v2.receipt(3, 1, wait=LONG_MS), "limit_reached")

    def test_reason_going_away(self):
        server = self.start()
        ada, bob = self.connect(server, "ada"), self.connect(server, "bob")
        ada.send(v2.fetch(2, ada.opened.epoch, wait=LONG_MS))
        ada.send(v2.status(3, known=ada.opened.depth + 1, wait=LONG_MS))
        server.wait_for_metric("restante_waits", 2)
        server.process.send_signal(signal.SIGTERM)
        for tag in (2, 3):
            self.assert_reply(ada.next(), "REFUSED", tag, reason="going_away")
        self.assertEqual((ada.close_code(), bob.close_code()), (1001, 1001))
        self.assertEqual(server.process.wait(SECONDS_MAX), 0)


class Hostile(Case):
    def assert_serves(self, server, address):
        """Somebody else is served as if nothing had happened."""
        with V2Client(server) as friend:
            friend.open(address)
            self.assert_accepted(friend, 2, address, b"hi")
            self.assertEqual([reply.kind for reply in friend.fetch_all(3)], ["MESSAGE", "FETCHED"])

    def test_what_ends_too_early_or_goes_on_is_malformed_and_changes_nothing(self):
        server = self.start()
        ada = self.connect(server, "ada")
        epoch = ada.opened.epoch
        whole = (v2.fetch(700, epoch, "#all", wait=1), v2.acknowledge(700, epoch, 70, "#all"), v2.receipt(700, 70),
                 v2.join(700, "#all"), v2.leave(700, "#all"), v2.status(700, "#all", after="bob"))
        for request in whole:
            for size in range(len(request)):
                self.assert_refused(ada, 700 if size >= 3 else 0, request[:size], "malformed")
            self.assert_refused(ada, 700, request + b"\x00", "malformed")
        request = v2.push(700, "bob", b"", sequence=70, time_to_live=70)
        for size in range(len(request)):
            self.assert_refused(ada, 700 if size >= 3 else 0, request[:size], "malformed")
        stranger = self.connect(server)
        request = v2.open_address(700, "bob")
        for size in range(len(request)):
            self.assert_refused(stranger, 700 if size >= 3 else 0, request[:size], "malformed")
        for proof, secret in ((0, b"x"), (2, bytes(15)), (2, bytes(17)), (3, b"")):
            self.assert_refused(stranger, 700, v2.open_address(700, "bob", proof, secret), "malformed")
        self.assertEqual(server.metric("restante_addresses_named"), 1)
        self.assertEqual(server.metric("restante_messages_stored_total"), 0)
        self.assert_serves(server, "friend")

    def test_a_connection_that_breaks_within_a_message_sent_nothing(self):
        server = self.start()
        frame = RawClient.frame(v2.push(2, "bob", b"x" * 1000))
        for size in (1, 3, 7, 500, len(frame) - 1):
            with V2Client(server) as ada:
                ada.open("ada")
                ada.socket.sendall(frame[:size])
            server.wait_for_metric("restante_connections", 0)
        self.assertEqual(server.metric("restante_messages_stored_total"), 0)
        self.assert_serves(server, "friend")

    def test_messages_up_to_a_size_are_answered_and_longer_ones_close_the_connection(self):
        for payload_max in (100, 65_536):
            server = self.start("--max-payload-bytes", str(payload_max))
            longest = 2 * payload_max + 1024
            for pieces in (1, 2):
                with self.subTest(payload_max=payload_max, pieces=pieces), V2Client(server) as ada:
                    ada.open("ada")
                    overhead = len(v2.push(2, "bob", b""))
                    for size, answer in ((longest, "REFUSED"), (longest + 1, None)):
                        message = v2.push(2, "bob", b"x" * (size - overhead))
                        if pieces == 1:
                            ada.send(message)
                        else:
                            ada.send(message[:size // 2], first=0x02)
                            ada.send(message[size // 2:], first=0x80)
                        if answer:
                            self.assert_reply(ada.next(), answer, 2, reason="payload_too_large")
                        else:
                            self.assertEqual(ada.close_code(), 1009)
            self.assert_serves(server, "friend")

    def test_sixty_four_requests_may_wait_and_each_is_served(self):
        server = self.start()
        ada, bob = self.connect(server, "ada"), self.connect(server, "bob")
        self.assertEqual(ada.opened.waits, 64)
        ada.send_together(*(v2.fetch(tag, ada.opened.epoch, messages=1, wait=LONG_MS) for tag in range(101, 165)))
        self.assert_refused(ada, 165, v2.fetch(165, ada.opened.epoch, wait=LONG_MS), "limit_reached")
        self.assertEqual(server.metric("restante_waits"), 64)
        bob.send_together(*(v2.push(tag, "ada", bytes([tag])) for tag in range(1, 65)))
        self.assertEqual({bob.next().kind for _ in range(64)}, {"ACCEPTED"})
        replies = [ada.next() for _ in range(128)]
        self.assertEqual([reply.payload for reply in replies if reply.kind == "MESSAGE"],
                         [bytes([tag]) for tag in range(1, 65)])
        self.assertEqual(sorted(reply.tag for reply in replies if reply.kind == "FETCHED"), list(range(101, 165)))
        self.assertEqual(server.metric("restante_waits"), 0)

    def test_a_tag_that_waits_is_not_to_be_used_again_and_goes_on_waiting(self):
        server = self.start()
        ada, bob = self.connect(server, "ada"), self.connect(server, "bob")
        ada.send(v2.fetch(5, ada.opened.epoch, wait=LONG_MS))
        for request in (v2.push(5, "bob", b"x"), v2.fetch(5, ada.opened.epoch), v2.status(5), v2.join(5, "#all")):
            self.assert_refused(ada, 5, request, "malformed")
        self.assertEqual(server.metric("restante_messages_stored_total"), 0)
        self.assert_accepted(bob, 2, "ada", b"at last")
        self.assert_reply(ada.next(), "MESSAGE", 5, payload=b"at last")
        self.assert_reply(ada.next(), "FETCHED", 5)
        self.assert_accepted(ada, 5, "bob", b"x")

    def test_text_closes_the_connection(self):
        server = self.start()
        ada = self.connect(server, "ada")
        ada.send(b"hello", first=0x81)
        self.assertEqual(ada.close_code(), 1003)
        self.assertEqual(server.metric("restante_text_messages_refused_total"), 1)

    def test_who_has_the_resume_token_takes_over_and_the_loser_is_closed_and_counts_no_more(self):
        server = self.start()
        loser = self.connect(server, "ada")
        self.assert_accepted(loser, 2, "ada", b"mine")
        loser.send(v2.receipt(3, 1, wait=LONG_MS))
        server.wait_for_metric("restante_waits", 1)
        winner = self.connect(server, "ada", proof=v2.RESUME_TOKEN, secret=loser.opened.token)
        self.assertEqual((winner.opened.flags, winner.opened.epoch, winner.opened.depth), (1, loser.opened.epoch, 1))
        try:
            loser.send(v2.push(4, "ada", b"too late"))
        except ConnectionError:
            pass  # It is closed already.
        self.assertEqual(loser.close_code(), 4001)
        loser.socket.close()
        server.wait_for_metric("restante_connections", 1)
        self.assertEqual([reply.kind for reply in winner.fetch_all(2)], ["MESSAGE", "FETCHED"])
        self.assertEqual(server.metric("restante_takeovers_total"), 1)
        self.assertEqual(server.metric("restante_waits"), 0)
        # A token is good until the next one is given.
        late = self.connect(server)
        self.assert_refused(late, 1, v2.open_address(1, "ada", v2.RESUME_TOKEN, loser.opened.token), "address_taken")
        self.assert_accepted(winner, 3, "ada", b"still here")


def run_cli(*arguments, text=""):
    result = subprocess.run([program("RESTANTE_CLI"), *map(str, arguments)], input=text, capture_output=True, text=True,
                            timeout=SECONDS_MAX, check=True)
    return result.stdout


def make_passwords(folder):
    """A file with the passwords of ada, bob and 7."""
    file = pathlib.Path(folder) / "passwords"
    for address in ("ada", "bob", "7"):
        run_cli("passwd", file, "set", address, text="open sesame\n")
    return file


class Credentials(Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def make_keys(self):
        """The file of the private key, and that of its public half."""
        private, public = self.folder / "private.jwk", self.folder / "public.jwk"
        public.write_text(run_cli("token", "key", private, "--algorithm", "EdDSA"), encoding="utf-8")
        return private, public

    def assert_log_has_none_of(self, server, *secrets):
        """Neither as text nor in hexadecimal digits."""
        self.assertEqual(server.end(), 0)
        server.reader.join(SECONDS_MAX)
        log = server.log()
        self.assertIn(" sent ", log)
        for secret in secrets:
            # Any eight bytes of it would be too many.
            for start in range(0, len(secret) - 7):
                part = secret[start:start + 8]
                self.assertNotIn(part.hex(" "), log)
                self.assertNotIn(part.decode("latin-1"), log)

    def test_passwords_open_addresses_in_both_protocols_and_are_not_logged(self):
        server = self.start("--auth", f"passwords:{make_passwords(self.folder)}", "--log-packets", "--log-level",
                            "debug")
        ada = self.connect(server, "ada", proof=v2.CREDENTIAL, secret=b"open sesame")
        old = self.connect_classic(server, 7, b"open sesame")
        stranger = open_client(server)
        self.addCleanup(stranger.__exit__)
        for request in (b"\x00\x00\x07", b"\x00\x00\x07wrong sesame", b"\x00\x00\x08open sesame"):
            self.assertEqual(stranger.ask(request), b"\x00\x02" + request[2:3])
        self.assertEqual(stranger.ask(b"\x00\x00\x07open sesame"), b"\x00\x03\x07")
        self.assertEqual(old.ask(b"\x02\x01\x07\x07\x02hi"), b"\x01\x02\x07")
        self.assertEqual(old.ask(b"\x01\x00\x07"), b"\x02\x00\x07\x07\x02hi")
        expected = {
            'restante_requests_total{packet="ASSOCIATE",result="associated"}': 1,
            'restante_requests_total{packet="ASSOCIATE",result="taken"}': 1,
            'restante_requests_total{packet="ASSOCIATE",result="unauthorised"}': 3,
            'restante_requests_total{packet="any",result="malformed"}': 0,
            "restante_credentials_rejected_total": 2,
        }
        self.assertEqual({metric: server.metric(metric) for metric in expected}, expected)
        # Who knows the password takes over; who has the resume token alone does not.
        late = self.connect(server)
        self.assert_refused(late, 2, v2.open_address(2, "ada", v2.RESUME_TOKEN, ada.opened.token), "unauthorised")
        self.assertEqual(late.open("ada", v2.CREDENTIAL, b"open sesame").flags, 1)
        self.assertEqual(ada.close_code(), 4001)
        # What cannot be read may hold a secret, too.
        self.assert_refused(late, 3, v2.open_address(3, "ada", 3, b"open sesame"), "malformed")
        self.assert_log_has_none_of(server, b"open sesame", b"wrong sesame", ada.opened.token, late.opened.token)

    def test_a_server_that_asks_for_nothing_logs_no_secret_either(self):
        server = self.start("--log-packets")
        ada = self.connect(server, "ada", proof=v2.CREDENTIAL, secret=b"open sesame")
        again = self.connect(server, "ada", proof=v2.RESUME_TOKEN, secret=ada.opened.token)
        old = open_client(server)
        self.addCleanup(old.__exit__)
        self.assertEqual(old.ask(b"\x00\x00\x07open sesame"), b"\x00\x03\x07")
        self.assert_log_has_none_of(server, b"open sesame", ada.opened.token, again.opened.token)

    def test_a_wrong_credential_holds_up_what_its_connection_asks_behind_it(self):
        server = self.start("--auth", f"passwords:{make_passwords(self.folder)}")
        bob = self.connect(server)
        bob.send_together(v2.open_address(2, "bob", v2.CREDENTIAL, b"wrong"), v2.push(3, "ada", b"x"),
                          v2.open_address(4, "bob", v2.CREDENTIAL, b"open sesame"), v2.push(5, "ada", b"x"))
        for tag, kind in ((2, "REFUSED"), (3, "REFUSED"), (4, "OPENED"), (5, "ACCEPTED")):
            self.assert_reply(bob.next(), kind, tag)
        server.wait_for_log("gave a wrong credential for bob")

    def test_tokens_open_addresses_in_both_protocols_and_say_which_rooms(self):
        private, public = self.make_keys()
        server = self.start("--auth", f"tokens:{public}", "--log-packets")

        def token(address, *more):
            made = run_cli("token", "make", "--key", private, "--address", address, "--lifetime", "600", *more)
            return made.strip().encode()

        tokens = {"ada": token("ada", "--room", "#team-*", "--create-rooms"),
                  "bob": token("bob", "--room", "#team-a"), "7": token("7")}
        ada = self.connect(server, "ada", proof=v2.CREDENTIAL, secret=tokens["ada"])
        bob = self.connect(server, "bob", proof=v2.CREDENTIAL, secret=tokens["bob"])
        self.connect_classic(server, 7, tokens["7"])
        eve = self.connect(server)
        for secret in (tokens["bob"], b"A" + tokens["ada"], tokens["ada"][:-4]):
            self.assert_refused(eve, 2, v2.open_address(2, "ada", v2.CREDENTIAL, secret), "unauthorised")
        self.assert_refused(bob, 2, v2.join(2, "#team-a"), "no_such_room")
        for room in ("#team-a", "#team-b"):
            self.assert_reply(ada.call(v2.join(2, room)), "JOINED", 2)
        self.assert_reply(bob.call(v2.join(2, "#team-a")), "JOINED", 2)
        self.assert_refused(bob, 3, v2.join(3, "#team-b"), "unauthorised")
        self.assert_refused(ada, 3, v2.join(3, "#other"), "no_such_room")
        self.assert_refused(ada, 4, v2.push(4, "carl", b"x"), "no_such_address")
        self.assert_accepted(ada, 5, "bob", b"x")
        self.assert_log_has_none_of(server, *tokens.values(), ada.opened.token, bob.opened.token)


if __name__ == "__main__":
    unittest.main()
