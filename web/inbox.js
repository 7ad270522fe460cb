// What arrives with restante.v2: asked for with credit that waits, shown once, and acknowledged after it was kept.
"use strict";

globalThis.restante ??= {};

/**
 * In the journal: `handled` is the offset of the last message of the own mailbox that was handled, and `rooms` holds
 * {epoch, handled} of every room that was joined. They are kept together with the messages that they count, in one write,
 * so that each message is handled exactly once, although the server delivers it again until it is acknowledged. In a room
 * every offset is that of a message: of those that are passed over, the person is told, exactly once as well.
 */
restante.Inbox = class Inbox {
  static #MESSAGES = 32;
  static #BYTES = 256 * 1024;
  static #WAIT_MS = 30_000;
  /** A connection on which not even an empty answer comes is dead, although nothing has said so. */
  static #SILENCE_MS = Inbox.#WAIT_MS + 20_000;

  #store;
  #surroundings;
  #rooms;
  #exchange = null;

  constructor(store, surroundings, rooms) {
    this.#store = store;
    this.#surroundings = surroundings;
    this.#rooms = rooms;
  }

  /** Fetches until it is stopped. `giveUp(reason)` is called once when that makes no sense on this connection any more. */
  async start(exchange, giveUp) {
    this.#exchange = exchange;
    const isCurrent = () => this.#exchange === exchange;
    try {
      await restante.askAgain(this.#surroundings, async () => {
        const callOff = this.#surroundings.timers.after(Inbox.#SILENCE_MS, () => isCurrent() && giveUp("silent"));
        // As long as something may be gone of which nobody knows, it is to be said at once that nothing is there.
        const isAtOnce = [...this.#rooms.unsettled.values()].some(({ isVague }) => !isVague);
        const wait = isAtOnce ? 0 : Inbox.#WAIT_MS;
        const reply = await this.#fetch(exchange, restante.protocolV2.EVERYTHING, wait).finally(callOff);
        if (reply.name === "REFUSED" && isCurrent()) {
          const refusal = restante.protocolV2.refusalName(reply.reason);
          if (refusal === "wrong_epoch") {
            giveUp("epoch");
            return { goOn: false };
          }
          this.#store.notify(`Nothing can be fetched: ${restante.refusalWords(refusal, this.#store.state.id)}.`, "bad");
        }
        const isNews = reply.name === "FETCHED" && (reply.delivered > 0 || (isAtOnce && reply.remaining === 0));
        return { goOn: isCurrent(), isNews };
      });
    } catch (error) {
      restante.expectConnectionLost(error);
    }
  }

  stop() {
    this.#exchange = null;
  }

  /** Takes what a room holds now: a request that waits may have begun before the room was joined. */
  async drain(room) {
    const exchange = this.#exchange;
    let reply = null;
    do {
      reply = exchange && (await this.#fetch(exchange, room, 0));
    } while (reply?.name === "FETCHED" && reply.delivered > 0 && reply.remaining > 0);
  }

  async #fetch(exchange, source, wait) {
    const { journal } = this.#store.state;
    const epoch = journal.rooms[source]?.epoch ?? journal.epoch;
    const limits = { flags: 0, messages: Inbox.#MESSAGES, bytes: Inbox.#BYTES, wait };
    const touched = new Set();
    const unsettled = new Map(this.#rooms.unsettled);
    const fromStrangeRooms = [];
    const reply = await exchange.request({ name: "FETCH", source, epoch, ...limits }, (part) => {
      const from = part.room ?? part.source;
      if (from !== "" && !restante.isMember(this.#store.state.journal, from)) {
        fromStrangeRooms.push(part);
      } else {
        touched.add(from);
        this.#take(part);
      }
    });
    // Rooms that were joined with another browser: one learns of them by what arrives.
    for (const part of fromStrangeRooms) {
      const room = part.room ?? part.source;
      if (restante.isMember(this.#store.state.journal, room) || (await this.#rooms.enter(room)) === null) {
        touched.add(room);
        this.#take(part);
      }
    }
    if (reply.name === "FETCHED" && reply.remaining === 0) {
      const isMeant = ([room]) => source === restante.protocolV2.EVERYTHING || source === room;
      for (const [room, standing] of [...unsettled].filter(isMeant)) {
        if (this.#rooms.unsettled.get(room) !== standing) {
          continue;
        }
        const { handled } = this.#place(room);
        await this.#settle(room, standing);
        if (this.#place(room)?.handled > handled) {
          touched.add(room);
        }
      }
    }
    for (const from of touched) {
      this.#acknowledge(exchange, from);
    }
    return reply;
  }

  #place(source) {
    const { journal } = this.#store.state;
    return source === "" ? journal : journal.rooms[source];
  }

  /** All that the room had when it was entered was delivered: what did not come is gone. */
  async #settle(room, standing) {
    this.#passOver(room, standing.next - 1);
    if (standing.isVague) {
      await this.#rooms.enter(room);
    } else {
      this.#rooms.unsettled.delete(room);
    }
  }

  /** What is not handled in a room, up to this offset, is gone. The person is told in the same write that notes it. */
  #passOver(room, offset) {
    const place = this.#place(room);
    const count = offset - place.handled;
    if (count > 0) {
      const text = count === 1 ? "One message is gone" : `${count} messages are gone`;
      const { rooms } = this.#store.state.journal;
      const journal = { rooms: { ...rooms, [room]: { ...place, handled: offset } } };
      this.#addNote(room, `${text}: the room has no space for all that you have not fetched.`, journal);
    }
  }

  #take(part) {
    if (part.name === "MISSED") {
      // Where the room is not settled, some may be gone that were delivered before, and lost with their connection.
      const standing = this.#rooms.unsettled.get(part.room);
      if (standing !== undefined) {
        standing.isVague = true;
      }
      this.#passOver(part.room, this.#place(part.room).handled + part.count);
      return;
    }
    const { source, offset } = part;
    if (offset <= this.#place(source).handled) {
      return;
    }
    if (source !== "") {
      this.#passOver(source, offset - 1);
      const standing = this.#rooms.unsettled.get(source);
      if (standing !== undefined) {
        standing.isVague = false;
      }
    }
    const place = this.#place(source);
    const { rooms } = this.#store.state.journal;
    const journal = source === "" ? { handled: offset } : { rooms: { ...rooms, [source]: { ...place, handled: offset } } };
    const sent = this.#ownMessage(part);
    if (sent !== null) {
      const known = sent.outcome === "unknown" ? { outcome: "accepted", reason: "" } : {};
      this.#store.changeMessage(sent.key, { ...known, isBack: true }, journal);
      return;
    }
    const message = this.#messageOf(part);
    this.#store.addMessage(message, journal);
    if (message.direction === "received") {
      this.#surroundings.messageFetched(message);
    }
  }

  /** A room delivers to its members what they sent themselves: the message that is this one, or null. */
  #ownMessage({ source, sender, payload }) {
    const { id, messages } = this.#store.state;
    if (source === "" || sender !== id) {
      return null;
    }
    const text = restante.protocolV2.textOf(payload);
    const isIt = ({ direction, peer, isBack, ...message }) =>
      direction === "sent" && peer === source && message.text === text && !isBack;
    return (
      messages.find((message) => isIt(message) && ["waiting", "accepted"].includes(message.outcome)) ??
      messages.find((message) => isIt(message) && message.outcome === "unknown") ??
      null
    );
  }

  #messageOf({ source, sender, time, payload }) {
    const text = restante.protocolV2.textOf(payload);
    const said = text === null ? { text, hex: restante.protocol.toHex(payload) } : { text };
    if (source !== "" && sender === this.#store.state.id) {
      return { direction: "sent", peer: source, time, outcome: "accepted", isBack: true, ...said };
    }
    const from = source === "" ? { peer: sender } : { peer: source, sender };
    return { direction: "received", ...from, time, outcome: "fetched", unread: true, ...said };
  }

  #addNote(peer, text, journal) {
    const note = { direction: "note", peer, text, time: this.#surroundings.now(), outcome: "fetched" };
    this.#store.addMessage(note, journal);
  }

  async #acknowledge(exchange, source) {
    const place = this.#place(source);
    if (place === undefined) {
      return;
    }
    try {
      const reply = await exchange.request({ name: "ACK", source, epoch: place.epoch, offset: place.handled });
      // Other refusals change nothing here: what is not noted is delivered again, and then known to be handled.
      if (reply.name === "REFUSED" && source !== "" && restante.protocolV2.refusalName(reply.reason) === "wrong_epoch") {
        await this.#rooms.enter(source);
      }
    } catch (error) {
      restante.expectConnectionLost(error);
    }
  }
};
