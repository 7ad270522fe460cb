// The lists of the page and what stands in them: conversations, messages, packets. Text of others enters the page
// through textContent alone.
"use strict";

globalThis.restante ??= {};

restante.lists = (() => {
  function element(tag, className, text) {
    const made = document.createElement(tag);
    made.className = className;
    if (text !== undefined) {
      made.textContent = text;
    }
    return made;
  }

  /** Text that may be anybody's: written as text, never as markup, and unable to turn the direction of its neighbours. */
  function foreignText(tag, className, text) {
    const made = element(tag, className, text);
    made.dir = "auto";
    return made;
  }

  const startOfDay = (milliseconds) => new Date(milliseconds).setHours(0, 0, 0, 0);

  function timeOfDay(milliseconds) {
    const date = new Date(milliseconds);
    const made = element("time", "time", date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
    made.dateTime = date.toISOString();
    return made;
  }

  /** Whom a peer is, in words: a client ID is only a number. */
  const nameOf = (peer) => (/^[0-9]+$/.test(peer) ? `Client ${peer}` : peer);

  /** What stands on a stamp: the ID, or what a name begins with. */
  const initials = (peer) => (/^[0-9]+$/.test(peer) ? String(peer) : [...String(peer)].slice(0, 2).join(""));

  const RECEIPTS = {
    fetched: "fetched",
    acknowledged: "acknowledged",
    taken: "fetched",
    expired: "expired",
    purged: "removed by the server",
  };
  const OUTCOMES = { waiting: "waiting …", accepted: "accepted", refused: "refused", unknown: "no answer" };

  /** What a message says, in one line, where there is no room for more. */
  function gist(message) {
    if (message.text === null) {
      return "bytes that are not text";
    }
    return message.text === "" ? "an empty message" : message.text;
  }

  /** From whom a message is, and where it was said when that was not between the two. */
  const whoOf = ({ peer, sender }) => (sender === undefined ? String(peer) : `${sender} in ${peer}`);

  const sentence = (words) => `${words[0].toUpperCase()}${words.slice(1)}.`;

  function messageElement(message) {
    if (message.day !== undefined) {
      const options = { weekday: "long", day: "numeric", month: "long" };
      return element("p", "day", new Date(message.day).toLocaleDateString([], options));
    }
    if (message.direction === "note") {
      return element("p", "note", message.text);
    }
    const sent = message.direction === "sent";
    const made = element("article", "message");
    made.dataset.direction = message.direction;
    made.dataset.outcome = message.outcome;
    if (message.sender === undefined) {
      made.append(element("span", "peer for-ears", sent ? `To ${message.peer}` : `From ${message.peer}`), " ");
    } else {
      made.append(foreignText("p", "peer sender", message.sender), " ");
    }

    if (message.text === null) {
      made.append(element("p", "message-bytes", message.hex));
      made.append(element("p", "message-reason", "not text, so its bytes are shown"));
    } else if (message.text === "") {
      made.append(element("p", "message-reason", "an empty message"));
    } else {
      made.append(foreignText("p", "message-text", message.text));
    }
    if (message.reason !== "") {
      made.append(element("p", "message-reason", sentence(message.reason)));
    }

    const foot = element("p", "message-foot");
    if (message.outcome === "refused" || message.outcome === "unknown") {
      const again = element("button", "again quiet", "Send again");
      again.type = "button";
      again.dataset.again = String(message.key);
      foot.append(again, " ");
    }
    if (sent) {
      const receipt = message.outcome === "accepted" ? RECEIPTS[message.receipt] : undefined;
      const outcome = element("span", "outcome", receipt ?? OUTCOMES[message.outcome]);
      outcome.dataset.receipt = message.receipt ?? "";
      foot.append(outcome, " ");
    }
    foot.append(timeOfDay(message.time));
    made.append(foot);
    return made;
  }

  /** Messages with a line in front of the first one of each day. */
  function withDays(messages) {
    const items = [];
    for (const message of messages) {
      const day = startOfDay(message.time);
      if (items.length === 0 || day !== startOfDay(items.at(-1).time)) {
        items.push({ key: `day ${day} before ${message.key}`, day });
      }
      items.push(message);
    }
    return items;
  }

  function lastWords(last) {
    const who = last.direction === "sent" ? "You: " : last.sender === undefined ? "" : `${last.sender}: `;
    return `${who}${gist(last)}`;
  }

  function memberElement({ name, present }) {
    const made = element("li", "member");
    made.dataset.present = String(present);
    made.append(foreignText("span", "member-name", name));
    made.append(element("span", "for-ears", present ? ", is here" : ", is away"));
    return made;
  }

  function conversationElement({ peer, last, unread }) {
    const made = element("li", "conversation");
    const button = element("button", "conversation-button");
    button.type = "button";
    button.dataset.peer = String(peer);
    const postmark = element("span", "postmark", initials(peer));
    postmark.setAttribute("aria-hidden", "true");
    const words = element("span", "conversation-words");
    words.append(foreignText("span", "conversation-peer", nameOf(peer)), " ");
    words.append(foreignText("span", "conversation-last", last === null ? "nothing said yet" : lastWords(last)));
    button.append(postmark, " ", words);
    if (last !== null) {
      button.append(" ", timeOfDay(last.time));
    }
    if (unread > 0) {
      const badge = element("span", "unread", String(unread));
      badge.append(element("span", "for-ears", " unread"));
      button.append(" ", badge);
    }
    made.append(button);
    return made;
  }

  function packetElement(packet) {
    const made = element("p", "packet");
    made.dataset.direction = packet.direction;
    made.append(element("span", "arrow", packet.direction));
    made.append(" ", element("code", "hex", packet.hex === "" ? "no bytes" : packet.hex));
    made.append(" ", element("span", "meaning", packet.meaning));
    return made;
  }

  /** A packet as one line of text, for the clipboard and the console. */
  function packetLine({ direction, hex, meaning, time }) {
    return `${new Date(time).toISOString()}  ${direction.padEnd(8)}  ${meaning}  [${hex}]`;
  }

  /**
   * A function that shows a list of items in `container`, in their order, and touches only what changed: an item is shown
   * anew when it is another object under the same key. Stays at the end when the reader was there.
   */
  function keyedList(container, create) {
    const shown = new Map();
    let empty = element("p", "empty", "");
    return (items, emptyText) => {
      const wasAtEnd = container.scrollHeight - container.scrollTop - container.clientHeight < 24;
      const keys = new Set(items.map((item) => item.key));
      for (const [key, { node }] of shown) {
        if (!keys.has(key)) {
          node.remove();
          shown.delete(key);
        }
      }
      empty.remove();
      let place = container.firstChild;
      for (const item of items) {
        const before = shown.get(item.key);
        const isSame = before !== undefined && (before.item === item || item.day !== undefined);
        const node = isSame ? before.node : create(item);
        if (before !== undefined && !isSame) {
          place = place === before.node ? node : place;
          before.node.replaceWith(node);
        }
        if (node === place) {
          place = place.nextSibling;
        } else {
          container.insertBefore(node, place);
        }
        shown.set(item.key, { item, node });
      }
      if (items.length === 0) {
        empty = element(container.tagName === "UL" ? "li" : "p", "empty", emptyText);
        container.append(empty);
      }
      if (wasAtEnd) {
        container.scrollTop = container.scrollHeight;
      }
    };
  }

  return {
    foreignText,
    nameOf,
    initials,
    gist,
    whoOf,
    messageElement,
    memberElement,
    withDays,
    conversationElement,
    packetElement,
    packetLine,
    keyedList,
  };
})();
