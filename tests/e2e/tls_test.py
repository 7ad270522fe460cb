"""TLS, spoken with the real server by a client that is not ours: python3-websockets."""

import asyncio
import ssl
import subprocess
import tempfile
import unittest

import websockets

from support import SECONDS_MAX, Server


class Tls(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        certificate, key = f"{folder.name}/cert.pem", f"{folder.name}/key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
            check=True, capture_output=True, timeout=SECONDS_MAX,
        )
        self.trusting = ssl.create_default_context(cafile=certificate)
        self.server = Server("--port", "0", "--tls-cert", certificate, "--tls-key", key).__enter__()
        self.addCleanup(self.server.__exit__)

    def connect(self, scheme="wss", **options):
        return websockets.connect(f"{scheme}://localhost:{self.server.port}", open_timeout=SECONDS_MAX, **options)

    async def test_many_requests_in_flight_are_answered_in_order(self):
        async with self.connect(ssl=self.trusting) as client:
            requests = [bytes([2, 1, 7, 7, 250]) + bytes([number]) * 250 for number in range(100)]
            for request in [b"\x00\x00\x07", *requests, *[b"\x01\x00\x07"] * 100]:
                await client.send(request)
            replies = [await asyncio.wait_for(client.recv(), SECONDS_MAX) for _ in range(201)]
        self.assertEqual([reply[-250:] for reply in replies[101:]], [request[-250:] for request in requests])
        self.assertEqual(client.close_code, 1000)

    async def test_connections_are_closed_with_1001_when_the_server_ends(self):
        async with self.connect(ssl=self.trusting) as client:
            await client.send(b"\x00\x00\x07")
            await asyncio.wait_for(client.recv(), SECONDS_MAX)
            code = asyncio.get_running_loop().run_in_executor(None, self.server.end)
            await asyncio.wait_for(client.wait_closed(), SECONDS_MAX)
            self.assertEqual(client.close_code, 1001)
            self.assertEqual(await code, 0)

    async def test_who_does_not_know_the_authority_or_comes_without_tls_is_refused(self):
        with self.assertRaises(ssl.SSLCertVerificationError):
            await self.connect(ssl=ssl.create_default_context())
        with self.assertRaises(websockets.InvalidStatusCode) as refusal:
            await self.connect("ws")
        self.assertEqual(refusal.exception.status_code, 400)
        self.server.wait_for_log("without TLS")


if __name__ == "__main__":
    unittest.main()
