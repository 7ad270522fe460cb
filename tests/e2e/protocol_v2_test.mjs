// web/protocol_v2.js against the golden vectors.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { loadPageScripts, packetVectors, parseBytes } from "./support.mjs";

const { protocolV2 } = loadPageScripts("protocol.js", "protocol_v2.js");

const vectors = (kind) => packetVectors(kind, "v2_packets.txt");
const restFields = { OPEN: "secret", PUSH: "payload", MESSAGE: "payload", REFUSED: "ignored" };
const nameFields = ["address", "receiver", "source", "room", "after", "sender"];
const digitFields = ["epoch", "resumeToken"];

/** A name as the vectors write it, or null where it is not UTF-8. */
function parseName(text) {
  const bytes = [];
  for (const [, digits, character] of text.matchAll(/%([0-9a-f]{2})|([A-Za-z0-9#*.-])/g)) {
    bytes.push(digits === undefined ? character.charCodeAt(0) : Number.parseInt(digits, 16));
  }
  return protocolV2.textOf(Uint8Array.from(bytes));
}

function parseMembers(text) {
  const entries = text.split(",").filter((entry) => entry !== "");
  return entries.map((entry) => ({ present: entry[0] === "1", name: parseName(entry.slice(2)) }));
}

function parseValue(name, field, text) {
  if (field === "members" && name === "MEMBERS") {
    return parseMembers(text);
  }
  if (nameFields.includes(field)) {
    return parseName(text);
  }
  return digitFields.includes(field) ? text : Number(text);
}

/** The packet of a line, and whether JavaScript can say it: it counts to 2^53, and its names are UTF-8. */
function readLine([name, fields, rest, bytes]) {
  const packet = { name };
  for (const pair of fields.split(" ")) {
    const [key, text] = pair.split("=");
    const field = key.replace(/_./g, (match) => match[1].toUpperCase());
    packet[field] = parseValue(name, field, text);
  }
  if (name in restFields) {
    packet[restFields[name]] = parseBytes(rest);
  }
  const isSayable = (value) => value !== null && (typeof value !== "number" || Number.isSafeInteger(value));
  const sayable = Object.values(packet).every(isSayable);
  return { packet, sayable, bytes: parseBytes(bytes), what: `${name} ${fields}` };
}

for (const kind of ["client", "server", "readable"]) {
  describe(`packets are read as the lines "${kind}" of the golden vectors say`, () => {
    for (const { packet, sayable, bytes, what } of vectors(kind).map(readLine)) {
      test(what, () => {
        assert.deepEqual(protocolV2.decode(bytes), sayable ? packet : null);
        assert.deepEqual(protocolV2.decodeReply(bytes), sayable && kind !== "client" ? packet : null);
      });
    }
  });
}

for (const kind of ["client", "server"]) {
  describe(`packets are written as the lines "${kind}" of the golden vectors say`, () => {
    for (const { packet, sayable, bytes, what } of vectors(kind).map(readLine)) {
      test(what, () => {
        if (sayable) {
          assert.deepEqual(protocolV2.encode(packet), bytes);
        } else if (!Object.values(packet).includes(null)) {
          assert.throws(() => protocolV2.encode(packet), RangeError);
        }
      });
    }
  });
}

describe("what is malformed is not read as a packet, and its answer is", () => {
  for (const [what, bytes, reply] of vectors("malformed")) {
    test(what, () => {
      const read = protocolV2.decode(parseBytes(bytes));
      // Some of them are packets, but of a server.
      assert.ok(read === null || parseBytes(bytes)[0] >= 0x80);
      const { name, reason } = protocolV2.decodeReply(parseBytes(reply));
      assert.equal(name, "REFUSED");
      assert.match(protocolV2.refusalName(reason), /^(malformed|unknown_operation)$/);
    });
  }
});

describe("what no server sends is not read as a reply", () => {
  for (const [what, bytes] of vectors("unreadable")) {
    test(what, () => {
      assert.equal(protocolV2.decodeReply(parseBytes(bytes)), null);
    });
  }
});

describe("addresses are told apart as the golden vectors say", () => {
  for (const [kind, name] of vectors("address")) {
    test(`${kind} ${name}`, () => {
      const text = parseName(name);
      // What is not UTF-8 is no text, and so can not even be typed.
      assert.equal(text === null ? "bad" : protocolV2.addressKind(text), kind);
    });
  }
});

test("half a character is no address, and never sent as another one", () => {
  assert.equal(protocolV2.addressKind("a\ud83d"), "bad");
  assert.throws(() => protocolV2.encode({ name: "JOIN", tag: 1, room: "#\ud83d" }), RangeError);
});

test("what the protocol cannot express is never written", () => {
  const fetch = { name: "FETCH", tag: 1, source: "", epoch: "0123456789abcdef", flags: 0, messages: 1, bytes: 0, wait: 0 };
  const open = { name: "OPEN", tag: 1, address: "ada", proof: 0, secret: new Uint8Array(0) };
  assert.ok(protocolV2.encode(fetch) && protocolV2.encode(open));
  for (const wrong of [
    { ...fetch, name: "GET" },
    { ...fetch, tag: 0 },
    { ...fetch, tag: 2 ** 30 },
    { ...fetch, epoch: "0123" },
    { ...fetch, epoch: "0123456789ABCDEF" },
    { ...fetch, flags: 2 },
    { ...fetch, messages: 0 },
    { ...fetch, bytes: -1 },
    { ...fetch, wait: 0.5 },
    { ...fetch, wait: undefined },
    { ...fetch, source: "x".repeat(65) },
    { ...open, secret: Uint8Array.of(1) },
    { ...open, proof: 3 },
    { ...open, proof: 2, secret: new Uint8Array(15) },
    { name: "ACK", tag: 1, source: "*", epoch: fetch.epoch, offset: 1 },
  ]) {
    assert.throws(() => protocolV2.encode(wrong), RangeError, JSON.stringify(wrong));
  }
});

test("every reason of the protocol has a name of its own, and one that is unknown means some limit", () => {
  const reasons = vectors("server").map(readLine).filter(({ packet }) => packet.name === "REFUSED");
  const names = new Set(reasons.map(({ packet }) => protocolV2.refusalName(packet.reason)));
  assert.equal(names.size, 21);
  for (const { packet } of vectors("readable").map(readLine).filter(({ packet }) => packet.reason > 21)) {
    assert.equal(protocolV2.refusalName(packet.reason), "limit_reached");
  }
});

test("every request has replies of its own, and can be refused", () => {
  const replies = vectors("server").map(readLine).filter(({ sayable }) => sayable).map(({ packet }) => packet);
  const answered = (name) => {
    const fitting = replies.filter((reply) => protocolV2.answers(reply, { name }));
    return [...new Set(fitting.map((reply) => reply.name))];
  };
  assert.deepEqual(answered("OPEN"), ["OPENED", "REFUSED"]);
  assert.deepEqual(answered("PUSH"), ["ACCEPTED", "REFUSED"]);
  assert.deepEqual(answered("FETCH"), ["MESSAGE", "FETCHED", "MISSED", "REFUSED"]);
  assert.deepEqual(answered("ACK"), ["ACKED", "REFUSED"]);
  assert.deepEqual(answered("RECEIPT"), ["STATE", "REFUSED"]);
  assert.deepEqual(answered("JOIN"), ["JOINED", "REFUSED"]);
  assert.deepEqual(answered("LEAVE"), ["LEFT", "REFUSED"]);
  assert.deepEqual(answered("STATUS"), ["MAILBOX", "MEMBERS", "REFUSED"]);
});

test("every packet can be described in one line that begins with its name", () => {
  for (const { packet, sayable } of [...vectors("client"), ...vectors("server")].map(readLine)) {
    if (sayable && !/[\n\u2028\u2029]/.test(Object.values(packet).join())) {
      const line = protocolV2.describe(packet);
      assert.ok(line.startsWith(packet.name) && !/\n|undefined/.test(line), line);
    }
  }
});

test("what is shown of a packet holds no secret", () => {
  const open = { name: "OPEN", tag: 1, address: "ada", proof: 1, secret: Uint8Array.of(0xab, 0xcd) };
  assert.equal(protocolV2.showBytes(open, protocolV2.encode(open)), "01 01 03 61 64 61 01 … 2 secret bytes");
  const opened = vectors("server").map(readLine).find(({ packet }) => packet.name === "OPENED");
  assert.ok(!protocolV2.showBytes(opened.packet, opened.bytes).includes("ee ff"));
  const push = vectors("client").map(readLine).find(({ packet }) => packet.name === "PUSH");
  assert.ok(protocolV2.showBytes(push.packet, push.bytes).endsWith("68 69"));
});
