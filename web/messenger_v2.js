// What a person can do with restante.v2: open an address, leave, send, join rooms. Makes the connection, and starts and
// stops what works on it: outbox, inbox, rooms and receipts.
"use strict";

globalThis.restante ??= {};

/**
 * `surroundings`: createConnection(address, subprotocol) makes a restante.Connection or something like it; now() gives
 * milliseconds since 1970; timers as in automatic.js; originToAllow(address) says what the server there must be told to
 * allow; packetSeen(packet) and messageFetched(message) are told of each one; holdAddress(name) resolves to a function
 * that lets go of what one tab alone may hold, or to null when another tab holds it. Event "lost": the connection ended,
 * and with it an address that the person did not give up.
 */
restante.MessengerV2 = class MessengerV2 extends EventTarget {
  /** How long a server may take until an address is open and its rooms are entered. */
  static #BEGIN_MS = 30_000;

  #store;
  #surroundings;
  #outbox;
  #rooms;
  #inbox;
  #receipts;
  #connection = null;
  #exchange = null;
  #held = null;
  #credential = null;
  #leaving = false;
  /** Counts what was begun and given up, so that what goes on after a wait knows whether it is still wanted. */
  #attempt = 0;
  #callOffSilence = () => {};

  constructor(store, surroundings) {
    super();
    this.#store = store;
    this.#surroundings = surroundings;
    this.#outbox = new restante.Outbox(store, surroundings);
    this.#rooms = new restante.Rooms(store, surroundings);
    this.#inbox = new restante.Inbox(store, surroundings, this.#rooms);
    this.#receipts = new restante.Receipts(store, surroundings);
  }

  /**
   * Connects and opens the address; `credential` is a password or token, or "" for the one given before. Resolves when it
   * is settled, to "associated", "taken", "unauthorised", "refused", "failed", or "unspoken": no connection that speaks
   * restante.v2 could be made, of which nothing was said to the person. Do not call while another is not settled.
   */
  async associate(server, address, { again = false, credential = "" } = {}) {
    this.abandon();
    const attempt = this.#attempt;
    this.#store.change({ phase: "connecting" });
    const isHeld = await this.#hold(server, address);
    if (attempt !== this.#attempt) {
      return "failed";
    }
    if (!isHeld) {
      this.#store.change({ phase: "disconnected" });
      this.#store.notify(`${address} is open in another tab of this browser.`, "bad");
      return "taken";
    }
    if (credential !== "") {
      this.#credential = { server, address, credential };
    }
    try {
      if (!(await this.#connect(server))) {
        return "unspoken";
      }
      const reply = await this.#exchange.request({ name: "OPEN", address, ...this.#proof(server, address) });
      return reply.name === "OPENED"
        ? this.#begin(server, address, reply, again)
        : this.#explainRefusal(server, address, restante.protocolV2.refusalName(reply.reason), again);
    } catch (error) {
      restante.expectConnectionLost(error);
      return "failed";
    }
  }

  /** Ends the connection, and with it the hold on the address. What waits to be sent goes on waiting. */
  leave() {
    this.#release();
    this.#credential = null;
    this.#leaving = true;
    if (this.#connection === null || this.#store.state.phase === "connecting") {
      this.#store.notify("Not connected.");
      this.abandon();
      this.#store.change({ phase: "disconnected" });
    } else {
      this.#connection.close();
    }
  }

  /** Takes back the address of a tab that was loaded again, so that what is written before it is connected is kept. */
  async takeUp() {
    const { server, id } = this.#store.state;
    if (await this.#hold(server, id)) {
      this.#store.holdMailbox();
    }
  }

  /** Puts text into the outbox. Returns whether there was room. */
  send(receiver, text) {
    if (this.#outbox.isFull) {
      this.#store.notify(`${restante.Outbox.WAITING_MAX} messages wait to be sent already.`, "bad");
      return false;
    }
    const message = { direction: "sent", peer: receiver, text, time: this.#surroundings.now(), outcome: "waiting" };
    this.#store.addMessage({ ...message, sequence: null });
    this.#outbox.push();
    return true;
  }

  /** Sends what was refused, or of which nothing is known, once more, as a new message. */
  sendAgain(key) {
    const message = this.#store.state.messages.find((candidate) => candidate.key === key);
    if (message?.outcome === "refused" || message?.outcome === "unknown") {
      const time = this.#surroundings.now();
      this.#store.moveMessageToEnd(key, { outcome: "waiting", reason: "", time, sequence: null });
      this.#outbox.push();
    }
  }

  /** Joins a room and takes what it keeps. Resolves to null, or to words that say why not. */
  async join(room) {
    return this.#inRoom(room, async () => {
      const refusal = await this.#rooms.enter(room);
      if (refusal === null) {
        await this.#inbox.drain(room);
      }
      return refusal;
    });
  }

  /** Leaves a room. Resolves to null, or to words that say why not. */
  async part(room) {
    return this.#inRoom(room, () => this.#rooms.leave(room));
  }

  async #inRoom(room, action) {
    try {
      const refusal = await action();
      return refusal === null ? null : restante.refusalWords(refusal, room);
    } catch (error) {
      restante.expectConnectionLost(error);
      return "you are not connected";
    }
  }

  // ---- The connection ----

  /** Resolves to whether the server speaks restante.v2; rejects with ConnectionLost when somebody called it off. */
  async #connect(server) {
    let connection;
    try {
      connection = this.#surroundings.createConnection(server, restante.protocolV2.SUBPROTOCOL);
    } catch {
      this.#store.change({ phase: "disconnected" });
      return false;
    }
    this.#connection = connection;
    this.#callOffSilence = this.#surroundings.timers.after(MessengerV2.#BEGIN_MS, () => {
      this.#giveUp(connection, "The server does not answer.");
    });
    const protocol = await new Promise((resolve, reject) => {
      connection.addEventListener("opened", ({ detail }) => resolve(detail.protocol));
      connection.addEventListener("closed", ({ detail }) => {
        const isCurrent = connection === this.#connection;
        this.#end(connection, detail, server);
        if (isCurrent && !detail.wasOpen) {
          resolve(null);
        } else {
          reject(new restante.ConnectionLost());
        }
      });
    });
    if (connection !== this.#connection && protocol !== null) {
      throw new restante.ConnectionLost();
    }
    if (protocol !== restante.protocolV2.SUBPROTOCOL) {
      this.abandon();
      this.#store.change({ phase: "disconnected" });
      return false;
    }
    this.#exchange = new restante.Exchange(connection, (direction, packet, bytes) => this.#log(direction, packet, bytes));
    this.#exchange.addEventListener("unfit", () => {
      this.#giveUp(connection, "The server sent something that does not fit the protocol, so the connection was ended.");
    });
    this.#store.change({ phase: "connected" });
    return true;
  }

  /** What proves that this is the same client as before, or one that knows the secret. */
  #proof(server, address) {
    const { PROOF, fromHex } = restante.protocolV2;
    if (this.#credential?.server === server && this.#credential.address === address) {
      return { proof: PROOF.credential, secret: new TextEncoder().encode(this.#credential.credential) };
    }
    const token = this.#tokenFor(server, address);
    return token === null
      ? { proof: PROOF.none, secret: new Uint8Array(0) }
      : { proof: PROOF.token, secret: Uint8Array.from(fromHex(token)) };
  }

  #tokenFor(server, address) {
    const { state } = this.#store;
    return state.server === server && state.id === address ? state.token : null;
  }

  #begin(server, address, opened, again) {
    const exchange = this.#exchange;
    this.#store.openMailbox(server, address);
    this.#store.holdMailbox();
    this.#outbox.start(exchange, opened);
    const { resumeToken: token, payloadBytes } = opened;
    this.#store.change({ phase: "associated", protocol: "v2", token, payloadBytes });
    this.#store.notify(again ? `You are ${address} again.` : `You are ${address}. Messages come by themselves.`, "good");
    this.#receipts.start(exchange, opened);
    this.#receive(exchange, this.#connection);
    // Behind the JOINs: a server that lost its rooms takes nothing for them from one who is not in them.
    this.#outbox.push();
    return "associated";
  }

  async #receive(exchange, connection) {
    try {
      if (!(await this.#rooms.start(exchange))) {
        this.#giveUp(connection, "The server does not say where you stand in a room at present.");
        return;
      }
    } catch (error) {
      restante.expectConnectionLost(error);
      return;
    }
    this.#callOffSilence();
    const reasons = {
      silent: "The server does not answer any more.",
      epoch: "The server has lost what it knew of your mailbox.",
    };
    this.#inbox.start(exchange, (reason) => this.#giveUp(connection, reasons[reason]));
  }

  #explainRefusal(server, address, refusal, again) {
    if (refusal === "unauthorised") {
      const wrong = this.#credential !== null;
      this.#credential = null;
      const words = wrong ? `That is not the password or token of ${address}.` : `${address} needs a password or a token.`;
      this.#store.change({ asksCredential: true });
      this.#store.notify(words, "bad");
      this.#settleRefused();
      return "unauthorised";
    }
    if (refusal === "address_taken") {
      if (this.#tokenFor(server, address) !== null) {
        this.#outbox.suspectOthers();
      }
      const words = again ? "is still held by another connection" : "is taken by somebody else. Choose another name";
      this.#store.notify(`${address} ${words}.`, "bad");
      this.#settleRefused({ keepsHold: again });
      return "taken";
    }
    this.#store.notify(`You cannot be ${address}: ${restante.refusalWords(refusal, address)}.`, "bad");
    const passes = ["rate_limited", "limit_reached", "storage_unavailable", "going_away"].includes(refusal);
    this.#settleRefused({ keepsHold: passes && again });
    return passes ? "failed" : "refused";
  }

  #settleRefused({ keepsHold = false } = {}) {
    this.abandon();
    this.#store.change({ phase: "disconnected" });
    if (!keepsHold) {
      this.#release();
    }
  }

  /** The server may be there, but nothing sensible can be said to it on this connection: another one may do. */
  #giveUp(connection, text) {
    if (connection === this.#connection) {
      this.#end(connection, { text, tone: "bad" });
      connection.close();
    }
  }

  /** The connection has ended, or is done with. `how` is what its end said, or a notice. */
  #end(connection, how, server) {
    if (connection !== this.#connection) {
      return;
    }
    const { phase, notice } = this.#store.state;
    const isLoss = phase === "associated" && !this.#leaving;
    const isReplaced = how.code === MessengerV2.#REPLACED;
    this.#stop();
    if (isReplaced) {
      this.#outbox.suspectOthers();
      this.#release();
      const text = `${this.#store.state.id} was opened elsewhere, so you are not connected here any more.`;
      this.#store.change({ phase: "disconnected", wanted: false, token: null, notice: { text, tone: "bad" } });
      return;
    }
    const origin = how.text === undefined ? this.#surroundings.originToAllow(server) : null;
    const isUnspoken = how.wasOpen === false;
    const said = isUnspoken ? notice : how.text === undefined ? restante.explainEnd(how, server, origin) : how;
    this.#store.change({ phase: "disconnected", notice: said });
    if (isLoss) {
      this.dispatchEvent(new Event("lost"));
    }
  }

  /** The server closed because a takeover replaced this connection. */
  static #REPLACED = 4001;

  /** Ends the connection, if there is one, and says nothing of it. The outbox stays. */
  abandon() {
    const connection = this.#connection;
    this.#stop();
    connection?.close();
  }

  #stop() {
    this.#attempt += 1;
    this.#callOffSilence();
    this.#leaving = false;
    this.#connection = null;
    const exchange = this.#exchange;
    this.#exchange = null;
    for (const part of [this.#outbox, this.#inbox, this.#rooms, this.#receipts]) {
      part.stop();
    }
    exchange?.end();
  }

  // ---- One tab for each address ----

  async #hold(server, address) {
    const name = restante.Storage.mailboxName(server, address);
    if (this.#held?.name === name) {
      return true;
    }
    this.#release();
    const attempt = this.#attempt;
    const release = await this.#surroundings.holdAddress(name);
    if (attempt !== this.#attempt) {
      release?.();
      return false;
    }
    this.#held = release && { name, release };
    return release !== null;
  }

  #release() {
    this.#held?.release();
    this.#held = null;
  }

  #log(direction, packet, bytes) {
    const { describe, showBytes } = restante.protocolV2;
    const time = this.#surroundings.now();
    const meaning = packet === null ? "not a packet of this protocol" : describe(packet);
    const hex = packet === null ? restante.protocol.toHex(bytes) : showBytes(packet, bytes);
    const seen = { direction, hex, meaning, time };
    this.#store.addPacket(seen);
    this.#surroundings.packetSeen(seen);
  }
};
