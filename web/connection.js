// One connection to a server. The only file that knows WebSocket: a test replaces it by an object with the same events.
"use strict";

globalThis.restante ??= {};

/**
 * Opens at once. Events, with what they carry in `detail`:
 * "opened"; "received": Uint8Array, or null for a text message; "closed": {code, reason, wasOpen}, once, last.
 * The constructor throws when the address is not one, or when the browser does not allow it.
 */
restante.Connection = class Connection extends EventTarget {
  #socket;
  #wasOpen = false;

  constructor(address) {
    super();
    this.#socket = new WebSocket(address);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.addEventListener("open", () => {
      this.#wasOpen = true;
      this.#tell("opened");
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
