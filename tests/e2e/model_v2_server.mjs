// The model of a server of restante.v2 behind real sockets, with the page: what a browser can talk to.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname } from "node:path";
import { WebSocketServer } from "ws";

import { ModelServer } from "./model_v2.mjs";
import { loadPageScripts, webFolder } from "./support.mjs";

const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
/** As strict as that of the real server. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src ws: wss:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const timers = {
  after(milliseconds, action) {
    const timer = setTimeout(action, milliseconds);
    return () => clearTimeout(timer);
  },
};

export class ModelV2Server {
  model;
  #http = createServer((request, response) => ModelV2Server.#serve(request, response));
  #sockets;

  /**
   * `model` goes on with what another server held, as one with a disk does. A server that is `classic` knows nothing but
   * that protocol, and of it only that every ID is free and every mailbox empty.
   */
  static async start({ port = 0, model = null, classic = false } = {}) {
    const server = new ModelV2Server();
    server.model = model ?? new ModelServer(loadPageScripts("protocol.js", "protocol_v2.js").protocolV2, timers);
    server.model.now = () => Date.now();
    const handleProtocols = (offered) => !classic && offered.has("restante.v2") && "restante.v2";
    server.#sockets = new WebSocketServer({ server: server.#http, handleProtocols });
    server.#sockets.on("connection", (socket) => {
      if (socket.protocol === "") {
        socket.on("message", ([type, , id]) => socket.send(Uint8Array.of(type, 1, id)));
        return;
      }
      const session = server.model.connect({ send: (bytes) => socket.send(bytes), end: (code) => socket.close(code) });
      socket.on("message", (data) => session.receive(new Uint8Array(data)));
      socket.on("close", () => session.drop());
    });
    server.#http.listen(port, "127.0.0.1");
    await once(server.#http, "listening");
    server.url = `http://127.0.0.1:${server.port}`;
    return server;
  }

  get port() {
    return this.#http.address().port;
  }

  /** Ends every connection at once, as a crash does. */
  async stop() {
    for (const socket of this.#sockets.clients) {
      socket.terminate();
    }
    this.#http.closeAllConnections();
    if (this.#http.listening) {
      this.#http.close();
      await once(this.#http, "close");
    }
  }

  static #serve({ url }, response) {
    const name = url === "/" ? "index.html" : url.slice(1);
    if (!/^[a-z_0-9]+\.(html|js|css|svg)$/.test(name)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": types[extname(name)], "content-security-policy": policy });
    response.end(readFileSync(webFolder + name));
  }
}
