"""restante-server as an operator meets it: options, HTTP, the log, the end."""

import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest

from support import SECONDS_MAX, RawClient, Server, open_client, program, run_cli


def refused(*arguments, variables=None):
    """The exit code and what was said, of a server that does not start."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RESTANTE_")}
    environment.update(variables or {})
    result = subprocess.run(
        [program("RESTANTE_SERVER"), *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        env=environment,
        check=False,
    )
    return result.returncode, result.stdout, result.stderr


class Options(unittest.TestCase):
    def test_help_and_version_are_answered(self):
        code, said, _ = refused("--help")
        self.assertEqual(code, 0)
        for option in ("--host", "--port", "--web", "--allow-origin", "--allow-host", "--tls-cert", "--transport",
                       "--capacity", "--auth", "--behind-tls-proxy",
                       "--log-level", "--log-packets", "--config", "RESTANTE_PORT"):
            self.assertIn(option, said)
        code, said, _ = refused("--version")
        self.assertEqual(code, 0)
        self.assertRegex(said, r"^restante-server \d+\.\d+\.\d+\n$")

    def test_a_mistake_gets_one_clear_line_and_exit_code_2(self):
        with tempfile.TemporaryDirectory() as folder:
            wrong = pathlib.Path(folder) / "wrong.toml"
            cases = [
                (["--port", "70000"], None, "--port"),
                (["--nonsense"], None, "--nonsense"),
                (["--web", "/nowhere"], None, "/nowhere"),
                (["--config", "/nowhere"], None, "/nowhere"),
                (["--capacity", "0"], None, "--capacity"),
                (["--transport", "pigeon"], None, "--transport"),
                (["--max-payload-bytes", "1048577"], None, "--max-payload-bytes"),
                (["--max-mailbox-bytes", "65535"], None, "max-payload-bytes"),
                (["--max-sender-bytes", "65535"], None, "max-sender-bytes"),
                (["--max-room-bytes", "65535"], None, "max-room-bytes"),
                (["--tls-cert", "/dev/null"], None, "--tls-key"),
                (["--config", str(wrong)], "prot = 1\n", "wrong.toml:1:"),
                (["--config", str(wrong)], "\nport = 'many'\n", "wrong.toml:2:"),
                (["--config", str(wrong)], "port = \n", "wrong.toml:1:"),
                (["--host", "no such host", "--auth", "none"], None, "no such host"),
            ]
            for arguments, content, expected in cases:
                with self.subTest(arguments=arguments, content=content):
                    if content is not None:
                        wrong.write_text(content, encoding="utf-8")
                    code, _, said = refused(*arguments)
                    self.assertEqual(code, 2)
                    self.assertIn(expected, said)
                    self.assertEqual(said.count("\n"), 1, said)

    def test_limits_have_bounds_within_which_the_server_starts(self):
        names = re.findall(r"^  (--[a-z-]+) .*INT in \[(\d+) - (\d+)\]", refused("--help")[1], re.MULTILINE)
        limits = {name: (int(least), int(most)) for name, least, most in names
                  if name.startswith("--max-") or name == "--unopened-time-to-live"}
        self.assertGreaterEqual(len(limits), 19, limits)
        for name, (least, most) in limits.items():
            code, _, said = refused(name, str(most + 1))
            self.assertEqual((code, name in said), (2, True), said)
            self.assertEqual(refused(name, str(least - 1))[0], 2, name)
        # All at their bounds: those of connections and waiting bytes would ask for more than a test may have.
        limits = {name: bounds for name, bounds in limits.items()
                  if name not in ("--max-connections", "--max-waiting-bytes")}
        for bound in (0, 1):
            arguments = [text for name, bounds in limits.items() for text in (name, str(bounds[bound]))]
            with Server("--port", "0", *arguments) as server:
                self.assertEqual(server.get("/healthz")[0], 200)

    def test_a_port_that_is_taken_is_named(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = str(other.getsockname()[1])
            code, _, said = refused("--port", port)
            self.assertEqual(code, 2)
            self.assertIn(f"port {port}", said)
            self.assertEqual(said.count("\n"), 1, said)

    def test_the_command_line_wins_over_variables_and_they_over_the_file(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "server.toml"
            file.write_text('port = 0\ncapacity = 1\nallow-origin = ["null", "http://a.example"]\n', encoding="utf-8")

            def capacity_of(server):
                with open_client(server) as client:
                    client.ask(b"\x00\x00\x07")
                    pushed = 0
                    while client.ask(b"\x02\x01\x07\x08\x00") == b"\x01\x02\x07":
                        pushed += 1
                    return pushed

            with Server("--config", str(file)) as server:
                self.assertEqual(capacity_of(server), 1)
                with RawClient(server.port) as page:
                    self.assertIn("101", page.shake_hands("Origin: http://a.example\r\n"))
            with Server(variables={"RESTANTE_CONFIG": str(file), "RESTANTE_CAPACITY": "2"}) as server:
                self.assertEqual(capacity_of(server), 2)
            with Server("--config", str(file), "--capacity", "3", variables={"RESTANTE_CAPACITY": "2"}) as server:
                self.assertEqual(capacity_of(server), 3)


class Http(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--port", "0").__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def test_the_page_is_built_in_with_a_strict_policy(self):
        status, headers, body = self.server.get("/")
        self.assertEqual(status, 200)
        self.assertEqual(headers["Content-Type"], "text/html; charset=utf-8")
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertNotIn("unsafe", headers["Content-Security-Policy"])
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        web = pathlib.Path(__file__).resolve().parents[2] / "web"
        self.assertEqual(body, (web / "index.html").read_text(encoding="utf-8"))
        types = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
        for file in web.iterdir():
            if file.suffix in types:
                with self.subTest(file=file.name):
                    status, headers, body = self.server.get("/" + file.name)
                    self.assertEqual(status, 200)
                    self.assertTrue(headers["Content-Type"].startswith(types[file.suffix]))
                    self.assertEqual(body, file.read_text(encoding="utf-8"))

    def test_nothing_else_is_given_out(self):
        for target in ("/nothing.html", "/../CMakeLists.txt", "/%2e%2e/CMakeLists.txt", "/web/", "//etc/passwd",
                       "/.git", "/index.html/", "/a/b.js", "/index", "/\\index.html"):
            with self.subTest(target=target):
                self.assertEqual(self.server.get(target)[0], 404)

    def test_a_folder_can_take_the_place_of_the_page(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "index.html").write_text("mine", encoding="utf-8")
            (pathlib.Path(folder) / "secret.txt").write_text("secret", encoding="utf-8")
            (pathlib.Path(folder) / "outside.html").symlink_to("/etc/passwd")
            with Server("--port", "0", "--web", folder) as server:
                self.assertEqual(server.get("/")[2], "mine")
                for target in ("/secret.txt", "/outside.html", "/style.css"):
                    self.assertEqual(server.get(target)[0], 404, target)

    def test_other_methods_are_refused(self):
        with RawClient(self.server.port) as client:
            client.socket.sendall(b"DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertTrue(client.socket.recv(4096).startswith(b"HTTP/1.1 405 "))

    def test_it_says_that_it_is_well(self):
        self.assertEqual(self.server.get("/healthz")[::2], (200, "ok\n"))

    def test_the_metrics_count_what_happens(self):
        with Server("--port", "0") as server:
            with open_client(server) as client:
                client.ask(b"\x00\x00\x01")
                client.ask(b"\x00\x00\x01")
                client.ask(b"\x02\x01\x01\x02\x05hello")
                client.ask(b"\x02\x01\x01\x02\x03abc")
                client.ask(b"\x01\x00\x01")
                client.ask(b"\x09")
                expected = {
                    "restante_connections": 1,
                    "restante_addresses_held": 1,
                    'restante_requests_total{packet="ASSOCIATE",result="associated"}': 1,
                    'restante_requests_total{packet="ASSOCIATE",result="taken"}': 1,
                    'restante_requests_total{packet="PUSH",result="stored"}': 2,
                    'restante_requests_total{packet="GET",result="empty"}': 1,
                    'restante_requests_total{packet="any",result="malformed"}': 1,
                    "restante_mailboxes_in_use": 1,
                    "restante_messages_held": 2,
                    "restante_payload_bytes_held": 8,
                    "restante_messages_stored_total": 2,
                    "restante_messages_taken_total": 0,
                    "restante_packets_received_total": 6,
                    "restante_packets_sent_total": 6,
                    "restante_request_duration_seconds_count": 6,
                    'restante_request_duration_seconds_bucket{le="+Inf"}': 6,
                }
                for name, value in expected.items():
                    self.assertEqual(server.metric(name), value, name)
            server.wait_for_metric("restante_connections", 0)
            self.assertEqual(server.metric("restante_addresses_held"), 0)


class Guests(unittest.TestCase):
    def test_foreign_pages_are_refused_and_the_log_names_the_option(self):
        with Server("--port", "0") as server:
            for origin in ("http://evil.example", "null"):
                with RawClient(server.port) as page:
                    self.assertIn("403", page.shake_hands(f"Origin: {origin}\r\n"))
                server.wait_for_log(f'"{origin}"')
            server.wait_for_log("--allow-origin")
            with RawClient(server.port) as page:
                self.assertIn("101", page.shake_hands(f"Origin: http://127.0.0.1:{server.port}\r\n"))
        with Server("--port", "0", "--allow-origin", "null", "--allow-origin", "https://a.example") as server:
            for origin in ("null", "https://a.example"):
                with RawClient(server.port) as page:
                    self.assertIn("101", page.shake_hands(f"Origin: {origin}\r\n"))

    def test_hosts_that_are_not_known_are_refused_and_the_log_names_the_option(self):
        with Server("--port", "0") as server:
            self.assertEqual(server.get("/", Host="rebound.example")[0], 403)
            server.wait_for_log("--allow-host")
            self.assertEqual(server.get("/", Host="localhost:1")[0], 200)
        with Server("--port", "0", "--allow-host", "mail.example") as server:
            self.assertEqual(server.get("/", Host="mail.example")[0], 200)
            self.assertEqual(server.get("/metrics", Host="rebound.example")[0], 403)

    def test_listening_beyond_this_machine_is_warned_about(self):
        with Server("--port", "0", "--host", "0.0.0.0", "--auth", "none") as server:
            server.wait_for_log("without authentication")
        with Server("--port", "0") as server:
            server.get("/healthz")
            self.assertNotIn("no authentication", server.log())


class Tls(unittest.TestCase):
    def make_certificate(self, folder, name):
        """A certificate of its own for localhost; its key is made now and thrown away with the folder."""
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"],
            check=True, capture_output=True, timeout=SECONDS_MAX,
        )

    @staticmethod
    def name_of_certificate(port, ca):
        context = ssl.create_default_context(cafile=ca)
        with socket.create_connection(("127.0.0.1", port), SECONDS_MAX) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as secured:
                secured.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answer = b""
                while more := secured.recv(4096):
                    answer += more
                assert answer.startswith(b"HTTP/1.1 200 "), answer
                return dict(entry[0] for entry in secured.getpeercert()["subject"])["commonName"]

    def test_it_speaks_tls_and_reads_a_new_certificate_when_told(self):
        with tempfile.TemporaryDirectory() as folder:
            self.make_certificate(folder, "first")
            files = ["--tls-cert", f"{folder}/cert.pem", "--tls-key", f"{folder}/key.pem"]
            with Server("--port", "0", *files) as server:
                self.assertEqual(self.name_of_certificate(server.port, f"{folder}/cert.pem"), "first")
                code, said, _ = run_cli(server, "associate", "--id", "4", url=f"wss://localhost:{server.port}",
                                        options=["--ca", f"{folder}/cert.pem"])
                self.assertEqual((code, said), (0, "associated 4\n"))
                self.assertEqual(run_cli(server, "associate", "--id", "4", url=f"wss://localhost:{server.port}")[0], 1)
                self.make_certificate(folder, "second")
                server.process.send_signal(signal.SIGHUP)
                server.wait_for_log("read again")
                self.assertEqual(self.name_of_certificate(server.port, f"{folder}/cert.pem"), "second")
                good = pathlib.Path(f"{folder}/cert.pem").read_bytes()
                pathlib.Path(f"{folder}/cert.pem").write_text("nonsense", encoding="utf-8")
                server.process.send_signal(signal.SIGHUP)
                server.wait_for_log("stays as it was")
                pathlib.Path(f"{folder}/cert.pem").write_bytes(good)
                self.assertEqual(self.name_of_certificate(server.port, f"{folder}/cert.pem"), "second")
                self.assertNotIn("PRIVATE", server.log())

    def test_files_that_cannot_be_used_stop_the_start_with_a_clear_line(self):
        with tempfile.TemporaryDirectory() as folder:
            self.make_certificate(folder, "first")
            nonsense = pathlib.Path(folder) / "nonsense.pem"
            nonsense.write_text("nonsense", encoding="utf-8")
            for certificate, key in ((nonsense, f"{folder}/key.pem"), (f"{folder}/cert.pem", nonsense)):
                code, _, said = refused("--port", "0", "--tls-cert", str(certificate), "--tls-key", str(key))
                self.assertEqual(code, 2)
                self.assertIn("nonsense.pem", said)
                self.assertEqual(said.count("\n"), 1, said)


class LogAndEnd(unittest.TestCase):
    def test_the_first_line_of_the_log_says_which_library_speaks(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "server.toml"
            file.write_text("transport = 'beast'\n", encoding="utf-8")
            cases = [
                ([], {"RESTANTE_TRANSPORT": ""}, "websocketpp"),
                (["--transport", "beast"], {}, "beast"),
                (["--config", str(file)], {"RESTANTE_TRANSPORT": ""}, "beast"),
                ([], {"RESTANTE_TRANSPORT": "beast"}, "beast"),
                (["--transport", "websocketpp"], {"RESTANTE_TRANSPORT": "beast"}, "websocketpp"),
            ]
            for arguments, variables, library in cases:
                with self.subTest(arguments=arguments, variables=variables):
                    with Server("--port", "0", *arguments, variables=variables) as server, open_client(server) as client:
                        self.assertEqual(client.ask(b"\x00\x00\x01"), b"\x00\x01\x01")
                        server.wait_for_log("connected")
                        self.assertIn(f"spoken by {library}", server.log().splitlines()[0])

    def test_packets_are_logged_when_asked_for_and_only_then(self):
        with Server("--port", "0", "--log-packets", "--log-level", "off") as server, open_client(server) as client:
            client.ask(b"\x00\x00\x01")
            client.ask(b"\x02\x01\x01\x02\x05hello")
            server.wait_for_log("PUSH from 1 to 2, 5 bytes [02 01 01 02 05 68 65 6c 6c 6f]")
            server.wait_for_log("POSITIVEACK 1 [01 02 01]")
        with Server("--port", "0", "--log-level", "debug") as server:
            with open_client(server) as client:
                client.ask(b"\x00\x00\x01")
                client.ask(b"\x02\x01\x01\x02\x05hello")
            server.wait_for_log("closed with")
            self.assertNotIn("68 65 6c 6c 6f", server.log())
            self.assertNotIn("hello", server.log())

    def test_both_signals_end_it_properly_after_what_is_under_way(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Server("--port", "0") as server, open_client(server) as client:
                client.ask(b"\x00\x00\x01")
                # All requests are with the server before the signal is.
                client.send(b"\x02\x01\x01\x01\x01x" )
                for _ in range(50):
                    client.send(b"\x01\x00\x01")
                replies = [client.receive() for _ in range(51)]
                self.assertEqual(replies[0], b"\x01\x02\x01")
                server.process.send_signal(number)
                self.assertEqual(client.close_code(), 1001)
                client.socket.close()
                self.assertEqual(server.process.wait(5), 0)

    def test_a_peer_that_does_not_answer_the_close_does_not_hold_it_up(self):
        with Server("--port", "0") as server, open_client(server) as client:
            client.ask(b"\x00\x00\x01")
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(server.process.wait(5), 0)

    def test_a_second_signal_ends_it_at_once(self):
        with Server("--port", "0") as server, open_client(server) as client:
            client.ask(b"\x00\x00\x01")
            server.process.send_signal(signal.SIGTERM)
            server.wait_for_log("once more to stop at once")
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(server.process.wait(1.5), 0)


if __name__ == "__main__":
    unittest.main()
