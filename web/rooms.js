// Rooms of restante.v2: joining and leaving them, and who is there.
"use strict";

globalThis.restante ??= {};

/**
 * Which rooms were joined stands in the journal of the store; the members of the room that is open stand in `members`.
 * `unsettled` holds {next, isVague} of each room of which not all that it has had when it was entered came or is known to
 * be gone: the offset that its next message would get, and whether more may be gone than the server has said.
 */
restante.Rooms = class Rooms {
  static MEMBERS_MAX = 500;
  static #PAGE = 100;
  static #WAIT_MS = 30_000;
  /** Refusals after which one is no member. */
  static #FINAL = ["unauthorised", "no_such_room", "not_a_member", "bad_address"];

  unsettled = new Map();
  #store;
  #surroundings;
  #exchange = null;
  /** The rooms were entered, so that a server that lost them knows a member who asks for the others. */
  #isIn = false;
  #watched = null;
  #watches = 0;

  constructor(store, surroundings) {
    this.#store = store;
    this.#surroundings = surroundings;
    store.addEventListener("change", () => this.#follow());
  }

  /**
   * Enters again every room that was joined: each may stand elsewhere by now, or be gone. Resolves to false when that is
   * not known of one of them, so that what it delivers could not be told from what it delivered before.
   */
  async start(exchange) {
    this.#exchange = exchange;
    const known = await Promise.all(
      Object.keys(this.#store.state.journal.rooms).map(async (room) => {
        const refusal = await this.enter(room);
        if (Rooms.#FINAL.includes(refusal)) {
          this.#forget(room);
          this.#store.notify(`You are not in ${room} any more: ${restante.refusalWords(refusal, room)}.`, "bad");
        }
        return refusal === null || Rooms.#FINAL.includes(refusal);
      }),
    );
    if (exchange === this.#exchange) {
      this.#isIn = true;
      this.#follow();
    }
    return !known.includes(false);
  }

  stop() {
    this.#exchange = null;
    this.#isIn = false;
    this.#watched = null;
    this.unsettled.clear();
    this.#store.change({ members: null });
  }

  /** Becomes a member, or learns where a member stands. Resolves to null, or to the name of the refusal. */
  async enter(room) {
    if (this.#exchange === null) {
      throw new restante.ConnectionLost();
    }
    const reply = await this.#exchange.request({ name: "JOIN", room });
    if (reply.name === "REFUSED") {
      return restante.protocolV2.refusalName(reply.reason);
    }
    const { rooms } = this.#store.state.journal;
    const isKnown = rooms[room]?.epoch === reply.epoch;
    // What was acknowledged further on, another client of this address has handled.
    const handled = Math.max(isKnown ? rooms[room].handled : -1, reply.cursor - 1);
    if (!isKnown || handled > rooms[room].handled) {
      this.#store.changeJournal({ rooms: { ...rooms, [room]: { epoch: reply.epoch, handled } } });
    }
    this.unsettled.delete(room);
    if (reply.nextOffset > handled + 1) {
      this.unsettled.set(room, { next: reply.nextOffset, isVague: false });
    }
    return null;
  }

  /** Resolves to null, or to the name of the refusal. */
  async leave(room) {
    if (this.#exchange === null) {
      throw new restante.ConnectionLost();
    }
    const reply = await this.#exchange.request({ name: "LEAVE", room });
    const refusal = reply.name === "REFUSED" ? restante.protocolV2.refusalName(reply.reason) : null;
    if (refusal === null || Rooms.#FINAL.includes(refusal)) {
      this.#forget(room);
      return null;
    }
    return refusal;
  }

  #forget(room) {
    this.unsettled.delete(room);
    const { [room]: gone, ...rooms } = this.#store.state.journal.rooms;
    this.#store.changeJournal({ rooms });
  }

  /** Watches the room that is open. */
  #follow() {
    const { selected, journal } = this.#store.state;
    const room = this.#isIn && restante.isMember(journal, selected) ? selected : null;
    if (room === this.#watched) {
      return;
    }
    this.#watched = room;
    this.#watches += 1;
    this.#store.change({ members: null });
    if (room !== null) {
      this.#watch(this.#exchange, room, this.#watches);
    }
  }

  async #watch(exchange, room, watch) {
    let version = 0;
    try {
      await restante.askAgain(this.#surroundings, async () => {
        const found = await this.#membersOf(exchange, room, version);
        if (watch !== this.#watches || found.refusal !== undefined) {
          // A limit of the server may have been reached; that passes.
          return { goOn: watch === this.#watches && !Rooms.#FINAL.includes(found.refusal), isNews: false };
        }
        const isNews = found.version !== version;
        version = found.version;
        if (isNews) {
          this.#store.change({ members: { room, members: found.members, membersInAll: found.membersInAll } });
        }
        return { goOn: true, isNews };
      });
    } catch (error) {
      restante.expectConnectionLost(error);
    }
  }

  /** All members, page by page, once their version is not the known one, or {refusal}. */
  async #membersOf(exchange, room, knownVersion) {
    let found = null;
    for (;;) {
      const after = found?.members.at(-1)?.name ?? "";
      const first = found === null ? { knownVersion, wait: Rooms.#WAIT_MS } : { knownVersion: 0, wait: 0 };
      const reply = await exchange.request({ name: "STATUS", source: room, after, members: Rooms.#PAGE, ...first });
      if (reply.name !== "MEMBERS") {
        return { refusal: restante.protocolV2.refusalName(reply.reason) };
      }
      // A list of which one page is older than another is still right but for what the next version will tell.
      const { version, membersInAll } = found ?? reply;
      found = { version, membersInAll, members: [...(found?.members ?? []), ...reply.members] };
      if (reply.more === 0 || reply.members.length === 0 || found.members.length >= Rooms.MEMBERS_MAX) {
        return found;
      }
    }
  }
};

/** Whether the address with this journal has joined what is named so. */
restante.isMember = (journal, name) => journal !== null && typeof name === "string" && Object.hasOwn(journal.rooms, name);
