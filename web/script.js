// Ties the page together: reads what a person typed, checks it, and calls the messenger.
"use strict";

(() => {
  const { protocol, views, lists, input } = restante;
  const byId = (id) => document.getElementById(id);
  const page = {
    phase: byId("phase"),
    phaseText: byId("phase-text"),
    noticeBar: byId("notice-bar"),
    notice: byId("notice"),
    retry: byId("retry"),
    retryText: byId("retry-text"),
    tryNow: byId("try-now"),
    identity: byId("identity"),
    clientId: byId("client-id"),
    clientIdLabel: byId("client-id-label"),
    clientIdHint: byId("client-id-hint"),
    credentialField: byId("credential-field"),
    credential: byId("credential"),
    protocol: byId("protocol"),
    server: byId("server"),
    associate: byId("associate"),
    mailbox: byId("mailbox"),
    stamp: byId("stamp"),
    owner: byId("owner"),
    ownerServer: byId("owner-server"),
    leave: byId("leave"),
    getActions: byId("get-actions"),
    getOne: byId("get-one"),
    getAll: byId("get-all"),
    getHere: byId("get-here"),
    intervalOptions: byId("interval-options"),
    interval: byId("interval"),
    notifications: byId("notifications"),
    conversations: byId("conversations"),
    newMessage: byId("new-message"),
    join: byId("join"),
    joinDialog: byId("join-dialog"),
    joinForm: byId("join-form"),
    room: byId("room"),
    doNotJoin: byId("do-not-join"),
    part: byId("part"),
    members: byId("members"),
    membersCount: byId("members-count"),
    memberList: byId("member-list"),
    kept: byId("kept"),
    forget: byId("forget"),
    forgetDialog: byId("forget-dialog"),
    forgetThem: byId("forget-them"),
    keepThem: byId("keep-them"),
    thread: byId("thread"),
    back: byId("back"),
    threadTitle: byId("thread-title"),
    messages: byId("messages"),
    compose: byId("compose"),
    toField: byId("to-field"),
    receiver: byId("receiver"),
    receiverHint: byId("receiver-hint"),
    text: byId("text"),
    textCount: byId("text-count"),
    textGauge: byId("text-gauge"),
    send: byId("send"),
    packets: byId("packets"),
    packetCount: byId("packet-count"),
    pausePackets: byId("pause-packets"),
    copyPackets: byId("copy-packets"),
    announcements: byId("announcements"),
  };
  /** Where a conversation takes the whole page, as layout.css says. */
  const narrow = matchMedia("(max-width: 55.99rem)");

  /** A browser that keeps nothing may throw at the mere name. */
  function placeToKeep(name) {
    try {
      return globalThis[name];
    } catch {
      return null;
    }
  }

  const timers = {
    random: () => Math.random(),
    after(milliseconds, action) {
      const timer = setTimeout(action, milliseconds);
      return () => clearTimeout(timer);
    },
  };
  /**
   * Lets one tab alone have this name: resolves to what lets go of it again, or to null when another tab has it. Where the
   * browser knows no locks, which is so for pages that did not come over a secure connection, everybody gets it; the
   * server still lets nobody have an address twice.
   */
  function holdAddress(name) {
    if (!navigator.locks) {
      return Promise.resolve(() => {});
    }
    // A page that is loaded again may have it for a moment longer.
    const signal = AbortSignal.timeout(1_000);
    return new Promise((resolve) => {
      navigator.locks
        .request(`restante ${name}`, { signal }, () => new Promise((release) => resolve(release)))
        .catch(() => resolve(null));
    });
  }

  const store = new restante.Store(
    new restante.Storage(placeToKeep("localStorage"), placeToKeep("sessionStorage")),
    () => Date.now(),
  );
  const surroundings = {
    createConnection: (address, subprotocol) => new restante.Connection(address, subprotocol),
    now: () => Date.now(),
    timers,
    holdAddress,
    originToAllow: (address) => restante.originToAllow(location, address),
    packetSeen: (packet) => console.debug(lists.packetLine(packet)),
    messageFetched(message) {
      views.announce(page, message);
      showNotification(message);
    },
  };
  const messenger = new restante.AnyMessenger(
    store,
    new restante.Messenger(store, surroundings),
    new restante.MessengerV2(store, surroundings),
  );
  const session = new restante.Session(store, messenger, timers);
  new restante.AutomaticFetch(store, messenger, timers);

  // ---- What a person typed ----

  /** The value of what was read from this field, or null after saying at the field what is wrong. */
  function accept(field, { value = null, problem = "" }) {
    views.showFieldError(field, problem);
    return value;
  }

  /** The address of the server, or null after saying at the field what is wrong. */
  function readServer() {
    const address = restante.readServerAddress(page.server.value);
    views.showFieldError(page.server, address ? "" : "Please enter an address like ws://localhost:12345.");
    return address;
  }

  /** The text to send, or null after saying at the field what is wrong. */
  function readText() {
    const over = protocol.byteLength(page.text.value) - views.payloadBytesMax(page, store.state);
    let problem = "";
    if (page.text.value === "") {
      problem = "Please write something first.";
    } else if (over > 0) {
      problem = `This is ${over === 1 ? "one byte" : `${over} bytes`} too long. Please shorten it.`;
    }
    views.showFieldError(page.text, problem);
    return problem === "" ? page.text.value : null;
  }

  /** Whether there is somebody to act as; says what to do where there is none. */
  function requireAssociated() {
    const { phase, wanted } = store.state;
    if (phase === "associated") {
      return true;
    }
    const first = restante.Store.isClassic(store.state) ? "Associate with a client ID first." : "Open your mailbox first.";
    store.notify(wanted ? "You are not connected at present. Please try again when you are." : first, "bad");
    return false;
  }

  /** Whether something can be sent: by name also while there is no connection, because it waits. */
  function requireOutbox() {
    const { id, wanted } = store.state;
    return (wanted && typeof id === "string") || requireAssociated();
  }

  // ---- What a person does ----

  async function associate() {
    const id = accept(page.clientId, input.readOwner(page.clientId.value, store.state));
    const server = readServer();
    if (id === null || server === null) {
      (id === null ? page.clientId : page.server).focus();
      return;
    }
    const credential = page.credential.value;
    page.credential.value = "";
    views.showFieldError(page.credential, "");
    const result = await session.associate(server, id, { credential });
    const isClassic = restante.Store.isClassic(store.state);
    if (result === "associated") {
      (!narrow.matches ? page.receiver : isClassic ? page.getAll : page.newMessage).focus();
    } else if (result === "taken") {
      views.showFieldError(page.clientId, typeof id === "number" ? `ID ${id} is taken.` : `${id} is taken.`);
      page.clientId.select();
    } else if (result === "nameless") {
      views.showFieldError(page.clientId, "Please enter a whole number from 0 to 255.");
      page.clientId.select();
    } else if (result === "unauthorised") {
      askForCredential(credential === "" ? "" : "This is not right.");
    }
  }

  function askForCredential(problem) {
    views.showFieldError(page.credential, problem);
    page.credential.focus();
  }

  /** Gets back what this tab held; a server that asks for a password asks again after a reload, which keeps none. */
  async function resume() {
    await session.resume();
    const { wanted, asksCredential } = store.state;
    if (!wanted && asksCredential) {
      showOwnerInForm();
      askForCredential("");
    }
  }

  function leave() {
    session.leave();
    showOwnerInForm();
    page.clientId.focus();
  }

  function showOwnerInForm() {
    page.clientId.value = String(store.state.id ?? "");
    page.server.value = store.state.server ?? restante.defaultServerAddress(location);
  }

  function open(selected) {
    store.change({ selected });
    if (selected === null) {
      (page.conversations.querySelector('button[tabindex="0"]') ?? page.newMessage).focus();
    } else if (!views.isPeer(selected)) {
      page.receiver.focus();
    } else {
      // On a phone the focus in a text field would cover half of the conversation with a keyboard.
      (narrow.matches ? page.threadTitle : page.text).focus();
    }
  }

  function send() {
    if (!requireOutbox()) {
      return;
    }
    const receiver = accept(page.receiver, input.readReceiver(page.receiver.value, store.state));
    const text = readText();
    if (receiver === null || text === null) {
      (receiver === null ? page.receiver : page.text).focus();
      return;
    }
    if (messenger.send(receiver, text) === false) {
      return;
    }
    store.setDraft(restante.Store.draftName(store.state.selected), "");
    store.setDraft("to", "");
    page.text.value = "";
    views.showByteCount(page, store.state);
    store.change({ selected: receiver });
    page.messages.scrollTop = page.messages.scrollHeight;
    page.text.focus();
  }

  function fetch(count) {
    if (requireAssociated()) {
      messenger.fetch(count);
    }
  }

  /** What was fetched counts as read when its conversation is open on a page that is looked at. */
  function markRead() {
    if (!document.hidden && views.isPeer(store.state.selected)) {
      store.markRead(store.state.selected);
    }
  }

  // ---- Rooms ----

  function askForRoom() {
    if (requireAssociated()) {
      page.room.value = "#";
      views.showFieldError(page.room, "");
      page.joinDialog.showModal();
      page.room.focus();
      page.room.setSelectionRange(1, 1);
    }
  }

  async function joinRoom() {
    const room = accept(page.room, input.readRoom(page.room.value));
    if (room === null) {
      page.room.focus();
      return;
    }
    const problem = await messenger.join(room);
    if (problem !== null) {
      views.showFieldError(page.room, `You could not join: ${problem}.`);
      page.room.focus();
      return;
    }
    page.joinDialog.close();
    store.notify(`You are in ${room}.`, "good");
    open(room);
  }

  async function partRoom() {
    const room = store.state.selected;
    if (requireAssociated()) {
      const problem = await messenger.part(room);
      if (problem === null) {
        store.notify(`You left ${room}.`, "good");
        page.threadTitle.focus();
      } else {
        store.notify(`You are still in ${room}: ${problem}.`, "bad");
      }
    }
  }

  // ---- Notifications ----

  function showNotification(message) {
    const { peer, text } = message;
    if (store.state.notifications && document.hidden && globalThis.Notification?.permission === "granted") {
      const title = `Message from ${lists.whoOf(message)}`;
      const notification = new Notification(title, { body: text ?? "", tag: `restante ${peer}` });
      notification.addEventListener("click", () => {
        globalThis.focus();
        open(peer);
      });
    }
  }

  async function toggleNotifications() {
    if (store.state.notifications) {
      store.change({ notifications: false });
      return;
    }
    if (!globalThis.Notification) {
      store.notify("This browser has no notifications.", "bad");
    } else if ((await Notification.requestPermission()) === "granted") {
      store.change({ notifications: true });
      store.notify("You will be notified of messages that are fetched while you look elsewhere.", "good");
    } else {
      store.notify("The browser does not allow notifications for this page.", "bad");
    }
  }

  // ---- Packets ----

  async function copyPackets() {
    const { packets, heldPackets } = store.state;
    const shown = heldPackets ?? packets;
    try {
      await navigator.clipboard.writeText(`${shown.map(lists.packetLine).join("\n")}\n`);
      store.notify(`${shown.length === 1 ? "One packet" : `${shown.length} packets`} copied.`, "good");
    } catch {
      // Without a secure connection, browsers have no clipboard.
      getSelection().selectAllChildren(page.packets);
      store.notify("The browser does not let this page copy: the packets are selected for you.", "bad");
    }
  }

  // ---- Listening ----

  page.identity.addEventListener("submit", (event) => {
    event.preventDefault();
    if (store.state.phase === "connecting") {
      session.leave();
    } else {
      associate();
    }
  });
  page.leave.addEventListener("click", leave);
  page.tryNow.addEventListener("click", () => {
    page.leave.focus();
    resume();
  });
  addEventListener("online", () => store.state.wanted && resume());
  page.protocol.addEventListener("change", () => {
    views.showFieldError(page.clientId, "");
    store.change({ choice: page.protocol.value });
  });
  page.join.addEventListener("click", askForRoom);
  page.joinForm.addEventListener("submit", (event) => {
    event.preventDefault();
    joinRoom();
  });
  page.doNotJoin.addEventListener("click", () => page.joinDialog.close());
  page.part.addEventListener("click", partRoom);
  page.compose.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  page.text.addEventListener("keydown", (event) => {
    // While an input method composes a character, Enter belongs to it.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      page.compose.requestSubmit();
    }
  });
  page.text.addEventListener("input", () => {
    store.setDraft(restante.Store.draftName(store.state.selected), page.text.value);
    views.showByteCount(page, store.state);
    if (page.text.hasAttribute("aria-invalid")) {
      readText();
    }
  });
  page.receiver.addEventListener("input", () => {
    store.setDraft("to", page.receiver.value);
    views.showByteCount(page, store.state);
  });
  for (const field of [page.clientId, page.credential, page.receiver, page.server, page.room]) {
    field.addEventListener("input", () => views.showFieldError(field, ""));
  }
  page.getOne.addEventListener("click", () => fetch(1));
  for (const button of [page.getAll, page.getHere]) {
    button.addEventListener("click", () => fetch(protocol.MAILBOX_MESSAGES_MAX));
  }
  page.interval.addEventListener("change", () => store.change({ interval: Number(page.interval.value) }));
  page.notifications.addEventListener("click", toggleNotifications);

  page.newMessage.addEventListener("click", () => open(restante.Store.NEW_MESSAGE));
  page.back.addEventListener("click", () => open(null));
  page.thread.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing) {
      open(null);
    }
  });
  page.conversations.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) {
      const { peer } = button.dataset;
      open(restante.Store.isClassic(store.state) ? Number(peer) : peer);
    }
  });
  page.conversations.addEventListener("keydown", (event) => {
    const buttons = Array.from(page.conversations.querySelectorAll("button"));
    const here = buttons.indexOf(event.target);
    const target = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (buttons[target]) {
      event.preventDefault();
      buttons[target].focus();
    }
  });
  page.messages.addEventListener("click", (event) => {
    const key = Number(event.target.dataset.again);
    if (key && requireOutbox()) {
      messenger.sendAgain(key);
      page.text.focus();
    }
  });

  page.pausePackets.addEventListener("click", () => {
    store.change({ heldPackets: store.state.heldPackets === null ? store.state.packets : null });
  });
  page.copyPackets.addEventListener("click", copyPackets);
  page.forget.addEventListener("click", () => page.forgetDialog.showModal());
  page.keepThem.addEventListener("click", () => page.forgetDialog.close());
  page.forgetThem.addEventListener("click", () => {
    page.forgetDialog.close();
    store.forgetEverything();
    store.notify("The conversations are forgotten.");
    page.newMessage.focus();
  });
  store.addEventListener("change", markRead);
  document.addEventListener("visibilitychange", markRead);
  addEventListener("storage", ({ key, storageArea }) => {
    if (storageArea === placeToKeep("localStorage")) {
      store.takeOverFromOtherTab(key);
    }
  });

  // The end of a conversation stays in sight when there is less room for it.
  let atEnd = true;
  page.messages.addEventListener("scroll", () => {
    atEnd = page.messages.scrollHeight - page.messages.scrollTop - page.messages.clientHeight < 24;
  });
  new ResizeObserver(() => {
    page.messages.scrollTop = atEnd ? page.messages.scrollHeight : page.messages.scrollTop;
  }).observe(page.messages);

  // ---- Beginning ----

  // A link can name the protocol; what this tab was doing goes before it.
  const toResume = store.restoreTab(location.hash === "#classic" ? "classic" : "automatic");
  showOwnerInForm();
  views.show(store, page);
  markRead();
  if (toResume) {
    Promise.resolve(messenger.takeUp()).then(resume);
  } else {
    page.clientId.focus();
  }
})();
