// web/protocol.js against the golden vectors.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { loadPageScripts, packetVectors, parseBytes, parseFields } from "./support.mjs";

const { protocol } = loadPageScripts("protocol.js");

function packetOf(name, fields, payload) {
  const packet = { name, ...parseFields(fields) };
  return name === "PUSH" || name === "GETRESPONSE" ? { ...packet, payload: parseBytes(payload) } : packet;
}

describe("requests are written as the golden vectors say", () => {
  for (const [name, fields, payload, bytes] of packetVectors("client")) {
    test(`${name} ${fields} ${payload}`, () => {
      assert.deepEqual(protocol.encodeRequest(packetOf(name, fields, payload)), parseBytes(bytes));
    });
  }
});

describe("replies are read as the golden vectors say", () => {
  for (const [name, fields, payload, bytes] of packetVectors("server")) {
    test(`${name} ${fields} ${payload}`, () => {
      assert.deepEqual(protocol.decodeReply(parseBytes(bytes)), packetOf(name, fields, payload));
    });
  }
});

describe("what no server sends is not read as a packet", () => {
  for (const [what, bytes] of packetVectors("unreadable")) {
    test(what, () => {
      assert.equal(protocol.decodeReply(parseBytes(bytes)), null);
    });
  }
});

describe("every answer to a malformed message can be read", () => {
  for (const [what, , reply] of packetVectors("malformed")) {
    test(what, () => {
      assert.equal(protocol.decodeReply(parseBytes(reply)).name, "UNKNOWNERROR");
    });
  }
});

test("what the protocol cannot express is never written", () => {
  const push = { name: "PUSH", sender: 1, receiver: 2, payload: new Uint8Array(0) };
  for (const id of [-1, 256, 1.5, NaN, "7", undefined]) {
    assert.throws(() => protocol.encodeRequest({ name: "ASSOCIATE", id }), RangeError);
    assert.throws(() => protocol.encodeRequest({ name: "GET", id }), RangeError);
    assert.throws(() => protocol.encodeRequest({ ...push, sender: id }), RangeError);
    assert.throws(() => protocol.encodeRequest({ ...push, receiver: id }), RangeError);
  }
  assert.throws(() => protocol.encodeRequest({ ...push, payload: new Uint8Array(255) }), RangeError);
  assert.throws(() => protocol.encodeRequest({ name: "POSITIVEACK", id: 1 }), RangeError);
});

test("a reply answers a request of its kind about the same ID, and no other", () => {
  const get = { name: "GET", id: 7 };
  const push = { name: "PUSH", sender: 7, receiver: 8, payload: new Uint8Array(0) };
  const associate = { name: "ASSOCIATE", id: 7 };
  const answered = (request) =>
    packetVectors("server")
      .map(([, , , bytes]) => protocol.decodeReply(parseBytes(bytes)))
      .filter((reply) => protocol.answers(reply, request))
      .map((reply) => `${reply.name} ${reply.id}`);
  assert.deepEqual(answered(associate), ["ASSOCIATIONSUCCESS 7", "ASSOCIATIONFAILED 7", "UNKNOWNERROR 7"]);
  assert.deepEqual(answered(get), ["ASSOCIATIONFAILED 7", "UNKNOWNERROR 7", "BUFFEREMPTY 7"]);
  assert.deepEqual(answered(push), ["ASSOCIATIONFAILED 7", "UNKNOWNERROR 7", "POSITIVEACK 7", "BUFFERFULL 7"]);
  assert.deepEqual(answered({ ...get, id: 8 }), ["GETRESPONSE 8", "GETRESPONSE 8"]);
});

test("every packet can be described in one line that begins with its name", () => {
  for (const kind of ["client", "server"]) {
    for (const [name, fields, payload] of packetVectors(kind)) {
      const line = protocol.describe(packetOf(name, fields, payload));
      assert.ok(line.startsWith(name) && !line.includes("\n"), line);
    }
  }
});

test("the length of text is counted in bytes of UTF-8", () => {
  assert.equal(protocol.byteLength(""), 0);
  assert.equal(protocol.byteLength("hi"), 2);
  assert.equal(protocol.byteLength("ä€📮"), 9);
});
