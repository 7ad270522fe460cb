"""Clients that mean harm, or are broken: the server stays as it is, and serves the others."""

import os
import resource
import socket
import struct
import unittest

from support import RawClient, Server, open_client

ASSOCIATE = b"\x00\x00"
GET = b"\x01\x00"
PUSH = b"\x02\x01"


class Hostile(unittest.TestCase):
    def start(self, *arguments, **options):
        server = Server("--port", "0", *arguments, **options)
        self.addCleanup(server.__exit__)
        return server

    def connect(self, server, **options):
        client = open_client(server, **options)
        self.addCleanup(client.__exit__)
        return client

    def assert_serves(self, server, identity=200):
        """Somebody else is served as if nothing had happened."""
        with open_client(server) as friend:
            name = bytes([identity])
            self.assertEqual(friend.ask(ASSOCIATE + name), b"\x00\x01" + name)
            self.assertEqual(friend.ask(PUSH + name + name + b"\x02hi"), b"\x01\x02" + name)
            self.assertEqual(friend.ask(GET + name), b"\x02\x00" + name + name + b"\x02hi")

    def test_a_slow_reader_is_paused_and_closed_and_nobody_else_notices(self):
        server = self.start("--max-waiting-bytes", "4096", "--stuck-after", "1")
        slow = self.connect(server, receive_buffer=4096)
        slow.ask(ASSOCIATE + b"\x01")
        friend = self.connect(server)
        friend.ask(ASSOCIATE + b"\x02")
        payload = b"x" * 254
        # The slow one asks and asks, and reads nothing: what it is owed would grow without an end.
        slow.socket.setblocking(False)
        request = RawClient.frame(PUSH + b"\x01\x01\xfe" + payload) + RawClient.frame(GET + b"\x01")
        sent = 0
        try:
            while sent < 64 * 1024 * 1024:
                sent += slow.socket.send(request * 64)
        except BlockingIOError:
            pass
        self.assertLess(sent, 64 * 1024 * 1024, "the server read all of it")
        for _ in range(100):
            self.assertEqual(friend.ask(GET + b"\x02"), b"\x01\x01\x02")
        server.wait_for_log("replies were not read in time")
        server.wait_for_metric("restante_connections_stuck_total", 1)
        self.assert_serves(server)

    def test_a_thousand_connections_are_served(self):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        if limit[0] < 2500:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, limit[1]), limit[1]))
            self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limit)
        server = self.start("--max-connections", "1000", "--log-level", "warn")
        clients = [self.connect(server) for _ in range(1000)]
        with RawClient(server.port) as one_too_many:
            self.assertIn("503", one_too_many.shake_hands())
        server.wait_for_log("--max-connections")
        # Each id has many who want it, of whom one gets it, but who that is may be decided by threads of the server.
        for number, client in enumerate(clients):
            client.send(ASSOCIATE + bytes([number % 256]))
        holders = {number % 256: client for number, client in enumerate(clients) if client.receive()[1] == 1}
        self.assertEqual(len(holders), 256)
        for number, client in holders.items():
            client.send(PUSH + bytes([number, 255 - number, 1, 65]))
        for number, client in holders.items():
            self.assertEqual(client.receive(), b"\x01\x02" + bytes([number]))
        for number, client in holders.items():
            self.assertEqual(client.ask(GET + bytes([number])), b"\x02\x00" + bytes([number, 255 - number, 1, 65]))
        for client in clients:
            client.socket.close()
        server.wait_for_metric("restante_connections", 0)
        self.assert_serves(server)

    def test_garbage_instead_of_a_handshake_is_answered_and_forgotten(self):
        server = self.start("--log-level", "off")
        for garbage in (b"\x00" * 100, os.urandom(1000), b"GET " + b"a" * 20_000, b"\x16\x03\x01\x02\x00\x01",
                        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 2000 + b"\r\n",
                        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n",
                        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n"):
            with self.subTest(garbage=garbage[:40]), RawClient(server.port) as client:
                try:
                    client.socket.sendall(garbage)
                    client.socket.shutdown(socket.SHUT_WR)
                    answer = b""
                    while more := client.socket.recv(65536):
                        answer += more
                    self.assertTrue(not answer or answer.startswith(b"HTTP/1.1 "), answer[:100])
                except ConnectionError:
                    pass
        self.assertEqual(server.metric("restante_connections"), 0)
        self.assert_serves(server)

    def test_silent_connections_do_not_keep_others_out(self):
        server = self.start("--log-level", "off")
        silent = [RawClient(server.port) for _ in range(400)]
        for client in silent:
            self.addCleanup(client.__exit__)
        halves = [RawClient(server.port) for _ in range(100)]
        for client in halves:
            self.addCleanup(client.__exit__)
            client.socket.sendall(b"GET / HTTP/1.1\r\nHost: local")
        self.assert_serves(server)

    def test_a_lack_of_file_descriptors_passes(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))

        server = self.start(preexec=few)
        friend = self.connect(server)
        friend.ask(ASSOCIATE + b"\x01")
        crowd = []
        for _ in range(100):
            client = RawClient(server.port)
            self.addCleanup(client.__exit__)
            client.socket.sendall(b"GET / HTTP/1.1\r\n")
            crowd.append(client)
        server.wait_for_log("Cannot accept connections for now")
        self.assertEqual(friend.ask(GET + b"\x01"), b"\x01\x01\x01")
        for client in crowd:
            client.socket.close()
        self.assert_serves(server)

    def test_a_peer_that_is_gone_without_a_word_is_noticed(self):
        server = self.start("--ping-interval", "1")
        gone = self.connect(server)
        gone.ask(ASSOCIATE + b"\x01")
        # It gets the ping and does not answer; somebody who answers stays.
        self.assertEqual(gone.receive_frame()[0], 0x89)
        polite = self.connect(server)
        polite.ask(ASSOCIATE + b"\x02")
        first, payload = polite.receive_frame()
        self.assertEqual(first, 0x89)
        polite.send(payload, first=0x8A)
        self.assertEqual(polite.ask(GET + b"\x02"), b"\x01\x01\x02")

    def test_connections_that_break_in_the_middle_leave_nothing_behind(self):
        server = self.start("--log-level", "off")
        for number in range(200):
            client = RawClient(server.port)
            client.shake_hands()
            client.send(ASSOCIATE + bytes([number]))
            frame = RawClient.frame(PUSH + bytes([number, 255, 100]) + b"y" * 100)
            client.socket.sendall(frame[: number % len(frame)])
            # Gone with a reset, whatever is unread.
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.socket.close()
        server.wait_for_metric("restante_connections", 0)
        self.assertEqual(server.metric("restante_addresses_held"), 0)
        self.assertEqual(server.metric("restante_messages_stored_total"), 0)
        self.assert_serves(server)

    def test_a_flood_of_pings_is_answered_within_bounds(self):
        server = self.start()
        flooder = self.connect(server)
        flooder.socket.sendall(RawClient.frame(b"p" * 125, first=0x89) * 20_000)
        flooder.send(ASSOCIATE + b"\x01")
        self.assertEqual(flooder.receive(), b"\x00\x01\x01")
        self.assert_serves(server)


