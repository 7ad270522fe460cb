// What the page looks like for a state of the store. Views read the store, write the page, and remember nothing that
// the store does not hold.
"use strict";

globalThis.restante ??= {};

restante.views = (() => {
  const { lists } = restante;
  /** Lines that the log for screen readers holds. */
  const ANNOUNCEMENTS_MAX = 20;

  const PHASES = {
    disconnected: () => "Not connected",
    connecting: () => "Connecting …",
    connected: () => "Connected",
    associated: (id) => `You are ${id}`,
  };
  const INTERVALS = { 0: "Off", 2: "Every 2 s", 10: "Every 10 s", 60: "Every minute" };

  /** What the page says where client IDs are spoken of, and where names are. */
  const WORDS = {
    classic: {
      owner: "Client ID",
      ownerHint: "A number from 0 to 255",
      associate: "Associate",
      receiverHint: "A client ID; it need not be there now",
      newMessage: "Write to any client ID. Your message waits in its mailbox until it is fetched.",
    },
    names: {
      owner: "Your name",
      ownerHint: "Any name, or a client ID from 0 to 255",
      associate: "Open mailbox",
      receiverHint: "A name, or a room you joined",
      newMessage: "Write to any name. Your message waits in its mailbox until it is fetched.",
    },
  };
  const wordsOf = (isClassic) => (isClassic ? WORDS.classic : WORDS.names);

  /** An input of a client ID asks for digits, one of a name for anything. */
  function showKindOfInput(input, isClassic) {
    input.inputMode = isClassic ? "numeric" : "text";
    input.maxLength = isClassic ? 3 : 64;
  }

  /** The form in which one says who one is. */
  function showChoice(page, { choice, phase, asksCredential }) {
    const isClassic = choice === "classic";
    const words = wordsOf(isClassic);
    page.protocol.value = choice;
    page.clientIdLabel.textContent = words.owner;
    page.clientIdHint.textContent = words.ownerHint;
    page.associate.textContent = phase === "connecting" ? "Cancel" : words.associate;
    page.credentialField.hidden = isClassic || !asksCredential;
    showKindOfInput(page.clientId, isClassic);
  }

  /** What belongs to one of the two protocols alone. */
  function showProtocol(page, state) {
    const isClassic = restante.Store.isClassic(state);
    document.body.dataset.protocol = isClassic ? "classic" : "v2";
    for (const part of [page.getActions, page.intervalOptions, page.getHere]) {
      part.hidden = !isClassic;
    }
    page.join.hidden = isClassic;
    page.receiverHint.textContent = wordsOf(isClassic).receiverHint;
    showKindOfInput(page.receiver, isClassic);
  }

  function showPhase(page, { phase, id, server, wanted }) {
    const associated = phase === "associated";
    page.phaseText.textContent = PHASES[phase](id);
    page.phase.dataset.phase = phase;
    page.identity.hidden = wanted;
    page.mailbox.hidden = !wanted;
    page.clientId.readOnly = phase === "connecting";
    page.server.readOnly = phase === "connecting";
    page.protocol.disabled = phase === "connecting";
    page.stamp.textContent = lists.initials(id ?? "");
    page.owner.textContent = associated ? `You are ${id}` : `You were ${id}`;
    page.ownerServer.textContent = (server ?? "").replace(/\/$/, "");
    for (const button of [page.getOne, page.getAll, page.getHere, page.join, page.part]) {
      button.setAttribute("aria-disabled", String(!associated));
    }
    // With a name, what is written while there is no connection waits until there is one.
    page.send.setAttribute("aria-disabled", String(!associated && !(wanted && typeof id === "string")));
  }

  function showNotice(page, { notice, retry }) {
    page.notice.textContent = notice.text;
    page.noticeBar.dataset.tone = notice.tone;
    page.retry.hidden = retry === null;
    if (retry !== null) {
      page.retryText.textContent = retry.seconds === 1 ? "Next try in a second." : `Next try in ${retry.seconds} seconds.`;
    }
  }

  function showOptions(page, { interval, notifications }) {
    page.interval.value = String(interval);
    page.notifications.textContent = notifications ? "On" : "Off";
    page.notifications.setAttribute("aria-pressed", String(notifications));
  }

  function showKept(page, { messages, kept }) {
    const count = messages.length === 1 ? "1 message" : `${messages.length} messages`;
    page.kept.textContent = kept
      ? `${messages.length === 0 ? "Messages are" : `${count}`} kept here.`
      : "This browser keeps nothing: a reload forgets the messages.";
    page.forget.hidden = messages.length === 0;
  }

  function packetCountText({ packets, heldPackets }) {
    if (heldPackets !== null) {
      const since = packets.filter(({ key }) => key > (heldPackets.at(-1)?.key ?? 0)).length;
      return since === 0 ? "paused" : `paused, ${since} since`;
    }
    if (packets.length === 0) {
      return "none yet";
    }
    return packets.length === restante.Store.PACKETS_MAX ? `the last ${packets.length}` : String(packets.length);
  }

  const isPeer = (selected) => selected !== null && selected !== restante.Store.NEW_MESSAGE;

  /** Opens a conversation: its title, whom one writes to, and what one had begun to write. */
  function showSelection(page, { selected, drafts }) {
    const toPeer = isPeer(selected);
    document.body.dataset.pane = selected === null ? "list" : "thread";
    page.threadTitle.textContent = toPeer ? lists.nameOf(selected) : "New message";
    page.toField.hidden = toPeer;
    page.receiver.value = toPeer ? String(selected) : (drafts.to ?? "");
    page.text.value = drafts[restante.Store.draftName(selected)] ?? "";
    showFieldError(page.receiver, "");
    showFieldError(page.text, "");
  }

  function membersText({ members, membersInAll }) {
    const here = members.filter(({ present }) => present).length;
    const count = membersInAll === 1 ? "1 member" : `${membersInAll} members`;
    return members.length < membersInAll ? `${count}, of whom ${members.length} are listed` : `${count}, ${here} here`;
  }

  /** Who is in the room that is open. */
  function showRoom(page, { selected, journal, members }, showMembers) {
    page.part.hidden = !restante.isMember(journal, selected);
    page.members.hidden = members === null;
    if (members !== null) {
      page.membersCount.textContent = membersText(members);
      showMembers(members.members.map((member) => ({ ...member, key: member.name })), "");
    }
  }

  /** One stop of the Tab key for the whole list: arrow keys move inside it. */
  function showCurrent(page, selected) {
    const buttons = Array.from(page.conversations.querySelectorAll("button"));
    const current = buttons.find((button) => button.dataset.peer === String(selected));
    for (const button of buttons) {
      button.tabIndex = button === (current ?? buttons[0]) ? 0 : -1;
      if (button === current) {
        button.setAttribute("aria-current", "true");
      } else {
        button.removeAttribute("aria-current");
      }
    }
  }

  function showTitle({ phase, id, messages }) {
    const unread = messages.filter((message) => message.unread).length;
    const count = unread === 0 ? "" : `(${unread}) `;
    document.title = phase === "associated" ? `${count}${id} – Restante` : "Restante";
  }

  /** Shows the store in the document, now and after every change. */
  function show(store, page) {
    const showMessages = lists.keyedList(page.messages, lists.messageElement);
    const showPackets = lists.keyedList(page.packets, lists.packetElement);
    const showMembers = lists.keyedList(page.memberList, lists.memberElement);
    const showConversations = lists.keyedList(page.conversations, lists.conversationElement);
    for (const seconds of restante.AutomaticFetch.INTERVALS) {
      page.interval.append(new Option(INTERVALS[seconds], String(seconds)));
    }
    let last = {};

    const update = () => {
      const state = store.state;
      const changed = (...names) => names.some((name) => state[name] !== last[name]);
      const showIf = (names, action) => changed(...names) && action(page, state);

      showIf(["phase", "id", "server", "wanted"], showPhase);
      showIf(["choice", "phase", "asksCredential"], showChoice);
      showIf(["choice", "id"], showProtocol);
      showIf(["notice", "retry"], showNotice);
      showIf(["interval", "notifications"], showOptions);
      showIf(["messages", "kept"], showKept);
      if (changed("messages", "phase", "id")) {
        showTitle(state);
      }
      showIf(["selected", "id", "server"], showSelection);
      showIf(["selected", "id", "choice", "payloadBytes"], showByteCount);
      if (changed("selected", "members", "journal")) {
        showRoom(page, state, showMembers);
      }
      if (changed("messages", "selected", "journal", "id", "choice")) {
        const { selected } = state;
        const rooms = Object.keys(state.journal?.rooms ?? {});
        showConversations(restante.conversationsOf(state.messages, rooms), "Nobody yet.");
        showCurrent(page, selected);
        showMessages(
          lists.withDays(state.messages.filter(({ peer }) => peer === selected)),
          isPeer(selected)
            ? `Nothing to or from ${selected} yet.`
            : wordsOf(restante.Store.isClassic(state)).newMessage,
        );
        if (changed("selected")) {
          page.messages.scrollTop = page.messages.scrollHeight;
        }
      }
      if (changed("packets", "heldPackets")) {
        showPackets(state.heldPackets ?? state.packets, "Every packet will be shown here, byte for byte.");
        page.packetCount.textContent = packetCountText(state);
        page.pausePackets.textContent = state.heldPackets === null ? "Pause" : "Go on";
        page.pausePackets.setAttribute("aria-pressed", String(state.heldPackets !== null));
      }
      last = state;
    };
    store.addEventListener("change", update);
    update();
  }

  /** Tells a screen reader of a message that was fetched, whichever conversation is open. */
  function announce(page, message) {
    page.announcements.append(lists.foreignText("p", "", `From ${lists.whoOf(message)}: ${lists.gist(message)}`));
    while (page.announcements.childElementCount > ANNOUNCEMENTS_MAX) {
      page.announcements.firstElementChild.remove();
    }
  }

  /** Says at a field what is wrong with it, in words; an empty text says that nothing is. */
  function showFieldError(input, text) {
    document.getElementById(`${input.id}-error`).textContent = text;
    if (text === "") {
      input.removeAttribute("aria-invalid");
    } else {
      input.setAttribute("aria-invalid", "true");
    }
  }

  /** How long a message may be: clients of the classic protocol have to be able to read what they hold. */
  function payloadBytesMax(page, state) {
    const { id, payloadBytes } = state;
    const isShort = [String(id ?? ""), page.receiver.value.trim()].some((address) => /^[0-9]+$/.test(address));
    return isShort || restante.Store.isClassic(state) ? restante.protocol.PAYLOAD_BYTES_MAX : payloadBytes;
  }

  /** Shows how much of a message's room is used. */
  function showByteCount(page, state) {
    const used = restante.protocol.byteLength(page.text.value);
    const allowed = payloadBytesMax(page, state);
    page.textCount.textContent = `${used} of ${allowed} bytes`;
    page.textCount.dataset.over = String(used > allowed);
    page.textGauge.max = allowed;
    page.textGauge.value = Math.min(used, allowed);
    page.textGauge.dataset.over = String(used > allowed);
  }

  return { show, announce, isPeer, payloadBytesMax, showFieldError, showByteCount };
})();
