// What a person can do with the classic protocol: associate, leave, send, fetch. Turns requests into packets, matches
// replies to requests first-in, first-out as the protocol promises, and writes what came of it into the store.
"use strict";

globalThis.restante ??= {};

/**
 * `surroundings`: createConnection(address) makes a restante.Connection or something like it; now() gives milliseconds
 * since 1970; originToAllow(address) says what the server there must be told to allow; packetSeen(packet) and
 * messageFetched(message) are told of each one. Event "lost": the connection ended, and with it an association that the
 * person did not give up.
 */
restante.Messenger = class Messenger extends EventTarget {
  #store;
  #surroundings;
  #connection = null;
  #address = null;
  #opened = null;
  #waiting = [];
  #fetching = false;
  #leaving = false;

  constructor(store, surroundings) {
    super();
    this.#store = store;
    this.#surroundings = surroundings;
  }

  /**
   * Connects if need be and asks for the ID. Resolves to "associated", "taken", "refused" or "failed" when it is
   * settled; the store says the same in words, in others when this is to get back what was held before. Do not call
   * while another is not settled.
   */
  async associate(address, id, { again = false } = {}) {
    try {
      await this.#connect(address);
      const reply = await this.#request({ name: "ASSOCIATE", id });
      if (reply.name === "ASSOCIATIONSUCCESS") {
        this.#store.openMailbox(address, id);
        this.#store.holdMailbox();
        const payloadBytes = restante.protocol.PAYLOAD_BYTES_MAX;
        this.#store.change({ phase: "associated", protocol: "classic", payloadBytes });
        this.#store.notify(
          again ? `You are ${id} again.` : `You are ${id}. Messages for ${id} wait in its mailbox until you get them.`,
          "good",
        );
        return "associated";
      }
      if (reply.name === "UNKNOWNERROR") {
        this.#store.notify(
          again
            ? `ID ${id} is still held by another connection.`
            : `ID ${id} is taken by somebody else. Choose another one.`,
          "bad",
        );
        return "taken";
      }
      this.#store.notify(`The server does not let you be ${id}.`, "bad");
      return "refused";
    } catch (error) {
      restante.expectConnectionLost(error);
      return "failed";
    }
  }

  /** Ends the connection, which releases the ID. The mailbox stays on the server. */
  leave() {
    if (this.#store.state.phase === "connecting") {
      this.#store.notify("Not connected.");
      this.abandon();
    } else if (this.#connection) {
      this.#leaving = true;
      this.#connection.close();
    }
  }

  /** Pushes text into the receiver's mailbox. The message stands in the store at once, its outcome when it is known. */
  async send(receiver, text) {
    const message = { direction: "sent", peer: receiver, text, time: this.#surroundings.now(), outcome: "waiting" };
    await this.#push(this.#store.addMessage(message), receiver, text);
  }

  /** Sends what was refused, or never answered, once more. */
  async sendAgain(key) {
    const message = this.#store.state.messages.find((candidate) => candidate.key === key);
    if (message?.outcome === "refused" || message?.outcome === "unknown") {
      this.#store.moveMessageToEnd(key, { outcome: "waiting", reason: "", time: this.#surroundings.now() });
      await this.#push(key, message.peer, message.text);
    }
  }

  async #push(key, receiver, text) {
    const sender = this.#store.state.id;
    const payload = new TextEncoder().encode(text);
    try {
      const reply = await this.#request({ name: "PUSH", sender, receiver, payload });
      if (reply.name === "POSITIVEACK") {
        this.#store.changeMessage(key, { outcome: "accepted" });
        this.#store.notify(`Your message waits in the mailbox of ${receiver}.`, "good");
        return;
      }
      const reason = {
        BUFFERFULL: `the mailbox of ${receiver} is full`,
        ASSOCIATIONFAILED: `you are not ${sender}`,
        UNKNOWNERROR: "the server did not accept it",
      }[reply.name];
      this.#store.changeMessage(key, { outcome: "refused", reason });
      this.#store.notify(`Not stored: ${reason}.`, "bad");
    } catch (error) {
      restante.expectConnectionLost(error);
      this.#store.changeMessage(key, { outcome: "unknown", reason: "the connection ended before an answer came" });
    }
  }

  /**
   * Takes up to `count` messages out of one's own mailbox, oldest first, and stops when it is empty. They leave the
   * server with that. Does nothing while another fetch is under way. A quiet one says nothing when there was nothing.
   */
  async fetch(count, { quiet = false } = {}) {
    if (this.#fetching) {
      return;
    }
    this.#fetching = true;
    const id = this.#store.state.id;
    let fetched = 0;
    try {
      while (fetched < count) {
        const reply = await this.#request({ name: "GET", id });
        if (reply.name !== "GETRESPONSE") {
          this.#reportEndOfFetch(reply, id, fetched, quiet);
          return;
        }
        const message = this.#receivedMessage(reply);
        this.#store.addMessage(message);
        this.#surroundings.messageFetched(message);
        fetched += 1;
      }
      this.#store.notify(fetched === 1 ? "One message fetched." : `${fetched} messages fetched.`, "good");
    } catch (error) {
      restante.expectConnectionLost(error);
    } finally {
      this.#fetching = false;
    }
  }

  #reportEndOfFetch(reply, id, fetched, quiet) {
    if (reply.name !== "BUFFEREMPTY") {
      this.#store.notify(`The server does not hand out the messages of ${id}.`, "bad");
    } else if (fetched === 0) {
      if (!quiet) {
        this.#store.notify(`The mailbox of ${id} is empty.`);
      }
    } else {
      const count = fetched === 1 ? "One message" : `${fetched} messages`;
      this.#store.notify(`${count} fetched. The mailbox of ${id} is empty now.`, "good");
    }
  }

  /** Payloads are opaque bytes; most clients put text there, and what is not text is shown as bytes. */
  #receivedMessage({ sender, payload }) {
    const time = this.#surroundings.now();
    const message = { direction: "received", peer: sender, time, outcome: "fetched", unread: true };
    try {
      return { ...message, text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload) };
    } catch {
      return { ...message, text: null, hex: restante.protocol.toHex(payload) };
    }
  }

  /** Whether a server answers there. The connection stays, for an ID to be asked for. */
  async reaches(address) {
    try {
      await this.#connect(address);
      return true;
    } catch (error) {
      restante.expectConnectionLost(error);
      return false;
    }
  }

  async #connect(address) {
    if (this.#connection && this.#address === address) {
      return this.#opened;
    }
    this.abandon();
    this.#store.change({ phase: "connecting" });
    let connection;
    try {
      connection = this.#surroundings.createConnection(address);
    } catch (error) {
      this.#store.change({ phase: "disconnected" });
      this.#store.notify(`Your browser does not connect to ${address}: ${error.message}`, "bad");
      throw new restante.ConnectionLost(error.message);
    }
    this.#connection = connection;
    this.#address = address;
    this.#opened = new Promise((resolve, reject) => {
      connection.addEventListener("opened", () => {
        this.#store.change({ phase: "connected" });
        resolve();
      });
      connection.addEventListener("received", ({ detail }) => this.#receive(connection, detail));
      connection.addEventListener("closed", ({ detail }) => {
        this.#end(connection, restante.explainEnd(detail, address, this.#surroundings.originToAllow(address)));
        reject(new restante.ConnectionLost());
      });
    });
    return this.#opened;
  }

  /** Resolves to the reply; rejects with ConnectionLost when the connection ends first. */
  #request(packet) {
    if (!this.#connection) {
      return Promise.reject(new restante.ConnectionLost());
    }
    const bytes = restante.protocol.encodeRequest(packet);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ packet, resolve, reject });
      this.#log("sent", bytes, restante.protocol.describe(packet));
      this.#connection.send(bytes);
    });
  }

  #receive(connection, bytes) {
    if (connection !== this.#connection) {
      return;
    }
    const reply = bytes && restante.protocol.decodeReply(bytes);
    this.#log("received", bytes ?? [], reply ? restante.protocol.describe(reply) : "not a packet of this protocol");
    const request = this.#waiting[0];
    if (!reply || !request || !restante.protocol.answers(reply, request.packet)) {
      // After one packet that does not fit, no later one can be matched to its request any more.
      this.#forget(connection, {
        text: "The server sent something that does not fit the protocol, so the connection was ended.",
        tone: "bad",
      });
      connection.close();
      return;
    }
    this.#waiting.shift();
    request.resolve(reply);
  }

  /** Ends the connection, if there is one, and says nothing of it. */
  abandon() {
    const connection = this.#connection;
    if (connection) {
      this.#forget(connection, this.#store.state.notice);
      connection.close();
    }
  }

  /** The connection ended by itself, or because the person left. */
  #end(connection, notice) {
    const isLoss = connection === this.#connection && this.#store.state.phase === "associated" && !this.#leaving;
    this.#forget(connection, notice);
    if (isLoss) {
      this.dispatchEvent(new Event("lost"));
    }
  }

  #forget(connection, notice) {
    if (connection !== this.#connection) {
      return;
    }
    this.#leaving = false;
    this.#connection = null;
    this.#address = null;
    this.#opened = null;
    this.#store.change({ phase: "disconnected", notice });
    for (const { reject } of this.#waiting.splice(0)) {
      reject(new restante.ConnectionLost());
    }
  }

  #log(direction, bytes, meaning) {
    const time = this.#surroundings.now();
    const packet = { direction, hex: restante.protocol.toHex(bytes), meaning, time };
    this.#store.addPacket(packet);
    this.#surroundings.packetSeen(packet);
  }
};
