"""restante, the command-line client, by restante.v2, against the real server."""

import base64
import hashlib
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

from support import SECONDS_MAX, CliTestCase, Server, json_lines, program, run_cli


class ClassicServer:
    """A server that knows no subprotocol: accepts the id and each push, for as many connections as it is told."""

    def __init__(self, connections):
        self.connections = connections

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pushed = []
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.thread.join(SECONDS_MAX)

    def serve(self):
        for _ in range(self.connections):
            connection, _address = self.listener.accept()
            with connection:
                self.converse(connection)

    def converse(self, connection):
        stream = connection.makefile("rwb")
        key = b""
        while (line := stream.readline().strip()) != b"":
            name, _, value = line.partition(b": ")
            if name.lower() == b"sec-websocket-key":
                key = value
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        stream.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        stream.write(b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        stream.flush()
        while head := stream.read(2):
            mask = stream.read(4)
            payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(stream.read(head[1] & 0x7F)))
            if head[0] == 0x88:
                stream.write(bytes([0x88, len(payload)]) + payload)
                stream.flush()
                return
            if payload[:2] == b"\x02\x01":
                self.pushed.append(payload[5:])
            reply = b"\x00\x01" if payload[:2] == b"\x00\x00" else b"\x01\x02"
            stream.write(b"\x82\x03" + reply + payload[2:3])
            stream.flush()


class Mail(CliTestCase):
    def test_mail_goes_from_name_to_name_one_at_a_time_or_all(self):
        self.assertEqual(self.run_cli("push", "--name", "ada", "--to", "böb", "one", "two", "three"), (0, "", ""))
        self.assertEqual(self.run_cli("get", "--name", "böb"), (0, "ada: one\n", ""))
        self.assertEqual(self.run_cli("get", "--name", "böb", "--all"), (0, "ada: two\nada: three\n", ""))
        self.assertEqual(self.run_cli("get", "--name", "böb")[0], 5)
        self.assertEqual(self.run_cli("get", "--name", "böb", "--all")[0], 5)

    def test_both_protocols_share_the_mailboxes_of_ids(self):
        self.assertEqual(self.run_cli("push", "--id", "1", "--to", "7", "hello")[0], 0)
        self.assertEqual(self.run_cli("get", "--name", "7"), (0, "1: hello\n", ""))
        self.assertEqual(self.run_cli("push", "--name", "7", "--to", "1", "hello back")[0], 0)
        self.assertEqual(self.run_cli("get", "--id", "1"), (0, "7: hello back\n", ""))
        code, _, why = self.run_cli("push", "--name", "ada", "--to", "7", "a classic client could not be shown the sender")
        self.assertEqual(code, 1)
        self.assertIn("classic", why)

    def test_json_says_where_and_when(self):
        self.assertEqual(json_lines(self.run_cli("--json", "push", "--name", "ada", "--to", "bob", "hi")[1]),
                         [{"accepted": True, "from": "ada", "to": "bob", "sequence": 1}])
        (line,) = json_lines(self.run_cli("--json", "get", "--name", "bob")[1])
        self.assertGreater(line.pop("time_ms"), 1_600_000_000_000)
        self.assertIsInstance(line.pop("offset"), int)
        self.assertEqual(line, {"to": "bob", "from": "ada", "text": "hi", "bytes": "6869"})

    def test_following_waits_for_mail_and_comes_back_where_it_was(self):
        follower = self.start_cli("get", "--name", "bob", "--follow")
        for text in ("one", "two"):
            self.assertEqual(self.run_cli("push", "--name", "ada", "--to", "bob", text)[0], 0)
            self.assertEqual(follower.stdout.readline(), f"ada: {text}\n")
        follower.send_signal(signal.SIGINT)
        self.assertEqual(follower.wait(SECONDS_MAX), 0)
        self.assertEqual(self.run_cli("get", "--name", "bob")[0], 5)

    def test_a_room_has_members_and_all_of_them_get_what_is_said(self):
        self.assertEqual(self.run_cli("push", "--name", "ada", "--to", "#tea", "too early")[0], 1)
        self.assertEqual(self.run_cli("join", "--name", "bob", "#tea"), (0, "joined #tea\n", ""))
        follower = self.start_cli("get", "--name", "ada", "--room", "#tea", "--follow")
        self.server.wait_for_metric("restante_addresses_held", 1)
        self.assertEqual(self.run_cli("push", "--name", "bob", "--to", "#tea", "scones?")[0], 0)
        self.assertEqual(follower.stdout.readline(), "#tea bob: scones?\n")
        self.assertEqual(self.run_cli("members", "--name", "bob", "#tea"), (0, "ada is there\nbob is there\n", ""))
        follower.send_signal(signal.SIGINT)
        self.assertEqual(follower.wait(SECONDS_MAX), 0)
        self.assertEqual(self.run_cli("leave", "--name", "ada", "#tea"), (0, "left #tea\n", ""))
        self.assertEqual(self.run_cli("members", "--name", "bob", "#tea"), (0, "bob is there\n", ""))
        self.assertEqual(self.run_cli("get", "--name", "bob", "--room", "#tea"), (0, "#tea bob: scones?\n", ""))
        code, _, why = self.run_cli("members", "--name", "ada", "#tea")
        self.assertEqual(code, 1)
        self.assertIn("not a member", why)

    def test_receipts_tell_what_became_of_a_message(self):
        pusher = self.start_cli("push", "--name", "ada", "--to", "bob", "--receipt", "hello")
        self.assertEqual(pusher.stdout.readline(), "1: waiting\n")
        self.assertEqual(self.run_cli("get", "--name", "bob")[1], "ada: hello\n")
        seen = pusher.stdout.read().splitlines()
        self.assertIn(seen, (["1: acknowledged"], ["1: fetched", "1: acknowledged"]))
        self.assertEqual(pusher.wait(SECONDS_MAX), 0)

    def test_a_message_expires(self):
        code, said, _ = self.run_cli("push", "--name", "ada", "--to", "bob", "--ttl", "1", "--receipt", "hello")
        self.assertEqual((code, said), (0, "1: waiting\n1: expired\n"))
        self.assertEqual(self.run_cli("get", "--name", "bob")[0], 5)

    def test_two_people_chat_in_a_room(self):
        ada = self.start_cli("chat", "--name", "ada", "--to", "#tea")
        self.assertIn("You are ada", ada.stderr.readline())
        bob = self.start_cli("chat", "--name", "bob", "--to", "#tea")
        self.assertIn("You are bob", bob.stderr.readline())
        ada.stdin.write("hello room\n")
        ada.stdin.flush()
        self.assertEqual(bob.stdout.readline(), "#tea ada: hello room\n")
        bob.stdin.write("/to ada\npsst\n")
        bob.stdin.flush()
        self.assertEqual(ada.stdout.readline(), "bob: psst\n")
        for process in (ada, bob):
            process.stdin.close()
            self.assertEqual(process.wait(SECONDS_MAX), 0)
            process.stdin = None

    def test_exit_codes_say_what_was_wrong(self):
        holder = self.start_cli("associate", "--name", "bob", "--hold")
        self.assertEqual(holder.stdout.readline(), "opened bob\n")
        code, _, why = self.run_cli("get", "--name", "bob")
        self.assertEqual(code, 4)
        self.assertIn("somebody else", why)
        holder.send_signal(signal.SIGTERM)
        self.assertEqual(holder.wait(SECONDS_MAX), 0)
        wrong = (
            ["get", "--name", "#tea"],
            ["get", "--name", "1234"],
            ["get", "--name", "ada", "--id", "1"],
            ["join", "--name", "ada", "tea"],
            ["push", "--id", "1", "--to", "bob", "x"],
        )
        for arguments in wrong:
            self.assertEqual(self.run_cli(*arguments)[0], 2, arguments)

    def test_a_full_mailbox_refuses(self):
        with Server("--port", "0", "--capacity", "2") as server:
            code, _, why = run_cli(server, "push", "--name", "1", "--to", "2", "a", "b", "c")
            self.assertEqual(code, 3, why)
            self.assertIn("cannot push message 3 of 3 to 2", why)

    def test_a_server_without_restante_v2_is_spoken_to_by_the_classic_protocol(self):
        # One that offers restante.v2, and one that then speaks the classic protocol.
        with ClassicServer(2) as server:
            code, said, why = run_cli(server, "push", "--name", "7", "--to", "2", "hello")
            self.assertEqual((code, said), (0, ""), why)
            self.assertIn("classic protocol", why)
            self.assertEqual(server.pushed, [b"hello"])

    def test_names_need_restante_v2(self):
        with ClassicServer(1) as server:
            code, _, why = run_cli(server, "push", "--name", "ada", "--to", "2", "hello")
            self.assertEqual(code, 1)
            self.assertIn("does not speak restante.v2", why)


