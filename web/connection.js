// One connection to a server. The only file that knows WebSocket: a test replaces it by an object with the same events.
"use strict";

globalThis.restante ??= {};

/**
 * Opens at once, and offers the subprotocol where one is given; browsers then connect only when the server agrees to it.
 * Events, with what they carry in `detail`:
 * "opened": {protocol}, what was agreed on, or ""; "received": Uint8Array, or null for a text message;
 * "closed": {code, reason, wasOpen}, once, last.
 * The constructor throws when the address is not one, or when the browser does not allow it.
 */
restante.Connection = class Connection extends EventTarget {
  #socket;
  #wasOpen = false;

  constructor(address, subprotocol = null) {
    super();
    this.#socket = new WebSocket(address, subprotocol ?? []);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.addEventListener("open", () => {
      this.#wasOpen = true;
      this.#tell("opened", { protocol: this.#socket.protocol });
    });
    this.#socket.addEventListener("message", ({ data }) => {
      this.#tell("received", data instanceof ArrayBuffer ? new Uint8Array(data) : null);
    });
    this.#socket.addEventListener("close", ({ code, reason }) => {
      this.#tell("closed", { code, reason, wasOpen: this.#wasOpen });
    });
  }

  send(bytes) {
    this.#socket.send(bytes);
  }

  close() {
    this.#socket.close(1000);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
};

/** The address of the server that this page came from; of a server on this computer when the page came from a file. */
restante.defaultServerAddress = (location) => {
  if (location.protocol === "http:" || location.protocol === "https:") {
    return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}`;
  }
  return "ws://localhost:12345";
};

/**
 * What a person typed, as the address of a server, or null. `host:port` alone means ws://, and the address of a page
 * means the server that the page came from: that is what people copy.
 */
restante.readServerAddress = (text) => {
  const typed = text.trim().replace(/^http(s?):\/\//i, "ws$1://");
  try {
    const address = new URL(/^[a-z]+:\/\//i.test(typed) ? typed : `ws://${typed}`);
    const speaksWebSocket = address.protocol === "ws:" || address.protocol === "wss:";
    return speaksWebSocket && address.host !== "" && address.hash === "" ? address.href : null;
  } catch {
    return null;
  }
};

/** The origin that a server must allow before this page may connect to it, or null when the page is the server's own. */
restante.originToAllow = (location, address) => {
  if (location.protocol === "file:") {
    return "null";
  }
  return new URL(address).host === location.host ? null : location.origin;
};

/** The connection ended before the reply came: whether the request took effect is not known. */
restante.ConnectionLost = class ConnectionLost extends Error {};

/** Of a promise that a ConnectionLost may end: everything else is a fault of this program, and stays one. */
restante.expectConnectionLost = (error) => {
  if (!(error instanceof restante.ConnectionLost)) {
    throw error;
  }
};

/**
 * Why a connection ended, as a notice. `origin` is what the server must allow, or null: a browser does not say whether a
 * server refused this page or was not there, so the page names the remedy.
 */
restante.explainEnd = ({ code, reason, wasOpen }, address, origin) => {
  if (!wasOpen) {
    const pages = origin === "null" ? "a page that was opened from a file" : `a page from ${origin}`;
    const remedy =
      origin === null ? "" : ` A server that runs lets ${pages} in only when it was started with --allow-origin ${origin}`;
    return { text: `No server answered at ${address}.${remedy}`, tone: "bad" };
  }
  if (code === 1000) {
    return { text: "The connection is closed. Your mailbox stays on the server.", tone: "calm" };
  }
  const meaning = {
    1001: "The server is shutting down",
    1006: "The connection broke",
    1011: "The server had a fault and closed the connection",
    1013: "The server cannot serve you at present and closed the connection",
  }[code];
  const words = meaning ?? `The server closed the connection (${code})`;
  const said = reason && reason.toLowerCase() !== words.toLowerCase() ? `: ${reason}` : "";
  return { text: `${words}${said}.`, tone: "bad" };
};
