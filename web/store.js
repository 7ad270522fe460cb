// Everything that the page shows, in one state. Views read it and keep nothing of their own.
"use strict";

globalThis.restante ??= {};

/**
 * `state` is immutable: a change makes a new object, in which parts that did not change are the same objects as before.
 * Event "change" follows each change. Messages are stored before a change that shows them is told.
 *
 * phase: "disconnected", "connecting", "connected" (no ID yet) or "associated".
 * wanted: whether the person is to be associated; when the connection is lost it is made again.
 * retry: null, or {seconds} until the next try to connect.
 * choice: "automatic", which is the newest protocol that the server speaks, or "classic". protocol: "classic" or "v2",
 *   what the server was found to speak, or null.
 * server, id: whose conversations are shown, or null. The ID is a number in the classic protocol, and in restante.v2 an
 *   address, which is a text; so are peers.
 * token: what proves to the server that this tab held the address, or null.
 * asksCredential: whether the server was found to ask for a password or token.
 * payloadBytes: how long a message may be.
 * journal: null in the classic protocol; in restante.v2 {epoch, highest, used, foreign, handled, rooms}, where the
 *   numbers of messages sent stand (outbox.js) and those of messages handled (inbox.js).
 * members: of the room that is open, {room, members: [{name, present}], membersInAll}, or null.
 * notice: {text, tone: "calm" | "good" | "bad"}, what happened last.
 * messages: {key, direction: "sent" | "received", peer, text, time, outcome, reason, unread}; time is in milliseconds
 *   since 1970; outcome is "waiting", "accepted", "refused" or "unknown" for what was sent, and "fetched" for what was
 *   received; text is null for bytes that are no text, and then hex holds them. With restante.v2 also, direction "note"
 *   for what the page says of a conversation; sender, where the peer is a room; sequence and receipt (outbox.js,
 *   receipts.js); isBack, once a room has given back what was sent to it.
 * selected: the peer whose conversation is open, NEW_MESSAGE for a message to somebody else, or null.
 * drafts: what was written and not sent, by draftName(selected); under "to" to whom a new message is.
 * packets: {key, direction, hex, meaning, time}, the last PACKETS_MAX; heldPackets: the same as they were when the person
 *   paused them, or null.
 * interval: seconds between automatic fetches, 0 for none. notifications: whether they are asked for.
 * kept: whether the browser keeps the messages across a reload.
 */
