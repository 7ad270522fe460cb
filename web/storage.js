// What outlives a reload: the conversations of each client ID, and what this tab was doing. The only file that knows
// where the browser keeps things. Everything is bounded, and what another version wrote is not read.
"use strict";

globalThis.restante ??= {};

/**
 * `local` keeps conversations, and all tabs share it; `session` keeps what belongs to one tab. Both are like
 * localStorage, or null where the browser refuses them. Nothing here throws: what cannot be kept is answered with false.
 */
restante.Storage = class Storage {
  /** Messages kept for one client ID at one server; the oldest go first. */
  static MESSAGES_MAX = 500;
  /** Client IDs whose conversations are kept; the one that was used longest ago goes first. */
  static MAILBOXES_MAX = 8;
  static #PREFIX = "restante/1/";

  #local;
  #session;

  constructor(local, session) {
    this.#local = local;
    this.#session = session;
  }

  /** Under which name the conversations of this ID at this server are kept. */
  static mailboxName(server, id) {
    return `${Storage.#PREFIX}mailbox/${id}/${server}`;
  }

  /** The messages kept for this ID at this server, or null when there are none. */
  loadMailbox(server, id) {
    const kept = this.#read(this.#local, Storage.mailboxName(server, id));
    return Array.isArray(kept?.messages) ? kept.messages.filter(Storage.#isMessage).slice(-Storage.MESSAGES_MAX) : null;
  }

  saveMailbox(server, id, messages, now) {
    const name = Storage.mailboxName(server, id);
    const kept = messages.map(({ key, ...rest }) => rest);
    this.#makeRoom(name);
    return this.#write(this.#local, name, { usedAt: now, messages: kept });
  }

  /** What this tab was doing, or null. */
  loadTab() {
    return this.#read(this.#session, `${Storage.#PREFIX}tab`);
  }

  saveTab(tab) {
    return this.#write(this.#session, `${Storage.#PREFIX}tab`, tab);
  }

  /** Forgets the conversations of every ID. */
  clear() {
    for (const name of this.#mailboxNames()) {
      this.#local.removeItem(name);
    }
  }

  #mailboxNames() {
    const names = Array.from({ length: this.#local?.length ?? 0 }, (_, index) => this.#local.key(index));
    return names.filter((name) => name.startsWith(`${Storage.#PREFIX}mailbox/`));
  }

  #makeRoom(name) {
    const others = this.#mailboxNames().filter((other) => other !== name);
    if (others.length < Storage.MAILBOXES_MAX) {
      return;
    }
    const byAge = others
      .map((other) => ({ other, usedAt: Number(this.#read(this.#local, other)?.usedAt ?? 0) }))
      .sort((left, right) => left.usedAt - right.usedAt);
    for (const { other } of byAge.slice(0, others.length - Storage.MAILBOXES_MAX + 1)) {
      this.#local.removeItem(other);
    }
  }

  #read(place, name) {
    try {
      return JSON.parse(place?.getItem(name) ?? "null");
    } catch {
      return null;
    }
  }

  #write(place, name, value) {
    try {
      place.setItem(name, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  }

  /** Pages from files share one storage, so what is in it may be anybody's. */
  static #isMessage(value) {
    return (
      typeof value === "object" &&
      value !== null &&
      (value.direction === "sent" || value.direction === "received") &&
      Number.isInteger(value.peer) &&
      value.peer >= 0 &&
      value.peer <= restante.protocol.ID_MAX &&
      Number.isFinite(value.time) &&
      ["waiting", "accepted", "refused", "unknown", "fetched"].includes(value.outcome) &&
      typeof value.reason === "string" &&
      typeof value.unread === "boolean" &&
      (typeof value.text === "string" || (value.text === null && typeof value.hex === "string"))
    );
  }
};
