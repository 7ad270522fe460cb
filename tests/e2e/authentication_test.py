"""Passwords, keys and tokens: the commands that make them, and the server that reads them."""

import base64
import json
import os
import pathlib
import pty
import signal
import stat
import subprocess
import tempfile
import termios
import unittest

from support import SECONDS_MAX, Server, json_lines, open_client, program


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.passwords = self.folder / "passwords"

    def run_cli(self, *arguments, text=""):
        """Exit code, standard output, standard error."""
        result = subprocess.run([program("RESTANTE_CLI"), *map(str, arguments)], input=text, capture_output=True,
                                text=True, timeout=SECONDS_MAX, check=False)
        return result.returncode, result.stdout, result.stderr

    def set_password(self, address, password):
        self.assertEqual(self.run_cli("passwd", self.passwords, "set", address, text=password + "\n"), (0, "", ""))

    def make_key(self, algorithm, name="private.jwk", *more):
        """The file of the key, and that of its public half."""
        private, public = self.folder / name, self.folder / ("public-" + name)
        code, said, why = self.run_cli("token", "key", private, "--algorithm", algorithm, *more)
        self.assertEqual((code, why), (0, ""))
        public.write_text(said, encoding="utf-8")
        return private, public

    def refuse(self, *arguments):
        """What the server says when it does not start."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RESTANTE_")}
        result = subprocess.run([program("RESTANTE_SERVER"), "--port", "0", *map(str, arguments)], capture_output=True,
                                text=True, timeout=SECONDS_MAX, env=environment, check=False)
        self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        return result.stderr


class Passwords(Case):
    def test_they_are_set_listed_checked_and_removed(self):
        self.set_password("bob", "swordfish")
        self.set_password("ada: the first", "open sesame")
        self.assertEqual(self.run_cli("passwd", self.passwords, "list"), (0, "ada: the first\nbob\n", ""))
        self.assertEqual(json_lines(self.run_cli("--json", "passwd", self.passwords, "list")[1]),
                         [{"address": "ada: the first"}, {"address": "bob"}])
        self.assertEqual(self.run_cli("passwd", self.passwords, "check", "bob", text="swordfish")[0], 0)
        self.assertEqual(self.run_cli("passwd", self.passwords, "check", "bob", text="sword")[0], 1)
        self.assertEqual(self.run_cli("passwd", self.passwords, "check", "eve", text="x")[0], 1)
        self.set_password("bob", "trout")
        self.assertEqual(self.run_cli("passwd", self.passwords, "check", "bob", text="swordfish")[0], 1)
        self.assertEqual(self.run_cli("passwd", self.passwords, "check", "bob", text="trout")[0], 0)
        self.assertEqual(self.run_cli("passwd", self.passwords, "remove", "bob")[0], 0)
        self.assertEqual(self.run_cli("passwd", self.passwords, "remove", "bob")[0], 1)
        self.assertEqual(self.run_cli("passwd", self.passwords, "list")[1], "ada: the first\n")
        self.assertNotIn("sesame", self.passwords.read_text(encoding="utf-8"))

    def test_the_file_is_for_its_owner_alone_and_keeps_what_is_for_people(self):
        self.passwords.write_text("# the staff\n\n", encoding="utf-8")
        self.passwords.chmod(0o644)
        self.set_password("ada", "open sesame")
        self.assertEqual(stat.S_IMODE(self.passwords.stat().st_mode), 0o600)
        self.assertRegex(self.passwords.read_text(encoding="utf-8"),
                         r"^# the staff\n\nada\t\$argon2id\$v=19\$m=65536,t=2,p=1\$[^\n]*\n$")
        self.assertEqual([entry.name for entry in self.folder.iterdir()], ["passwords"])

    def test_what_makes_no_sense_is_refused_and_changes_nothing(self):
        self.set_password("ada", "open sesame")
        before = self.passwords.read_text(encoding="utf-8")
        for wrong in (["set"], ["list", "ada"], ["set", "#room"], ["set", "a" * 65], ["set", "a\tb"], ["rob", "ada"]):
            self.assertEqual(self.run_cli("passwd", self.passwords, *wrong, text="x\n")[0], 2, wrong)
        self.assertEqual(self.run_cli("passwd", self.passwords, "set", "ada", text="\n")[0], 2)
        self.assertEqual(self.run_cli("passwd", self.passwords, "set", "ada", text="x" * 1025)[0], 2)
        self.assertEqual(self.run_cli("passwd", self.passwords, "set", "ada")[0], 1)
        self.assertEqual(self.passwords.read_text(encoding="utf-8"), before)
        self.passwords.write_text(before + "bob\n", encoding="utf-8")
        code, _, why = self.run_cli("passwd", self.passwords, "set", "ada", text="new\n")
        self.assertEqual(code, 1)
        self.assertIn("passwords:2: ", why)
        self.assertEqual(self.passwords.read_text(encoding="utf-8"), before + "bob\n")

    def test_a_terminal_shows_nothing_of_what_is_typed(self):
        for again, expected in (("open sesame", 0), ("open sesam", 1)):
            leader, terminal = pty.openpty()
            process = subprocess.Popen([program("RESTANTE_CLI"), "passwd", str(self.passwords), "set", "ada"],
                                       stdin=terminal, stdout=terminal, stderr=terminal)
            os.close(terminal)
            shown = b""
            for prompt, answer in ((b"ada': ", "open sesame"), (b"again: ", again)):
                while prompt not in shown:
                    shown += os.read(leader, 1000)
                # Echo is off before anything is read, and what was typed earlier is thrown away: so type once it is.
                while True:
                    if not termios.tcgetattr(leader)[3] & termios.ECHO:
                        break
                os.write(leader, answer.encode() + b"\n")
            try:
                while more := os.read(leader, 1000):
                    shown += more
            except OSError:
                pass  # How Linux says that the other side was closed.
            self.assertEqual(process.wait(SECONDS_MAX), expected)
            os.close(leader)
            self.assertNotIn(b"sesam", shown)
        self.assertEqual(self.run_cli("passwd", self.passwords, "check", "ada", text="open sesame")[0], 0)


class Tokens(Case):
    def test_they_are_made_and_checked_with_keys_of_both_kinds(self):
        for algorithm in ("EdDSA", "HS256"):
            with self.subTest(algorithm=algorithm):
                private, public = self.make_key(algorithm, algorithm)
                self.assertEqual(stat.S_IMODE(private.stat().st_mode), 0o600)
                code, token, _ = self.run_cli("token", "make", "--key", private, "--address", "ada", "--room", "#all",
                                              "--room", "#team-*", "--create-rooms", "--lifetime", "60")
                self.assertEqual(code, 0)
                self.assertEqual(json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "==")),
                                 {"alg": algorithm, "typ": "JWT"})
                key = public if algorithm == "EdDSA" else private
                code, said, _ = self.run_cli("token", "check", "--key", key, "--address", "ada", text=token)
                self.assertEqual(code, 0)
                claims = json.loads(said)
                self.assertEqual(claims["exp"] - claims["iat"], 60)
                self.assertEqual((claims["sub"], claims["rooms"], claims["create_rooms"]),
                                 ("ada", ["#all", "#team-*"], True))
                code, said, why = self.run_cli("token", "check", "--key", key, "--address", "eve", text=token)
                self.assertEqual((code, said, why), (1, "", "restante: the token is for another address (sub)\n"))
                code, said, why = self.run_cli("token", "check", "--key", key, text="A" + token)
                self.assertEqual((code, said), (1, ""))
                self.assertNotIn(token.strip(), why)

    def test_a_public_half_holds_no_secret_and_makes_no_token(self):
        private, public = self.make_key("EdDSA", "private.jwk", "--kid", "first")
        self.assertEqual(sorted(json.loads(public.read_text(encoding="utf-8"))),
                         ["alg", "crv", "kid", "kty", "use", "x"])
        self.assertEqual(self.run_cli("token", "make", "--key", public, "--address", "ada")[0], 1)
        self.assertEqual(self.make_key("HS256", "shared.jwk")[1].read_text(encoding="utf-8"), "")
        before = private.read_text(encoding="utf-8")
        self.assertEqual(self.run_cli("token", "key", private, "--algorithm", "EdDSA")[0], 1)
        self.assertEqual(private.read_text(encoding="utf-8"), before, "a key is never overwritten")

    def test_what_no_server_would_accept_is_not_made(self):
        private, _ = self.make_key("EdDSA")
        for wrong in (["--address", "#all"], ["--address", "ada", "--room", "all"], ["--address", "ada", "--room", "*"],
                      ["--address", "ada", "--lifetime", "0"], []):
            code, said, _ = self.run_cli("token", "make", "--key", private, *wrong)
            self.assertEqual((code, said), (2, ""), wrong)
        private.chmod(0o640)
        code, _, why = self.run_cli("token", "make", "--key", private, "--address", "ada")
        self.assertEqual(code, 1)
        self.assertIn("chmod 600", why)


class ServerOptions(Case):
    def test_listening_beyond_this_machine_needs_a_word_about_authentication(self):
        for host in ("0.0.0.0", "::", "192.0.2.1"):
            self.assertIn("--auth", self.refuse("--host", host))
        for host in ("127.0.0.1", "127.1.2.3", "localhost"):
            with Server("--port", "0", "--host", host):
                pass
        with Server("--port", "0", "--host", "0.0.0.0", "--auth", "none"):
            pass

    def test_passwords_and_tokens_do_not_cross_a_network_in_the_clear(self):
        self.set_password("ada", "open sesame")
        _, public = self.make_key("EdDSA")
        for auth in (f"passwords:{self.passwords}", f"tokens:{public}"):
            self.assertIn("--tls-cert", self.refuse("--host", "0.0.0.0", "--auth", auth))
            with Server("--port", "0", "--host", "0.0.0.0", "--auth", auth, "--behind-tls-proxy") as server:
                self.assertEqual(server.get("/healthz")[0], 200)
            with Server("--port", "0", variables={"RESTANTE_AUTH": auth}) as server:
                self.assertEqual(server.get("/healthz")[0], 200)

    def test_what_cannot_be_used_stops_the_start_with_a_line_that_names_it(self):
        self.set_password("ada", "open sesame")
        private, _ = self.make_key("EdDSA")
        nonsense = self.folder / "nonsense"
        nonsense.write_text("nonsense\n", encoding="utf-8")
        for auth, expected in (("pigeon", "pigeon"), ("passwords", "passwords:FILE"), ("tokens:", "tokens:FILE"),
                               (f"none:{nonsense}", "must be none"), ("passwords:/nowhere", "/nowhere"),
                               (f"passwords:{nonsense}", "nonsense:1:"), (f"tokens:{nonsense}", "nonsense: ")):
            self.assertIn(expected, self.refuse("--auth", auth))
        private.chmod(0o644)
        self.assertIn("chmod 600", self.refuse("--auth", f"tokens:{private}"))
        self.assertIn("--token-leeway", self.refuse("--token-leeway", "31"))

    def test_a_hang_up_has_the_file_read_again(self):
        self.set_password("ada", "open sesame")
        self.passwords.chmod(0o644)
        with Server("--port", "0", "--auth", f"passwords:{self.passwords}") as server:
            server.wait_for_log("can be read or written by others")
            self.set_password("bob", "swordfish")
            server.process.send_signal(signal.SIGHUP)
            server.wait_for_log("passwords was read again")
            self.passwords.write_text("nonsense\n", encoding="utf-8")
            server.process.send_signal(signal.SIGHUP)
            server.wait_for_log("passwords stays as it was: ")
            server.wait_for_log("passwords:1: ")
            self.assertNotIn("argon2", server.log())

    def test_who_connected_is_asked_for_what_the_file_says_now(self):
        self.set_password("7", "open sesame")
        with Server("--port", "0", "--auth", f"passwords:{self.passwords}") as server, open_client(server) as client:
            self.assertEqual(client.ask(b"\x00\x00\x07"), b"\x00\x02\x07")
            self.set_password("7", "swordfish")
            server.process.send_signal(signal.SIGHUP)
            server.wait_for_log("passwords was read again")
            self.assertEqual(client.ask(b"\x00\x00\x07open sesame"), b"\x00\x02\x07")
            self.assertEqual(client.ask(b"\x00\x00\x07swordfish"), b"\x00\x01\x07")


if __name__ == "__main__":
    unittest.main()