restante.Store = class Store extends EventTarget {
  static PACKETS_MAX = 300;
  /** No peer: it is the empty text, which is no address either. */
  static NEW_MESSAGE = "";
  /** What belongs to a tab and comes back after its reload. */
  static #OF_TAB = [
    "choice",
    "protocol",
    "server",
    "id",
    "token",
    "wanted",
    "selected",
    "drafts",
    "interval",
    "notifications",
  ];

  #storage;
  #now;
  #nextKey = 1;
  #holdsMailbox = false;
  #state = Object.freeze({
    phase: "disconnected",
    wanted: false,
    retry: null,
    choice: "automatic",
    protocol: null,
    server: null,
    id: null,
    token: null,
    asksCredential: false,
    payloadBytes: restante.protocol.PAYLOAD_BYTES_MAX,
    journal: null,
    members: null,
    notice: { text: "Say who you are to begin.", tone: "calm" },
    messages: [],
    selected: null,
    drafts: {},
    packets: [],
    heldPackets: null,
    interval: 0,
    notifications: false,
    kept: true,
  });

  /** `now()` gives milliseconds since 1970. */
  constructor(storage, now) {
    super();
    this.#storage = storage;
    this.#now = now;
  }

  get state() {
    return this.#state;
  }

  /** Under which name the text is kept that was begun in this conversation. */
  static draftName(selected) {
    return (selected ?? Store.NEW_MESSAGE) === Store.NEW_MESSAGE ? "new" : `of ${selected}`;
  }

  /** Whether the page speaks of client IDs, as in the classic protocol, and not of names. */
  static isClassic({ id, choice }) {
    return id === null ? choice === "classic" : typeof id === "number";
  }

  change(changes) {
    this.#state = Object.freeze({ ...this.#state, ...changes });
    if (Store.#OF_TAB.some((name) => name in changes)) {
      this.#storage.saveTab(Object.fromEntries(Store.#OF_TAB.map((name) => [name, this.#state[name]])));
    }
    this.dispatchEvent(new Event("change"));
  }

  notify(text, tone = "calm") {
    this.change({ notice: { text, tone } });
  }

  /**
   * Takes up what this tab was doing before its reload; `choice` is for a tab that did nothing yet. Returns whether the
   * person was associated, or to be.
   */
  restoreTab(choice = "automatic") {
    const tab = this.#storage.loadTab();
    if (tab === null) {
      this.change({ choice });
      return false;
    }
    const { server, id, wanted, selected, drafts, interval, notifications } = tab;
    const { protocol = null, token = null } = tab;
    if (id !== null) {
      this.openMailbox(server, id);
    }
    this.change({ choice: tab.choice ?? choice, protocol, token, selected, drafts, interval, notifications });
    return wanted;
  }

  /** Shows the conversations that are kept for this ID at this server. */
  openMailbox(server, id) {
    if (server === this.#state.server && id === this.#state.id) {
      return;
    }
    this.#holdsMailbox = false;
    const isClassic = typeof id === "number";
    const kept = this.#storage.loadMailbox(server, id) ?? [];
    const messages = kept.map((message) =>
      isClassic && message.outcome === "waiting" ? { ...message, ...restante.Storage.UNANSWERED } : message,
    );
    const journal = isClassic ? null : this.#storage.loadJournal(server, id);
    // What was written before there was any ID is still to be sent; what was written as another ID is not.
    const drafts = this.#state.id === null ? this.#state.drafts : {};
    const shown = this.#withKeys(messages);
    this.change({ server, id, journal, token: null, members: null, messages: shown, selected: null, drafts });
  }

  /** From now on this tab, which was given the ID, keeps its conversations; other tabs only read them. */
  holdMailbox() {
    this.#holdsMailbox = true;
  }

  /** To be called when another tab has changed what is kept under this name; null stands for everything. */
  takeOverFromOtherTab(name) {
    const { server, id, phase } = this.#state;
    if (id === null || (name !== null && name !== restante.Storage.mailboxName(server, id))) {
      return;
    }
    const messages = this.#storage.loadMailbox(server, id);
    if (messages === null) {
      this.change({ messages: [] });
    } else if (phase !== "associated" && typeof id === "number") {
      this.#holdsMailbox = false;
      this.change({ messages: this.#withKeys(messages) });
    }
  }

  /** Returns the key by which the message can be changed. The journal, where it changes too, is kept with it at once. */
  addMessage(message, journal = {}) {
    const key = this.#nextKey++;
    const added = Object.freeze({ reason: "", unread: false, ...message, key });
    this.#keepAndChange(restante.Storage.bounded([...this.#state.messages, added]), journal);
    return key;
  }

  changeMessage(key, changes, journal = {}) {
    this.changeMessages((message) => (message.key === key ? changes : null), journal);
  }

  /** `changesOf(message)` gives what is different about a message from now on, or null. */
  changeMessages(changesOf, journal = {}) {
    const changed = (message) => {
      const changes = changesOf(message);
      return changes === null ? message : Object.freeze({ ...message, ...changes });
    };
    this.#keepAndChange(this.#state.messages.map(changed), journal);
  }

  changeJournal(journal) {
    this.#keepAndChange(this.#state.messages, journal);
  }

  /** The message with this key, changed, becomes the last one. */
  moveMessageToEnd(key, changes) {
    const message = this.#state.messages.find((candidate) => candidate.key === key);
    const others = this.#state.messages.filter((candidate) => candidate !== message);
    this.#keepAndChange([...others, Object.freeze({ ...message, ...changes })]);
  }

  /** The person has seen what this peer sent. */
  markRead(peer) {
    const isNew = (message) => message.unread && message.peer === peer;
    if (this.#state.messages.some(isNew)) {
      this.changeMessages((message) => (isNew(message) ? { unread: false } : null));
    }
  }

  setDraft(name, text) {
    const { [name]: before, ...others } = this.#state.drafts;
    if ((before ?? "") !== text) {
      this.change({ drafts: text === "" ? others : { ...others, [name]: text } });
    }
  }

  /** Forgets the conversations of every ID that this browser keeps. */
  forgetEverything() {
    this.#storage.clear();
    this.change({ drafts: {}, selected: null, packets: [], heldPackets: null });
    // The journal is no conversation: without it, this tab could not tell new messages from old ones.
    if (this.#state.journal === null) {
      this.change({ messages: [] });
    } else {
      this.#keepAndChange([]);
    }
  }

  addPacket(packet) {
    const kept = this.#state.packets.slice(-(Store.PACKETS_MAX - 1));
    this.change({ packets: [...kept, Object.freeze({ ...packet, key: this.#nextKey++ })] });
  }

  #keepAndChange(messages, journalChanges = {}) {
    const { server, id } = this.#state;
    const isSame = Object.keys(journalChanges).length === 0;
    const journal = isSame ? this.#state.journal : Object.freeze({ ...this.#state.journal, ...journalChanges });
    const kept = !this.#holdsMailbox || this.#storage.saveMailbox(server, id, messages, this.#now(), journal);
    this.change({ messages, journal, kept });
  }

  #withKeys(messages) {
    return messages.map((message) => Object.freeze({ ...message, key: this.#nextKey++ }));
  }
};

/**
 * The conversations that messages make up, the one with the newest message first, and then the rooms in which nothing was
 * said yet: {key, peer, last, unread}, where last is null when there is no message.
 */
restante.conversationsOf = (messages, rooms = []) => {
  const byPeer = new Map(rooms.map((room) => [room, { key: room, peer: room, last: null, unread: 0 }]));
  for (const message of messages) {
    const unread = (byPeer.get(message.peer)?.unread ?? 0) + (message.unread ? 1 : 0);
    byPeer.delete(message.peer);
    byPeer.set(message.peer, { key: message.peer, peer: message.peer, last: message, unread });
  }
  return [...byPeer.values()].reverse();
};
