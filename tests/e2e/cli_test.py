"""restante, the command-line client, against the real server."""

import signal
import unittest

from support import SECONDS_MAX, CliTestCase, json_lines, open_client


class Cli(CliTestCase):
    def test_a_message_goes_from_one_to_the_other(self):
        self.assertEqual(self.run_cli("push", "--id", "1", "--to", "2", "hello", "again"), (0, "", ""))
        self.assertEqual(self.run_cli("get", "--id", "2"), (0, "1: hello\n", ""))
        self.assertEqual(self.run_cli("get", "--id", "2", "--all"), (0, "1: again\n", ""))
        self.assertEqual(self.run_cli("get", "--id", "2")[0], 5)

    def test_standard_input_is_a_message_or_many(self):
        self.assertEqual(self.run_cli("push", "--id", "1", "--to", "2", text="two\nlines\n")[0], 0)
        self.assertEqual(self.run_cli("push", "--id", "1", "--to", "2", "--lines", text="a\nb\n")[0], 0)
        code, said, _ = self.run_cli("--json", "get", "--id", "2", "--all")
        self.assertEqual(code, 0)
        self.assertEqual([line["text"] for line in json_lines(said)], ["two\nlines", "a", "b"])

    def test_json_gives_bytes_as_well_as_text(self):
        with open_client(self.server) as client:
            client.ask(b"\x00\x00\x01")
            client.ask(b"\x02\x01\x01\x02\x03\xff\x00A")
        code, said, _ = self.run_cli("--json", "get", "--id", "2")
        self.assertEqual(code, 0)
        self.assertEqual(json_lines(said), [{"to": 2, "from": 1, "text": "\ufffd\x00A", "bytes": "ff0041"}])

    def test_what_somebody_sends_cannot_play_with_the_terminal(self):
        self.assertEqual(self.run_cli("push", "--id", "1", "--to", "2", "a\x1b[31mb\x07c\u009bd\u202ee\u00e9")[0], 0)
        code, said, _ = self.run_cli("get", "--id", "2")
        self.assertEqual(code, 0)
        self.assertEqual(said, "1: a\\x1b[31mb\\x07c\\xc2\\x9bd\\xe2\\x80\\xaee\u00e9\n")

    def test_exit_codes_say_what_was_wrong(self):
        full = "\n".join(str(number) for number in range(101))
        self.assertEqual(self.run_cli("push", "--id", "1", "--to", "9", "--lines", text=full)[0], 3)
        with open_client(self.server) as holder:
            holder.ask(b"\x00\x00\x04")
            code, said, why = self.run_cli("--json", "associate", "--id", "4")
            self.assertEqual(code, 4)
            self.assertEqual(list(json_lines(said)[0]), ["error"])
            self.assertIn("held by somebody else", why)
        self.assertEqual(self.run_cli("associate", "--id", "4")[:2], (0, "associated 4\n"))
        for wrong in (["push", "--id", "300", "--to", "1", "x"], ["get"], [], ["push", "--id", "1", "--to", "2", "x" * 255]):
            self.assertEqual(self.run_cli(*wrong)[0], 2, wrong)
        port = self.server.port
        self.server.end()
        code, said, why = self.run_cli("get", "--id", "1")
        self.assertEqual((code, said), (1, ""))
        self.assertIn(f"127.0.0.1:{port}", why)

    def test_following_goes_on_until_it_is_interrupted(self):
        follower = self.start_cli("get", "--id", "2", "--follow", "--interval", "20")
        self.server.wait_for_metric("restante_addresses_held", 1)
        for text in ("one", "two"):
            self.assertEqual(self.run_cli("push", "--id", "1", "--to", "2", text)[0], 0)
            self.assertEqual(follower.stdout.readline(), f"1: {text}\n")
        follower.send_signal(signal.SIGINT)
        self.assertEqual(follower.wait(SECONDS_MAX), 0)

    def test_an_id_is_held_until_it_is_interrupted(self):
        holder = self.start_cli("associate", "--id", "4", "--hold")
        self.assertEqual(holder.stdout.readline(), "associated 4\n")
        self.assertEqual(self.run_cli("associate", "--id", "4")[0], 4)
        holder.send_signal(signal.SIGTERM)
        self.assertEqual(holder.wait(SECONDS_MAX), 0)
        self.assertEqual(self.run_cli("associate", "--id", "4")[0], 0)

    def test_two_people_chat(self):
        ada = self.start_cli("chat", "--id", "1", "--to", "2", "--interval", "20")
        bob = self.start_cli("chat", "--id", "2", "--to", "9", "--interval", "20")
        ada.stdin.write("hello bob\n")
        ada.stdin.flush()
        self.assertEqual(bob.stdout.readline(), "1: hello bob\n")
        bob.stdin.write("/to 1\nhello ada\n")
        bob.stdin.flush()
        self.assertEqual(ada.stdout.readline(), "2: hello ada\n")
        for process in (ada, bob):
            process.stdin.close()
            self.assertEqual(process.wait(SECONDS_MAX), 0)
            process.stdin = None


if __name__ == "__main__":
    unittest.main()
