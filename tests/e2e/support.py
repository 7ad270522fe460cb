"""What the tests in Python share: the programs under test, and a client that can be as rude as a test needs."""

import base64
import json
import os
import re
import select
import signal
import socket
import struct
import subprocess
import threading
import unittest
import urllib.error
import urllib.request

# How long anything may take before that counts as never.
SECONDS_MAX = 30


def program(variable):
    """The program that a variable of the environment names."""
    path = os.environ.get(variable, "")
    if not os.path.exists(path):
        raise RuntimeError(f"set {variable} to the program that shall be tested")
    return path


class Server:
    """restante-server, run as a user runs it. Ends with the block that it is opened in."""

    def __init__(self, *arguments, variables=None, preexec=None):
        # Of what is said about Restante in the environment, only how the tests are to be run.
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("RESTANTE_") or name in ("RESTANTE_TRANSPORT", "RESTANTE_THREADS")}
        environment.update(variables or {})
        self.process = subprocess.Popen(
            [program("RESTANTE_SERVER"), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
            preexec_fn=preexec,
        )
        self.log_lines = []
        self.logged = threading.Condition()
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        self.port = 0
        for line in self.process.stdout:
            if match := re.search(r"Listening on https?://\S+:(\d+)", line):
                self.port = int(match[1])
                return
        self.process.wait(SECONDS_MAX)
        self.reader.join(SECONDS_MAX)
        raise RuntimeError("the server ended: " + self.log())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(SECONDS_MAX)
        self.reader.join(SECONDS_MAX)
        self.process.stdout.close()
        self.process.stderr.close()

    def _read_log(self):
        for line in self.process.stderr:
            with self.logged:
                self.log_lines.append(line)
                self.logged.notify_all()

    def log(self):
        with self.logged:
            return "".join(self.log_lines)

    def wait_for_log(self, text):
        """Waits until a line of the log has the text in it."""
        with self.logged:
            if not self.logged.wait_for(lambda: text in "".join(self.log_lines), SECONDS_MAX):
                raise AssertionError(f"the log has no {text!r}: {''.join(self.log_lines)}")

    def end(self, number=signal.SIGTERM):
        """Asks it to end, and gives its exit code."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS_MAX)

    def get(self, target, **headers):
        """A plain HTTP request: the status, the headers, the body."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{target}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_MAX) as response:
                return response.status, response.headers, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read().decode()

    def metric(self, name):
        """The value of a line of /metrics that begins with the name, labels included."""
        for line in self.get("/metrics")[2].splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"there is no metric {name}")

    def wait_for_metric(self, name, value):
        """Asks again until the metric has the value."""
        for _ in range(3000):
            if self.metric(name) == value:
                return
        raise AssertionError(f"{name} is {self.metric(name)}, not {value}")


class RawClient:
    """A WebSocket client made of bytes: it can send what no library would."""

    def __init__(self, port, receive_buffer=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.settimeout(SECONDS_MAX)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise
        self.port = port
        self.input = b""
        self.answer = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def shake_hands(self, lines=""):
        """Gives the status line of the answer, all of which is kept in `answer`."""
        key = base64.b64encode(bytes(range(16))).decode()
        self.socket.sendall(
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{lines}\r\n".encode()
        )
        while b"\r\n\r\n" not in self.input:
            more = self.socket.recv(4096)
            if not more:
                break
            self.input += more
        head, _, self.input = self.input.partition(b"\r\n\r\n")
        self.answer = head.decode()
        return self.answer.partition("\r\n")[0]

    @staticmethod
    def frame(payload, first=0x82, masked=True, mask=b"\x01\x02\x03\x04"):
        """A frame as RFC 6455, section 5.2, has it."""
        header = bytes([first])
        bit = 0x80 if masked else 0
        if len(payload) < 126:
            header += bytes([bit | len(payload)])
        elif len(payload) < 65536:
            header += bytes([bit | 126]) + struct.pack(">H", len(payload))
        else:
            header += bytes([bit | 127]) + struct.pack(">Q", len(payload))
        if not masked:
            return header + payload
        return header + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))

    def send(self, payload, first=0x82):
        self.socket.sendall(self.frame(payload, first))

    def _take(self, count):
        while len(self.input) < count:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError("the server ended the connection")
            self.input += more
        taken, self.input = self.input[:count], self.input[count:]
        return taken

    def receive_frame(self):
        """The first byte and the payload of the next frame; EOFError when the connection ends before."""
        first, length = self._take(2)
        if length == 126:
            (length,) = struct.unpack(">H", self._take(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self._take(8))
        return first, self._take(length)

    def receive(self):
        """The next message."""
        while True:
            first, payload = self.receive_frame()
            if first == 0x82:
                return payload
            if first == 0x88:
                raise EOFError(f"closed with {int.from_bytes(payload[:2], 'big')}")

    def close_code(self):
        """The code of the close frame that comes, whatever comes before it; 1006 when none does."""
        try:
            while True:
                first, payload = self.receive_frame()
                if first == 0x88:
                    return int.from_bytes(payload[:2], "big") if payload else 1005
        except (EOFError, ConnectionError):
            return 1006

    def ask(self, packet):
        self.send(packet)
        return self.receive()

    def is_readable(self):
        return bool(self.input) or bool(select.select([self.socket], [], [], 0)[0])


def open_client(server, **options):
    """A RawClient that has shaken hands."""
    client = RawClient(server.port, **options)
    status = client.shake_hands()
    if "101" not in status:
        raise AssertionError(status)
    return client


def run_cli(server, *arguments, text=None, variables=None, url=None, options=()):
    """restante with its arguments: exit code, standard output, standard error."""
    environment = {name: value for name, value in os.environ.items() if name != "RESTANTE_SERVER"}
    environment.update(variables or {})
    result = subprocess.run(
        [program("RESTANTE_CLI"), "--server", url or f"127.0.0.1:{server.port}", *options, *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        env=environment,
        check=False,
    )
    return result.returncode, result.stdout, result.stderr


class CliTestCase(unittest.TestCase):
    """A server for each test, and the command-line client for it."""

    def setUp(self):
        self.server = Server("--port", "0").__enter__()
        self.addCleanup(self.server.__exit__)

    def run_cli(self, *arguments, **options):
        return run_cli(self.server, *arguments, **options)

    def start_cli(self, *arguments):
        process = subprocess.Popen(
            [program("RESTANTE_CLI"), "--server", f"ws://127.0.0.1:{self.server.port}/", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

        def clean_up():
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=SECONDS_MAX)

        self.addCleanup(clean_up)
        return process


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]
