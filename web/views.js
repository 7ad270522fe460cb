// What the page looks like for a state of the store. Views read the store, write the page, and remember nothing that
// the store does not hold. Text of others enters the page through textContent alone.
"use strict";

globalThis.restante ??= {};

restante.views = (() => {
  function element(tag, className, text) {
    const made = document.createElement(tag);
    made.className = className;
    if (text !== undefined) {
      made.textContent = text;
    }
    return made;
  }

  function timeElement(date) {
    const made = element("time", "time", date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
    made.dateTime = date.toISOString();
    return made;
  }

  /** Text that may be anybody's: written as text, never as markup, and unable to turn the direction of its neighbours. */
  function foreignText(className, text) {
    const made = element("p", className, text);
    made.dir = "auto";
    return made;
  }

  const OUTCOMES = { waiting: "waiting …", accepted: "accepted", refused: "refused", unknown: "no answer" };

  function messageElement(message) {
    const sent = message.direction === "sent";
    const made = element("article", "message");
    made.dataset.direction = message.direction;
    made.dataset.outcome = message.outcome;

    const heading = element("p", "message-heading");
    heading.append(element("span", "peer", sent ? `To ${message.peer}` : `From ${message.peer}`));
    heading.append(" ", timeElement(message.time));
    if (sent) {
      heading.append(" ", element("span", "outcome", OUTCOMES[message.outcome]));
    }
    made.append(heading);

    if (message.text === null) {
      made.append(element("p", "message-bytes", message.hex));
      made.append(element("p", "message-reason", "not text, so its bytes are shown"));
    } else if (message.text === "") {
      made.append(element("p", "message-reason", "an empty message"));
    } else {
      made.append(foreignText("message-text", message.text));
    }
    if (message.reason !== "") {
      made.append(element("p", "message-reason", `${message.reason[0].toUpperCase()}${message.reason.slice(1)}.`));
    }
    if (message.outcome === "refused" || message.outcome === "unknown") {
      const again = element("button", "again", "Send again");
      again.type = "button";
      again.dataset.again = String(message.key);
      made.append(again);
    }
    return made;
  }

  function packetElement(packet) {
    const made = element("p", "packet");
    made.dataset.direction = packet.direction;
    made.append(element("span", "arrow", packet.direction === "sent" ? "sent" : "received"));
    made.append(" ", element("code", "hex", packet.hex === "" ? "no bytes" : packet.hex));
    made.append(" ", element("span", "meaning", packet.meaning));
    return made;
  }

  /**
   * A function that shows a list of items in `container`, and touches only what changed: an item is shown anew when it
   * is another object under the same key. Stays at the end when the reader was there.
   */
  function keyedList(container, create, emptyText) {
    const shown = new Map();
    const empty = element("p", "empty", emptyText);
    return (items) => {
      const wasAtEnd = container.scrollHeight - container.scrollTop - container.clientHeight < 24;
      const keys = new Set(items.map((item) => item.key));
      for (const [key, { node }] of shown) {
        if (!keys.has(key)) {
          node.remove();
          shown.delete(key);
        }
      }
      for (const item of items) {
        const before = shown.get(item.key);
        if (before?.item === item) {
          continue;
        }
        const node = create(item);
        if (before) {
          before.node.replaceWith(node);
        } else {
          container.append(node);
        }
        shown.set(item.key, { item, node });
      }
      if (items.length > 0) {
        empty.remove();
      } else {
        container.append(empty);
      }
      if (wasAtEnd) {
        container.scrollTop = container.scrollHeight;
      }
    };
  }

  const PHASES = {
    disconnected: () => "Not connected",
    connecting: () => "Connecting …",
    connected: () => "Connected",
    associated: (id) => `You are ${id}`,
  };
  const ASSOCIATE_LABELS = {
    disconnected: "Associate",
    connecting: "Cancel",
    connected: "Associate",
    associated: "Leave",
  };

  function packetCountText(count) {
    if (count === 0) {
      return "none yet";
    }
    return count === restante.Store.PACKETS_MAX ? `the last ${count}` : String(count);
  }

  /** Shows the store in the document, now and after every change. */
  function show(store, page) {
    const showMessages = keyedList(
      page.messages,
      messageElement,
      "Nothing yet. Write to somebody, or get what waits for you.",
    );
    const showPackets = keyedList(page.packets, packetElement, "Every packet will be shown here, byte for byte.");
    let last = {};

    const update = () => {
      const state = store.state;
      if (state.phase !== last.phase || state.id !== last.id) {
        const associated = state.phase === "associated";
        page.phase.textContent = PHASES[state.phase](state.id);
        page.phase.dataset.phase = state.phase;
        page.associate.textContent = ASSOCIATE_LABELS[state.phase];
        page.associate.classList.toggle("primary", !associated);
        page.clientId.readOnly = associated;
        page.server.readOnly = associated;
        for (const button of [page.send, page.getOne, page.getAll]) {
          button.setAttribute("aria-disabled", String(!associated));
        }
        document.title = associated ? `${state.id} – Restante` : "Restante";
      }
      if (state.notice !== last.notice) {
        page.notice.textContent = state.notice.text;
        page.notice.dataset.tone = state.notice.tone;
      }
      if (state.messages !== last.messages) {
        showMessages(state.messages);
      }
      if (state.packets !== last.packets) {
        showPackets(state.packets);
        page.packetCount.textContent = packetCountText(state.packets.length);
      }
      last = state;
    };
    store.addEventListener("change", update);
    update();
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

  /** Shows how much of a message's room is used. */
  function showByteCount(page, used, allowed) {
    page.textCount.textContent = `${used} of ${allowed} bytes`;
    page.textCount.dataset.over = String(used > allowed);
    page.textGauge.value = Math.min(used, allowed);
    page.textGauge.dataset.over = String(used > allowed);
  }

  return { show, showFieldError, showByteCount };
})();
