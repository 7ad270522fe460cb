"""restante-bench as people use it on a server of their own, and on one that lies."""

import base64
import hashlib
import json
import socket
import subprocess
import threading
import unittest

import v2
from support import SECONDS_MAX, Server, open_client, program


def run_bench(port, *options):
    """Exit code, standard output, standard error."""
    result = subprocess.run(
        [program("RESTANTE_BENCH"), "--url", f"ws://127.0.0.1:{port}", *options],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    return result.returncode, result.stdout, result.stderr


class SmallServer:
    """A server of the classic protocol with one mailbox for each id, for one connection, which can be told to lie.

    `lie` is given the number of a request, counted from 0, and the frames that would answer it, and gives what is sent
    instead; None ends the connection. `greeting` follows the answer to the handshake. `pongs` are the payloads of those
    that came.
    """

    # Lines of the answer to the handshake.
    agreed = ""

    def __init__(self, lie=None, status="101 Switching Protocols", accept=None, greeting=b""):
        self.greeting = greeting
        self.pongs = []
        self.lie = lie or (lambda _, frames: frames)
        self.status = status
        self.accept = accept
        self.mailboxes = [[] for _ in range(256)]
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.thread.join(SECONDS_MAX)

    def _serve(self):
        connection, _ = self.listener.accept()
        connection.settimeout(SECONDS_MAX)
        with connection:
            try:
                self._serve_connection(connection)
            except ConnectionError:
                pass

    def _serve_connection(self, connection):
        stream = connection.makefile("rb")
        key = b""
        while (line := stream.readline().strip()):
            if line.lower().startswith(b"sec-websocket-key:"):
                key = line.split(b":", 1)[1].strip()
        digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        accept = self.accept or base64.b64encode(digest).decode()
        connection.sendall(
            f"HTTP/1.1 {self.status}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n{self.agreed}\r\n".encode()
            + self.greeting
        )
        number = 0
        while (header := stream.read(2)):
            length = header[1] & 0x7F
            mask = stream.read(4)
            request = bytes(byte ^ mask[i % 4] for i, byte in enumerate(stream.read(length)))
            if header[0] == 0x8A:
                self.pongs.append(request)
                continue
            replies = self.answer(request)
            frames = self.lie(number, b"".join(bytes([0x82, len(reply)]) + reply for reply in replies))
            if frames is None:
                return
            connection.sendall(frames)
            number += 1

    def answer(self, request):
        if request[:2] == b"\x00\x00":
            return [bytes([0, 1, request[2]])]
        if request[:2] == b"\x02\x01":
            self.mailboxes[request[3]].append(request[2:3] + request[4:])
            return [bytes([1, 2, request[2]])]
        mailbox = self.mailboxes[request[2]]
        return [bytes([2, 0, request[2]]) + mailbox.pop(0) if mailbox else bytes([1, 1, request[2]])]


class SmallV2Server(SmallServer):
    """The same for restante.v2: one mailbox, whose owner alone pushes to it."""

    agreed = f"Sec-WebSocket-Protocol: {v2.PROTOCOL}\r\n"
    EPOCH = bytes(range(8))

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.address = ""
        self.undelivered = []
        self.next_offset = 0
        self.sequences = []
        self.acknowledged = []

    def answer(self, request):
        fields = v2.Fields(request[1:])
        tag = v2.number(fields.number())
        source = fields.name()
        if request[0] == 0x01:
            self.address = source
            # Nothing in it, the highest number is 40, a window of 256.
            limits = b"".join(map(v2.number, (0, 0, 40, 256, 65536, 1000, 1 << 20, 64)))
            return [b"\x81" + tag + b"\x00" + self.EPOCH + limits + bytes(16)]
        if request[0] == 0x02:
            self.sequences.append(fields.number())
            fields.number()
            self.undelivered.append((self.next_offset, fields.rest()))
            self.next_offset += 3
            return [b"\x82" + tag + b"\x00"]
        assert fields.epoch() == self.EPOCH
        if request[0] == 0x04:
            self.acknowledged.append(fields.number())
            return [b"\x86" + tag]
        messages, self.undelivered = self.undelivered[:1], self.undelivered[1:]
        sender = v2.name(self.address)
        return [b"\x83" + tag + b"\x00" + v2.number(offset) + v2.number(1 << 40) + sender + payload
                for offset, payload in messages] + [b"\x84" + tag + bytes([len(messages), len(self.undelivered)])]


class Lies(unittest.TestCase):
    # The first request associates, the second empties the mailbox: number 20 is a PUSH, 21 its GET.
    PUSH, GET = 20, 21

    def expect(self, sentence, lie=None, length=("--requests", "100"), kind=SmallServer, protocol="classic", **options):
        with kind(lie, **options) as server:
            code, said, error = run_bench(
                server.port, "--connections", "1", "--payload", "16", "--timeout", "1", "--protocol", protocol, *length
            )
        self.assertEqual(code, 1, said)
        self.assertEqual(said, "")
        self.assertRegex(error, r"\Arestante-bench: [^\n]*\n\Z")
        self.assertIn(sentence, error)

    @staticmethod
    def at(wanted, change):
        return lambda number, frames: change(frames) if number == wanted else frames

    def test_an_honest_server_is_believed(self):
        with SmallServer() as server:
            code, said, error = run_bench(
                server.port, "--connections", "1", "--requests", "100", "--payload", "16", "--json"
            )
        self.assertEqual((code, error), (0, ""))
        self.assertEqual(json.loads(said)["requests"], 100)

    def test_a_wrong_reply_to_a_push_is_told(self):
        self.expect(
            "a PUSH was not answered with POSITIVEACK: 01 03 00",
            self.at(self.PUSH, lambda frames: frames[:3] + b"\x03" + frames[4:]),
        )

    def test_an_acknowledgement_of_another_id_is_told(self):
        self.expect(
            "id 0: a PUSH was not answered with POSITIVEACK", self.at(self.PUSH, lambda frames: frames[:-1] + b"\x07")
        )

    def test_a_changed_byte_of_a_message_is_told(self):
        self.expect("a message came back changed", self.at(self.GET, lambda frames: frames[:-1] + b"y"))

    def test_a_message_that_comes_twice_is_told(self):
        kept = {}

        def lie(number, frames):
            kept[number] = frames
            return kept[self.GET] if number == self.GET + 2 else frames

        self.expect("in another order, or twice, or not at all", lie)

    def test_a_mailbox_that_lost_a_message_is_told(self):
        self.expect("a GET was not answered with GETRESPONSE", self.at(self.GET, lambda _: b"\x82\x03\x01\x01\x00"))

    def test_a_reply_too_many_is_told(self):
        self.expect("a packet came that nothing had asked for", self.at(self.PUSH, lambda frames: frames * 2))

    def test_a_frame_that_is_no_reply_is_told(self):
        self.expect("a frame that no reply can be", self.at(self.PUSH, lambda frames: b"\x81" + frames[1:]))
        self.expect("masked, or longer than any reply", self.at(self.PUSH, lambda frames: b"\x82\x83\0\0\0\0abc"))

    def test_pings_are_answered_between_replies(self):
        with SmallServer(self.at(self.PUSH, lambda frames: b"\x89\x02hi" + frames)) as server:
            code, _, error = run_bench(server.port, "--connections", "1", "--requests", "100")
        self.assertEqual((code, error), (0, ""))
        self.assertEqual(server.pongs, [b"hi"])

    def test_a_connection_that_ends_is_told_with_its_code_and_reason(self):
        self.expect("the server ended the connection", self.at(self.PUSH, lambda _: None))
        self.expect("closed the connection with 1013: later", self.at(self.PUSH, lambda _: b"\x88\x07\x03\xf5later"))

    def test_a_server_that_falls_silent_is_not_waited_for_for_ever(self):
        self.expect("the server did not answer for 1 s", self.at(0, lambda _: b""))
        self.expect("the server did not answer for 1 s", self.at(self.PUSH, lambda _: b""))

    def test_replies_that_are_due_at_the_end_are_waited_for(self):
        self.expect(
            "the server did not answer for 1 s",
            self.at(self.PUSH, lambda _: b""),
            length=("--seconds", "0.1", "--warm-up", "0"),
        )

    def test_a_refused_handshake_is_told(self):
        self.expect("403 Forbidden", status="403 Forbidden")
        self.expect("wrong Sec-WebSocket-Accept", accept="AAAAAAAAAAAAAAAAAAAAAAAAAAA=")

    def test_an_id_that_cannot_be_had_is_told(self):
        self.expect("id 0 could not be associated", self.at(0, lambda _: b"\x82\x03\x00\x03\x00"))


class LiesOfV2(Lies):
    # Opening the address, finding it empty, letting one message pass and finding it empty take six requests.
    PUSH, FETCH, ACK = 21, 22, 23

    def expect(self, sentence, lie=None, kind=SmallV2Server, **options):
        super().expect(sentence, lie, kind=kind, protocol="v2", **options)

    def test_an_honest_server_is_believed(self):
        with SmallV2Server() as server:
            code, said, error = run_bench(
                server.port, "--connections", "1", "--requests", "99", "--payload", "16", "--json", "--protocol", "v2"
            )
        self.assertEqual((code, error), (0, ""))
        report = json.loads(said)
        self.assertEqual((report["requests"], report["messages"]), (99, 33))
        # One was for trying out; numbers go on where the server says.
        self.assertEqual(server.sequences, list(range(41, 41 + 34)))
        self.assertEqual(server.acknowledged, [3 * message for message in range(34)])

    def test_what_is_not_acknowledged_yet_is_acknowledged_in_its_turn(self):
        with SmallV2Server() as server:
            code, _, error = run_bench(
                server.port, "--connections", "1", "--requests", "96", "--in-flight", "32", "--batch", "--protocol", "v2"
            )
        self.assertEqual((code, error), (0, ""))
        # Ten acknowledgements are among the first 32 requests, before any message came, eleven each among the others, and
        # 21 messages came before the last of these.
        wanted = [0] * 10 + [*range(1, 22), 21]
        self.assertEqual(server.acknowledged, [0] + [3 * message for message in wanted])

    def test_a_wrong_reply_to_a_push_is_told(self):
        self.expect(
            "address bench000: a PUSH was not answered with ACCEPTED: 86",
            self.at(self.PUSH, lambda frames: frames[:2] + b"\x86" + frames[3:]),
        )
        self.expect("not answered with ACCEPTED", self.at(self.PUSH, lambda frames: b"\x82\x04" + frames[2:] + b"\x00"))

    def test_an_acknowledgement_of_another_id_is_told(self):
        # In this protocol, of another tag.
        for number, what in ((self.PUSH, "ACCEPTED"), (self.FETCH, "MESSAGE or FETCHED"), (self.ACK, "ACKED")):
            with self.subTest(what):
                self.expect(
                    f"not answered with {what}",
                    self.at(number, lambda frames: frames[:3] + bytes([frames[3] + 1]) + frames[4:]),
                )

    def test_a_push_that_is_taken_for_an_earlier_one_is_told(self):
        self.expect("accepted before", self.at(self.PUSH, lambda frames: frames[:-1] + b"\x01"))

    def test_a_refusal_is_told(self):
        for number in (self.PUSH, self.FETCH, self.ACK):
            self.expect(
                "a request was refused: ff",
                self.at(number, lambda frames: b"\x82\x03\xff" + frames[3:4] + b"\x0e"),
            )

    @staticmethod
    def parted(frames):
        """MESSAGE and FETCHED."""
        return frames[:-6], frames[-6:]

    def test_a_changed_byte_of_a_message_is_told(self):
        def change(frames):
            message, fetched = self.parted(frames)
            return message[:-1] + b"y" + fetched

        self.expect("a message came back changed", self.at(self.FETCH, change))

    def test_a_message_of_another_sender_or_source_is_told(self):
        for name in (b"bench001", b"hence000", b"bench00x", b"bench256"):
            self.expect("another sender", self.at(self.FETCH, lambda frames, name=name: frames.replace(b"bench000", name)))
        self.expect(
            "cannot be in its mailbox",
            self.at(self.FETCH, lambda frames: b"\x82" + bytes([frames[1] + 2]) + frames[2:4] + b"\x02#x" + frames[5:]),
        )

    def test_a_message_that_comes_twice_is_told(self):
        self.expect(
            "more messages came than were asked for",
            self.at(self.FETCH, lambda frames: self.parted(frames)[0] * 2 + self.parted(frames)[1]),
        )
        kept = {}

        def lie(number, frames):
            kept[number] = frames
            # With the tag that is asked for now.
            old = kept.get(self.FETCH, b"")
            return old.replace(old[3:4], frames[3:4]) if number == self.FETCH + 3 else frames

        self.expect("an offset that was not above all before", lie)

    def test_a_mailbox_that_lost_a_message_is_told(self):
        def lose(frames):
            fetched = self.parted(frames)[1]
            return fetched[:-2] + b"\x00\x00"

        self.expect("did not bring the message", self.at(self.FETCH, lose))

    def test_fetched_with_a_wrong_count_is_told(self):
        self.expect(
            "FETCHED names another number", self.at(self.FETCH, lambda frames: frames[:-2] + b"\x02" + frames[-1:])
        )
        self.expect("FETCHED names another number", self.at(self.FETCH, lambda frames: self.parted(frames)[1]))

    def test_an_id_that_cannot_be_had_is_told(self):
        self.expect(
            "address bench000 could not be opened (does somebody else use it?): the reply was ff 01 06",
            self.at(0, lambda _: b"\x82\x03\xff\x01\x06"),
        )

    def test_a_server_of_the_classic_protocol_alone_is_told(self):
        self.expect("the server does not speak restante.v2", kind=SmallServer)


class Load(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server("--port", "0", "--log-level", "warn"))

    def bench(self, *options):
        code, said, error = run_bench(self.server.port, "--json", *options)
        self.assertEqual((code, error), (0, ""))
        return json.loads(said)

    def test_every_mix_is_answered_as_it_should_be(self):
        for mix in ("push", "ring", "hot", "fan-in", "echo", "get"):
            with self.subTest(mix):
                report = self.bench("--mix", mix, "--connections", "10", "--in-flight", "8", "--requests", "5000")
                self.assertEqual(report["requests"], 5000)
                # A mailbox holds a hundred; one that was emptied before stays empty without pushes.
                self.assertEqual(report["full"], 5000 - 10 * 100 if mix == "push" else report["full"])
                self.assertEqual(report["empty"], 5000 if mix == "get" else report["empty"])
                if mix == "hot":
                    self.assertGreater(report["full"], 3000)
                if mix == "echo":
                    self.assertEqual((report["full"], report["empty"]), (0, 0))

    def test_every_mix_of_v2_is_answered_as_it_should_be(self):
        # The second time, what the first one left is found.
        for mix in ("push", "ring", "hot", "fan-in", "echo", "get") * 2:
            with self.subTest(mix):
                report = self.bench(
                    "--protocol", "v2", "--mix", mix, "--connections", "4", "--in-flight", "64", "--requests", "6000"
                )
                self.assertEqual(report["requests"], 6000)
                # A sender may fill half of a mailbox that holds a thousand.
                self.assertEqual(report["full"], 6000 - 4 * 500 if mix == "push" else report["full"])
                self.assertEqual(report["empty"], 6000 if mix == "get" else report["empty"])
                if mix == "hot":
                    self.assertGreater(report["full"], 1000)
                if mix == "echo":
                    self.assertEqual((report["full"], report["empty"]), (0, 0))

    def test_both_protocols_count_the_messages_that_come(self):
        for protocol, requests in (("classic", 2), ("v2", 3)):
            report = self.bench("--protocol", protocol, "--connections", "5", "--requests", str(1500 * requests))
            self.assertEqual(report["protocol"], protocol)
            # Some connections may be ahead of others.
            self.assertAlmostEqual(report["messages"], 1500, delta=5)

    def test_a_fan_in_at_a_rate_is_kept_up_with_by_its_reader(self):
        for protocol in ("classic", "v2"):
            report = self.bench(
                "--protocol", protocol, "--mix", "fan-in", "--rate", "3000", "--seconds", "1", "--warm-up", "0.1"
            )
            self.assertGreater(report["requests"], 2500)
            self.assertEqual(report["full"], 0)

    def test_the_server_counts_the_requests_that_the_report_does(self):
        metric = 'restante_requests_total{packet="PUSH",result="stored"}'
        before = self.server.metric(metric)
        report = self.bench("--connections", "1", "--in-flight", "5", "--batch", "--requests", "2000")
        self.assertEqual(report["requests"], 2000)
        self.assertEqual(self.server.metric(metric) - before, 1000)

    def test_payloads_of_every_length_are_understood(self):
        for protocol in ("classic", "v2"):
            for payload in (0, 1, 8, 95, 96, 120, 121, 254):
                with self.subTest(protocol=protocol, payload=payload):
                    report = self.bench(
                        "--protocol", protocol, "--payload", str(payload), "--connections", "2", "--requests", "500"
                    )
                    self.assertEqual(report["requests"], 500)

    def test_a_rate_is_kept_and_latencies_are_in_order(self):
        report = self.bench("--rate", "1000", "--seconds", "1", "--warm-up", "0.1", "--connections", "5")
        self.assertGreater(report["requests"], 900)
        self.assertLess(report["requests"], 1100)
        latency = report["latency_us"]
        self.assertGreater(latency["p50"], 0)
        self.assertLess(latency["max"], SECONDS_MAX * 1e6)
        ordered = [latency[name] for name in ("p50", "p90", "p99", "p99.9", "max")]
        self.assertEqual(ordered, sorted(ordered))

    def test_a_rate_that_no_server_keeps_is_said_to_be_too_high(self):
        report = self.bench("--rate", "1000000000", "--seconds", "0.2", "--warm-up", "0", "--connections", "5")
        self.assertGreater(report["late"], 0)
        # Requests that had to wait for their turn have waited, which is what the latency says.
        self.assertGreater(report["latency_us"]["p50"], 1_000)

    def test_the_processor_time_of_the_server_is_measured(self):
        pid = str(self.server.process.pid)
        report = self.bench("--seconds", "0.5", "--warm-up", "0", "--server-pid", pid)
        self.assertGreater(report["server_us_per_request"], 0)
        self.assertGreater(report["server_processor"], 0)
        self.assertLess(report["server_processor"], 1.5)

    def test_the_table_is_for_people(self):
        code, said, _ = run_bench(self.server.port, "--requests", "1000")
        self.assertEqual(code, 0)
        for words in ("requests", "each reply checked", "latency, 99 %", "this program's"):
            self.assertIn(words, said)


class IdleConnections(unittest.TestCase):
    def test_answer_pings(self):
        with SmallServer(greeting=b"\x89\x02hi") as server:
            code, said, error = run_bench(
                server.port, "--connections", "0", "--idle", "1", "--seconds", "0.1", "--warm-up", "0"
            )
        self.assertEqual((code, error), (0, ""))
        self.assertIn("1 idle", said)
        self.assertEqual(server.pongs, [b"hi"])

    def test_that_end_are_told(self):
        with SmallServer(greeting=b"\x88\x02\x03\xe9") as server:
            code, _, error = run_bench(server.port, "--connections", "0", "--idle", "1")
        self.assertEqual(code, 1)
        self.assertIn("closed the connection with 1001", error)

    def test_more_than_the_server_takes_are_refused_with_a_count(self):
        with Server("--port", "0", "--max-connections", "12") as server:
            code, _, error = run_bench(server.port, "--connections", "2", "--idle", "20")
            self.assertEqual(code, 1)
            self.assertRegex(error, r"refused a connection: HTTP/1.1 503 .*\(after 12 connections\)")

    def test_a_thousand_stand_beside_the_load(self):
        with Server("--port", "0", "--max-connections", "2000") as server:
            code, said, error = run_bench(server.port, "--idle", "1000", "--requests", "2000", "--json")
            self.assertEqual((code, error), (0, ""))
            self.assertEqual(json.loads(said)["idle_connections"], 1000)


class Mistakes(unittest.TestCase):
    def test_an_id_in_use_is_named(self):
        with Server("--port", "0") as server, open_client(server) as client:
            client.ask(bytes([0, 0, 3]))
            code, _, error = run_bench(server.port, "--connections", "5")
            self.assertEqual(code, 1)
            self.assertIn("id 3 could not be associated", error)
            self.assertEqual(run_bench(server.port, "--connections", "5", "--first-id", "4", "--requests", "10")[0], 0)

    def test_an_address_in_use_is_named(self):
        with Server("--port", "0") as server, v2.V2Client(server) as client:
            client.open("bench003")
            code, _, error = run_bench(server.port, "--protocol", "v2", "--connections", "5")
            self.assertEqual(code, 1)
            self.assertIn("address bench003 could not be opened", error)

    def test_no_server_is_told(self):
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.close()
        code, _, error = run_bench(port)
        self.assertEqual(code, 1)
        self.assertRegex(error, rf"\Arestante-bench: cannot connect to 127.0.0.1:{port}: .*\n\Z")

    def test_a_wrong_option_is_named_with_exit_code_2(self):
        cases = {
            "--connections": ["--connections", "257"],
            "--first-id": ["--connections", "250", "--first-id", "10"],
            "--payload": ["--payload", "255"],
            "--mix": ["--mix", "everything"],
            "--protocol": ["--protocol", "v3"],
            "--in-flight": ["--protocol", "v2", "--in-flight", "257"],
            "fan-in": ["--mix", "fan-in", "--connections", "1"],
            "--rate": ["--rate", "100", "--batch"],
            "somebody has to": ["--connections", "0"],
            "--seconds": ["--seconds", "0"],
            "ws://": ["--url", "http://127.0.0.1"],
            "--nonsense": ["--nonsense"],
        }
        for words, options in cases.items():
            with self.subTest(words):
                result = subprocess.run(
                    [program("RESTANTE_BENCH"), *options],
                    capture_output=True,
                    text=True,
                    timeout=SECONDS_MAX,
                    check=False,
                )
                self.assertEqual(result.returncode, 2, result.stdout)
                self.assertIn(words, result.stderr)


if __name__ == "__main__":
    unittest.main()