class Credentials(unittest.TestCase):
    def test_a_password_opens_an_address(self):
        with tempfile.TemporaryDirectory() as folder:
            file = f"{folder}/passwords"
            command = [program("RESTANTE_CLI"), "passwd", file, "set", "ada"]
            subprocess.run(command, input="sesame\n", text=True, check=True, timeout=SECONDS_MAX, capture_output=True)
            with Server("--port", "0", "--auth", f"passwords:{file}", "--behind-tls-proxy") as server:
                opened = run_cli(server, "associate", "--name", "ada", "--password", text="sesame\n")
                self.assertEqual(opened[:2], (0, "opened ada\n"), opened)
                by_variable = run_cli(server, "associate", "--name", "ada", variables={"RESTANTE_PASSWORD": "sesame"})
                self.assertEqual(by_variable[:2], (0, "opened ada\n"), by_variable)
                code, _, why = run_cli(server, "associate", "--name", "ada", "--password", text="guess\n")
                self.assertEqual(code, 1)
                self.assertIn("credential", why)
                token = f"{folder}/token"
                with open(token, "w", encoding="utf-8") as written:
                    written.write("sesame\n")
                by_file = run_cli(server, "associate", "--name", "ada", "--auth-token", token)
                self.assertEqual(by_file[:2], (0, "opened ada\n"), by_file)


if __name__ == "__main__":
    unittest.main()
