// What the tests of the page share: the page's scripts in node, the golden vectors, and the real server.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import vm from "node:vm";

export const webFolder = fileURLToPath(new URL("../../web/", import.meta.url));
const vectorsFolder = new URL("../vectors/", import.meta.url);

/** Runs scripts of the page, which are classic ones, in this process, and returns the namespace that they fill. */
export function loadPageScripts(...names) {
  for (const name of names) {
    vm.runInThisContext(readFileSync(webFolder + name, "utf8"), { filename: webFolder + name });
  }
  return globalThis.restante;
}

/** Bytes as tests/vectors/README.md writes them. */
export function parseBytes(text) {
  const bytes = [];
  const tokens = text === "-" ? [] : text.split(" ");
  for (let index = 0; index < tokens.length; ) {
    const repeated = tokens[index + 1] === "*";
    const digits = tokens[repeated ? index + 2 : index];
    if (!/^[0-9a-f]{2}$/.test(digits)) {
      throw new Error(`not bytes: ${text}`);
    }
    bytes.push(...new Array(repeated ? Number(tokens[index]) : 1).fill(Number.parseInt(digits, 16)));
    index += repeated ? 3 : 1;
  }
  return Uint8Array.from(bytes);
}

/** The lines of this file of vectors that begin with this word, each as its other columns. */
export function packetVectors(kind, file = "classic_packets.txt") {
  const rows = readFileSync(new URL(file, vectorsFolder), "utf8")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(" | "))
    .filter(([first]) => first === kind)
    .map(([, ...columns]) => columns);
  if (rows.length === 0) {
    throw new Error(`${file} has no line that begins with ${kind}`);
  }
  return rows;
}

/** `id=7 sender=8` as {id: 7, sender: 8}. */
export function parseFields(text) {
  return Object.fromEntries(
    text.split(" ").map((field) => {
      const [name, value] = field.split("=");
      return [name, Number(value)];
    }),
  );
}

/** The server under test, run as a user runs it. */
export class Server {
  #process;
  url;

  /** Resolves when it listens. Port 0 lets the system choose one; a restart can ask for the port it had. */
  static async start({ port = 0, options = [] } = {}) {
    const program = process.env.RESTANTE_SERVER;
    if (!program || !existsSync(program)) {
      throw new Error("set RESTANTE_SERVER to the restante-server program that shall be tested");
    }
    const server = new Server();
    server.#process = spawn(
      program,
      ["--host", "127.0.0.1", "--port", String(port), "--web", webFolder, ...options],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const lines = createInterface({ input: server.#process.stdout });
    server.url = await new Promise((resolve, reject) => {
      lines.on("line", (line) => {
        const match = /Listening on (http:\/\/\S+?)\/?$/.exec(line.trim());
        if (match) {
          resolve(match[1]);
        }
      });
      lines.on("close", () => reject(new Error("the server ended without saying where it listens")));
      server.#process.on("error", reject);
    });
    return server;
  }

  get port() {
    return Number(new URL(this.url).port);
  }

  /** Asks the server to end, with SIGTERM unless told otherwise, and resolves to its exit code. */
  async stop(signal = "SIGTERM") {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, "exit");
      this.#process.kill(signal);
      await ended;
    }
    return this.#process.exitCode;
  }
}