class Rfc6455(unittest.TestCase):
    """What a server must do with frames, as a table of our own: what is sent, and the code that it closes with, or the
    reply to GET 7 where it does not close."""

    EMPTY = b"\x01\x01\x07"
    GET_7 = b"\x01\x00\x07"

    def rows(self):
        frame = RawClient.frame
        get = self.GET_7
        yield "a message of one frame", frame(get), self.EMPTY
        yield "a message of three fragments", frame(get[:1], 0x02) + frame(get[1:2], 0x00) + frame(get[2:], 0x80), self.EMPTY
        yield "fragments without bytes", frame(b"", 0x02) + frame(get, 0x00) + frame(b"", 0x80), self.EMPTY
        yield "a ping between fragments", frame(get[:1], 0x02) + frame(b"ping", 0x89) + frame(get[1:], 0x80), self.EMPTY
        yield "a pong that nobody asked for", frame(b"x", 0x8A) + frame(get), self.EMPTY
        yield "other mask keys", frame(get, mask=b"\x00\x00\x00\x00") + b"", self.EMPTY
        yield "a length in more bytes than needed", b"\x82\xfe\x00\x03\x00\x00\x00\x00" + get, 1002
        yield "a frame without a mask", frame(get, masked=False), 1002
        yield "a reserved opcode", frame(get, 0x83), 1002
        yield "a reserved control opcode", frame(b"", 0x8B), 1002
        yield "a reserved bit", frame(get, 0xC2), 1002
        yield "a continuation of nothing", frame(get, 0x80), 1002
        yield "a new message in the middle of another", frame(get[:1], 0x02) + frame(get, 0x82), 1002
        yield "a control frame that is fragmented", frame(b"x", 0x09), 1002
        yield "a control frame that is too long", frame(b"x" * 126, 0x89), 1002
        yield "a text message", frame(b"text", 0x81), 1003
        yield "a text message that is no UTF-8", frame(b"\xff\xfe", 0x81), 1007
        yield "a message of 64 KiB", frame(b"\x09" * 65536), b"\x00\x03\x09"
        yield "a message of more", frame(b"\x09" * 65537), 1009
        yield "fragments of more together", frame(b"\x09" * 40000, 0x02) + frame(b"\x09" * 40000, 0x80), 1009
        yield "a length of nearly 2^63", b"\x82\xff" + struct.pack(">Q", 2**63 - 1) + b"\x01\x02\x03\x04", 1009
        yield "a close", frame(struct.pack(">H", 1000) + b"bye", 0x88), 1000
        yield "a close without a code", frame(b"", 0x88), 1005
        yield "a close with a code of one's own", frame(struct.pack(">H", 4321), 0x88), 4321
        yield "a close with half a code", frame(b"\x03", 0x88), 1002
        yield "a close with a code that must not be sent", frame(struct.pack(">H", 1005), 0x88), 1002
        yield "a close with a code that nobody defined", frame(struct.pack(">H", 999), 0x88), 1002
        yield "a close whose reason is no UTF-8", frame(struct.pack(">H", 1000) + b"\xff", 0x88), 1007

    def test_the_table(self):
        with Server("--port", "0", "--log-level", "off") as server:
            for name, sent, expected in self.rows():
                with self.subTest(name), open_client(server) as client:
                    self.assertEqual(client.ask(ASSOCIATE + b"\x07"), b"\x00\x01\x07")
                    client.socket.sendall(sent)
                    if isinstance(expected, bytes):
                        self.assertEqual(client.receive(), expected)
                        client.send(struct.pack(">H", 1000), first=0x88)
                        self.assertEqual(client.close_code(), 1000)
                    else:
                        self.assertEqual(client.close_code(), expected)
                server.wait_for_metric("restante_addresses_held", 0)

    def test_replies_leave_before_the_answer_to_a_close_in_the_same_read(self):
        with Server("--port", "0") as server, open_client(server) as client:
            client.socket.sendall(
                RawClient.frame(ASSOCIATE + b"\x07")
                + RawClient.frame(PUSH + b"\x07\x07\x01z")
                + RawClient.frame(self.GET_7)
                + RawClient.frame(struct.pack(">H", 1000), 0x88)
            )
            self.assertEqual(client.receive(), b"\x00\x01\x07")
            self.assertEqual(client.receive(), b"\x01\x02\x07")
            self.assertEqual(client.receive(), b"\x02\x00\x07\x07\x01z")
            self.assertEqual(client.close_code(), 1000)

    def test_a_ping_is_answered_with_what_it_brought(self):
        with Server("--port", "0") as server, open_client(server) as client:
            client.send(b"are you there", first=0x89)
            self.assertEqual(client.receive_frame(), (0x8A, b"are you there"))


if __name__ == "__main__":
    unittest.main()
