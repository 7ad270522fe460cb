// The page in a real browser, with the real server.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { pathToFileURL } from "node:url";

import { Person, startBrowser } from "./browser.mjs";
import { Server, webFolder } from "./support.mjs";

const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

let browser;
// What the test that runs has started: the server whose page people open, all servers, all people.
let server;
let servers;
let people;

async function startServer(options) {
  const started = await Server.start(options);
  servers.push(started);
  return started;
}

/** Somebody who opens the page that the server of this test serves, or another one. */
async function open(options, address = server.url) {
  const person = await Person.open(browser, address, options);
  people.push(person);
  return person;
}

async function openAssociated(id, options) {
  return (await open(options)).associated(id);
}

/** Sends packets as another client would, over a connection of its own, and gives the replies. */
function talk(person, packets) {
  return person.page.evaluate(
    (requests) =>
      new Promise((resolve, reject) => {
        const replies = [];
        const socket = new WebSocket(`ws://${location.host}`);
        socket.binaryType = "arraybuffer";
        socket.onopen = () => requests.forEach((request) => socket.send(Uint8Array.from(request)));
        socket.onmessage = ({ data }) => {
          if (replies.push(Array.from(new Uint8Array(data))) === requests.length) {
            socket.onclose = () => resolve(replies);
            socket.close();
          }
        };
        socket.onerror = () => reject(new Error("no connection"));
      }),
    packets,
  );
}

/** Fills the mailbox of `receiver` with a hundred messages, in the name of `sender`, which must be free. */
async function fillMailbox(person, sender, receiver) {
  const push = [2, 1, sender, receiver, 1, 0x2e];
  const replies = await talk(person, [[0, 0, sender], ...new Array(100).fill(push)]);
  assert.deepEqual(replies, [[0, 1, sender], ...new Array(100).fill([1, 2, sender])]);
}

before(async () => {
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
});
beforeEach(async () => {
  people = [];
  servers = [];
  server = await startServer();
});
afterEach(async () => {
  const ends = await Promise.allSettled(people.map((person) => person.close()));
  await Promise.all(servers.map((started) => started.stop()));
  for (const { reason } of ends) {
    assert.ifError(reason);
  }
});

describe("messages", { timeout: 300_000 }, () => {
  test("go both ways between two pages", async () => {
    const ada = await openAssociated(7);
    const bob = await openAssociated(12);
    await ada.send(12, "Are you back on Thursday?");
    assert.deepEqual(await ada.messages(1), ["To 12 | Are you back on Thursday? | accepted"]);
    await bob.press("Get one");
    assert.deepEqual(await bob.conversations("Client 7"), ["Client 7 | Are you back on Thursday? | 1 unread"]);
    await bob.read(7);
    assert.deepEqual(await bob.messages(1), ["From 7 | Are you back on Thursday?"]);
    assert.deepEqual(await bob.conversations("Client 7"), ["Client 7 | Are you back on Thursday?"]);
    assert.equal(await bob.page.getByRole("log").textContent(), "From 7: Are you back on Thursday?");
    await bob.send(7, "On Friday 🙂");
    await bob.messages(2);
    await ada.press("Get one");
    assert.deepEqual((await ada.messages(2))[1], "From 12 | On Friday 🙂");
  });

  test("wait for a receiver who is not there, and come in their order", async () => {
    const ada = await openAssociated(7);
    for (const text of ["one", "two", "three"]) {
      await ada.send(12, text);
    }
    await ada.messages(3);
    const bob = await openAssociated(12);
    await bob.press("Get all");
    await bob.read(7);
    assert.deepEqual(await bob.messages(3), ["From 7 | one", "From 7 | two", "From 7 | three"]);
    await bob.seesNotice("3 messages fetched. The mailbox of 12 is empty now.");
    await bob.press("Get one");
    await bob.seesNotice("The mailbox of 12 is empty.");
  });

  test("to oneself arrive", async () => {
    const ada = await openAssociated(0);
    await ada.send(0, "remember the milk");
    await ada.messages(1);
    await ada.press("Get all");
    assert.deepEqual(await ada.messages(2), ["To 0 | remember the milk | accepted", "From 0 | remember the milk"]);
  });

  test("of others are shown as text, whatever they look like", async () => {
    const ada = await openAssociated(7);
    const hostile = [
      '<img src="x" onerror="document.title=`taken`">',
      "<script>document.title='taken'</script>",
      '"><svg onload=alert(1)>',
      "&lt;b&gt; {{7*7}} ${7*7}",
      "\u202eevil\u2066",
      "line\nline\u0000\u0007",
    ];
    for (const text of hostile) {
      await ada.send(7, text);
    }
    await ada.messages(hostile.length);
    await ada.press("Get all");
    const shown = (await ada.messages(2 * hostile.length)).slice(hostile.length);
    assert.deepEqual(
      shown,
      hostile.map((text) => `From 7 | ${text}`),
    );
    assert.equal(await ada.page.locator("#messages :is(img, script, svg, b)").count(), 0);
    assert.equal(await ada.page.title(), "7 – Restante");
  });

  test("that are not text are shown as bytes", async () => {
    const ada = await openAssociated(7);
    await talk(ada, [
      [0, 0, 12],
      [2, 1, 12, 7, 3, 0xff, 0x00, 0x80],
    ]);
    await ada.press("Get one");
    await ada.read(12);
    assert.deepEqual(await ada.messages(1), ["From 12 | ff 00 80"]);
  });

  test("that do not fit are reported, and can be sent again when there is room", async () => {
    const ada = await openAssociated(7);
    const bob = await openAssociated(12);
    await fillMailbox(ada, 99, 12);
    await ada.send(12, "one too many");
    assert.deepEqual(await ada.messages(1), ["To 12 | one too many | refused"]);
    await ada.seesNotice("Not stored: the mailbox of 12 is full.");

    await bob.press("Get one");
    await bob.read(99);
    await bob.messages(1);
    await ada.page.getByRole("button", { name: "Send again" }).press("Enter");
    assert.deepEqual(await ada.messages(1), ["To 12 | one too many | accepted"]);
    await bob.press("Get all");
    await bob.messages(100);
    await bob.read(7);
    assert.deepEqual(await bob.messages(1), ["From 7 | one too many"]);
  });

  test("that are too long are stopped before they are sent", async () => {
    const ada = await openAssociated(7);
    await ada.send(12, "x".repeat(255));
    await ada.seesError("This is one byte too long. Please shorten it.");
    await ada.page.getByText("255 of 254 bytes").waitFor();
    // 85 characters of three bytes each.
    await ada.send(12, "€".repeat(85));
    await ada.page.getByText("255 of 254 bytes").waitFor();
    assert.equal(await ada.focus(), "Message");
    assert.equal(await ada.page.locator(".packet").count(), 2, "only ASSOCIATE and its reply");

    await ada.send(12, `${"€".repeat(84)}ab`);
    assert.equal((await ada.messages(1))[0], `To 12 | ${"€".repeat(84)}ab | accepted`);
    await ada.page.getByText("0 of 254 bytes").waitFor();
  });

  test("that are empty are stopped before they are sent", async () => {
    const ada = await openAssociated(7);
    await ada.send(12, "");
    await ada.seesError("Please write something first.");
    assert.equal(await ada.page.locator(".message").count(), 0);
  });
});

describe("associating", { timeout: 300_000 }, () => {
  test("with a taken ID is reported, and another ID can be chosen", async () => {
    const ada = await openAssociated(7);
    const bob = await open();
    await bob.associate(7);
    await bob.seesNotice("ID 7 is taken by somebody else. Choose another one.");
    await bob.seesError("ID 7 is taken.");
    await bob.seesPhase("Connected");
    assert.equal(await bob.focus(), "Client ID");
    await bob.associated(8);
    await bob.send(7, "hello");
    await bob.messages(1);
    await ada.press("Get one");
    await ada.read(8);
    assert.deepEqual(await ada.messages(1), ["From 8 | hello"]);
  });

  test("is possible again after somebody left", async () => {
    const ada = await openAssociated(7);
    await ada.send(7, "kept");
    await ada.messages(1);
    await ada.press("Leave");
    await ada.seesPhase("Not connected");
    await ada.seesNotice("The connection is closed. Your mailbox stays on the server.");
    const bob = await open();
    // The server notices in its own time that the ID is free.
    for (let phase = ""; phase !== "You are 7"; ) {
      await bob.associate(7);
      const settled = bob.page.locator('#phase[data-phase="associated"], body:has(#client-id[aria-invalid]) #phase');
      await settled.waitFor();
      phase = await settled.textContent();
    }
    await bob.press("Get one");
    await bob.read(7);
    assert.deepEqual(await bob.messages(1), ["From 7 | kept"]);
  });

  test("needs a number from 0 to 255", async () => {
    const ada = await open();
    for (const wrong of ["", "256", "-1", "1.5", "abc", "٧"]) {
      await ada.associate(wrong);
      await ada.seesError("Please enter a whole number from 0 to 255.");
      await ada.seesPhase("Not connected");
    }
    await ada.associated("255");
  });

  test("needs an address of a server", async () => {
    const ada = await open();
    await ada.page.getByLabel("Server").fill("ftp://127.0.0.1");
    await ada.associate(7);
    await ada.seesError("Please enter an address like ws://localhost:12345.");
    assert.equal(await ada.focus(), "Server");
  });

  test("comes before everything else", async () => {
    const ada = await open();
    const button = ada.page.getByRole("button", { name: "Send", exact: true });
    assert.equal(await button.getAttribute("aria-disabled"), "true");
    await button.click({ force: true });
    await ada.seesNotice("Associate with a client ID first.");
  });
});

describe("the connection", { timeout: 300_000 }, () => {
  test("that ends because the server shuts down is made again by itself, and the ID is held again", async () => {
    const ada = await openAssociated(7);
    await ada.send(7, "before");
    await ada.messages(1);
    assert.equal(await server.stop(), 0, "an orderly end");
    await ada.seesPhase("Not connected");
    await ada.seesNotice("The server is shutting down");
    server = await startServer({ port: server.port });
    await ada.seesPhase("You are 7");
    await ada.seesNotice("You are 7 again.");
    await ada.send(7, "after");
    assert.deepEqual(await ada.messages(2), ["To 7 | before | accepted", "To 7 | after | accepted"]);
  });

  test("that breaks is noticed, and can be made again at once", async () => {
    const ada = await openAssociated(7);
    const { port } = server;
    await server.stop("SIGKILL");
    await ada.page.getByText(/^Next try in/).waitFor();
    server = await startServer({ port });
    // It may also come back by itself before the button is reached.
    await ada.page.evaluate(() => document.getElementById("try-now").click());
    await ada.seesPhase("You are 7");
    await ada.page.getByText(/^Next try in/).waitFor({ state: "hidden" });
  });

  test("is not made again after somebody left", async () => {
    const ada = await openAssociated(7);
    await server.stop("SIGKILL");
    await ada.page.getByText(/^Next try in/).waitFor();
    await ada.press("Leave");
    await ada.page.getByText(/^Next try in/).waitFor({ state: "hidden" });
    await ada.page.getByRole("button", { name: "Associate" }).waitFor();
    assert.equal(await ada.page.getByLabel("Client ID").inputValue(), "7");
  });

  test("that cannot be made is reported", async () => {
    const ada = await open();
    const { port } = server;
    await server.stop();
    await ada.associate(7);
    await ada.seesNotice(`No server answered at ws://127.0.0.1:${port}/.`);
    await ada.seesPhase("Not connected");
  });
});

describe("what the page does when asked", { timeout: 300_000 }, () => {
  test("a reload keeps the conversations, and the ID is held again", async () => {
    const ada = await openAssociated(7);
    await ada.send(12, "kept");
    await ada.send(7, "mine");
    await ada.messages(1);
    await ada.press("Get all");
    await ada.messages(2);
    await ada.page.getByRole("textbox", { name: "Message" }).fill("half a sent");
    await ada.page.reload();
    assert.deepEqual(await ada.messages(2), ["To 7 | mine | accepted", "From 7 | mine"]);
    assert.equal(await ada.page.getByRole("textbox", { name: "Message" }).inputValue(), "half a sent");
    await ada.seesPhase("You are 7");
    await ada.read(12);
    assert.deepEqual(await ada.messages(1), ["To 12 | kept | accepted"]);

    await ada.press("Forget");
    await ada.press("Forget them");
    await ada.page.getByText("Nobody yet.").waitFor();
    await ada.page.reload();
    await ada.page.getByText("Nobody yet.").waitFor();
  });

  test("fetches automatically, and not before", async () => {
    const ada = await openAssociated(7);
    await ada.page.getByLabel("Get automatically").selectOption("Every 2 s");
    await ada.page.waitForFunction(() => document.querySelectorAll(".packet").length >= 4);
    await talk(ada, [
      [0, 0, 12],
      [2, 1, 12, 7, 2, 0x68, 0x69],
    ]);
    assert.deepEqual(await ada.conversations("Client 12"), ["Client 12 | hi | 1 unread"]);
    await ada.page.getByLabel("Get automatically").selectOption("Off");
  });

  test("packets can be paused and copied, and go to the console", async () => {
    const ada = await open({ permissions: ["clipboard-read", "clipboard-write"] });
    const debugged = [];
    ada.page.on("console", (message) => message.type() === "debug" && debugged.push(message.text()));
    await ada.associated(7);
    await ada.page.locator(".packets summary").click();
    await ada.press("Pause");
    await ada.send(12, "hi");
    await ada.messages(1);
    assert.equal(await ada.page.locator(".packet").count(), 2);
    await ada.page.getByText("paused, 2 since").waitFor();
    await ada.press("Go on");
    assert.equal(await ada.page.locator(".packet").count(), 4);
    await ada.press("Copy");
    await ada.seesNotice("4 packets copied.");
    const copied = (await ada.page.evaluate(() => navigator.clipboard.readText())).trim().split("\n");
    assert.equal(copied.length, 4);
    assert.match(copied[2], /^\S+Z  sent {6}PUSH from 7 to 12, 2 bytes  \[02 01 07 0c 02 68 69\]$/);
    assert.deepEqual(debugged, copied);
  });

  test("notifies of messages while nobody looks, once the person has asked for it", async () => {
    const ada = await open();
    await ada.page.evaluate(() => {
      globalThis.shown = [];
      globalThis.asked = 0;
      globalThis.Notification = class extends EventTarget {
        static permission = "default";
        static async requestPermission() {
          globalThis.asked += 1;
          return (this.permission = "granted");
        }
        constructor(title, { body }) {
          super();
          globalThis.shown.push(`${title}: ${body}`);
        }
      };
      Object.defineProperty(document, "hidden", { get: () => globalThis.looksAway === true });
    });
    await ada.associated(7);
    const fetchOne = async (text) => {
      await ada.send(7, text);
      await ada.page.evaluate(() => (globalThis.looksAway = true));
      await ada.press("Get one");
      await ada.seesNotice("One message fetched.");
      await ada.page.evaluate(() => (globalThis.looksAway = false));
    };
    await fetchOne("one");
    assert.deepEqual(await ada.page.evaluate(() => [globalThis.asked, ...globalThis.shown]), [0]);
    await ada.page.getByRole("button", { name: "Notifications" }).click();
    await ada.seesNotice("You will be notified");
    await fetchOne("two");
    assert.deepEqual(await ada.page.evaluate(() => [globalThis.asked, ...globalThis.shown]), [1, "Message from 7: two"]);
  });
});

describe("the page", { timeout: 300_000 }, () => {
  test("shows every packet byte for byte", async () => {
    const ada = await openAssociated(7);
    await ada.send(12, "hi");
    await ada.messages(1);
    assert.deepEqual(await ada.page.locator(".packet").allTextContents(), [
      "sent 00 00 07 ASSOCIATE: I want to be 7",
      "received 00 01 07 ASSOCIATIONSUCCESS: you are 7",
      "sent 02 01 07 0c 02 68 69 PUSH from 7 to 12, 2 bytes",
      "received 01 02 07 POSITIVEACK: stored, 7",
    ]);
  });

  test("can be used with the keyboard alone", async () => {
    const ada = await open();
    const { keyboard } = ada.page;
    assert.equal(await ada.focus(), "Client ID");
    await keyboard.type("7");
    await keyboard.press("Enter");
    await ada.seesPhase("You are 7");
    await ada.page.locator("#receiver:focus").waitFor();
    await keyboard.type("7");
    await keyboard.press("Tab");
    assert.equal(await ada.focus(), "Message");
    await keyboard.type("one");
    await keyboard.press("Shift+Enter");
    await keyboard.type("two");
    await keyboard.press("Enter");
    assert.deepEqual(await ada.messages(1), ["To 7 | one\ntwo | accepted"]);

    const passed = [];
    for (let name = await ada.focus(); name !== "Get all"; name = await ada.focus()) {
      passed.push(name);
      assert.ok(passed.length < 20, passed.join(", "));
      await keyboard.press("Shift+Tab");
    }
    const outline = await ada.page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.equal(outline, "solid", "the focus can be seen");
    await keyboard.press("Space");
    assert.equal((await ada.messages(2))[1], "From 7 | one\ntwo");

    await talk(ada, [
      [0, 0, 12],
      [2, 1, 12, 7, 2, 0x68, 0x69],
    ]);
    await keyboard.press("Tab");
    assert.equal(await ada.focus(), "Get one");
    await keyboard.press("Enter");
    await ada.conversations("Client 12");
    await ada.page.locator('[data-peer="7"]').focus();
    await keyboard.press("ArrowUp");
    await keyboard.press("Enter");
    assert.deepEqual(await ada.messages(1), ["From 12 | hi"]);
    assert.equal(await ada.focus(), "Message");
    await keyboard.press("Escape");
    await ada.page.getByRole("heading", { name: "New message" }).waitFor();
    await ada.page.locator(".packets summary").focus();
    await keyboard.press("Enter");
    await ada.page.getByRole("region", { name: "Packets sent and received" }).waitFor();
  });

  test("fits a phone", async () => {
    const ada = await openAssociated(7, phone);
    await ada.send(7, "W".repeat(254));
    await ada.messages(1);
    await ada.press("Get");
    await ada.messages(2);
    const fits = async () => {
      const { wide, small } = await ada.page.evaluate(() => ({
        wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        small: Array.from(document.querySelectorAll("button, input, textarea"))
          .filter((control) => control.checkVisibility() && control.getBoundingClientRect().height < 40)
          .map((control) => control.id),
      }));
      assert.equal(wide, 0, "nothing stands out to the side");
      assert.deepEqual(small, [], "everything can be hit with a finger");
      await ada.findsAccessible();
    };
    await fits();
    await ada.press("Back");
    await ada.page.getByRole("heading", { name: "Conversations" }).waitFor();
    assert.equal(await ada.page.locator("#thread").isVisible(), false, "the list has the page for itself");
    await ada.page.locator(".packets summary").click();
    await fits();
    await ada.read(7);
    await ada.messages(2);
  });

  test("is dark where the person likes it dark", async () => {
    const ada = await open({ colorScheme: "light" });
    const brightness = () =>
      ada.page.evaluate(() => {
        const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
        return (red + green + blue) / 3;
      });
    assert.ok((await brightness()) > 200);
    await ada.page.emulateMedia({ colorScheme: "dark" });
    assert.ok((await brightness()) < 60);
  });

  for (const colorScheme of ["light", "dark"]) {
    test(`has no fault that axe-core finds, ${colorScheme}, in all its states`, async () => {
      const ada = await open({ colorScheme });
      await ada.findsAccessible();
      await ada.associate("900");
      await ada.seesError("Please enter a whole number from 0 to 255.");
      await ada.findsAccessible();
      await ada.associated(7);
      await ada.page.locator(".packets summary").click();
      await ada.send(7, "to myself");
      await ada.messages(1);
      await ada.press("Get one");
      await ada.messages(2);
      await fillMailbox(ada, 99, 12);
      await ada.send(12, "one too many");
      await ada.messages(1);
      await ada.write(12, "x".repeat(300));
      await ada.press("Send");
      await ada.seesError("This is 46 bytes too long. Please shorten it.");
      await ada.findsAccessible();
      await server.stop();
      await ada.seesPhase("Not connected");
      await ada.findsAccessible();
    });
  }

  test("says what the server's policy is, and keeps to it", async () => {
    const ada = await open();
    const response = await ada.page.reload();
    const policy = response.headers()["content-security-policy"] ?? "";
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(await ada.page.locator("[style], style, script:not([src])").count(), 0);
    const icon = await ada.page.request.get(`${server.url}/favicon.svg`);
    assert.match(icon.headers()["content-type"], /^image\/svg\+xml/);
  });

  test("works from a file too", async () => {
    const other = await startServer({ options: ["--allow-origin", "null"] });
    const ada = await open({}, pathToFileURL(`${webFolder}index.html`).href);
    assert.equal(await ada.page.getByLabel("Server").inputValue(), "ws://localhost:12345");
    await ada.page.getByLabel("Server").fill(`127.0.0.1:${server.port}`);
    await ada.associate(7);
    await ada.seesNotice("only when it was started with --allow-origin null");
    await ada.findsAccessible();
    await ada.page.getByLabel("Server").fill(`127.0.0.1:${other.port}`);
    await ada.associated(7);
    await ada.send(7, "from a file");
    await ada.messages(1);
    await ada.press("Get one");
    assert.equal((await ada.messages(2))[1], "From 7 | from a file");
    await ada.findsAccessible();
    await ada.page.emulateMedia({ colorScheme: "dark" });
    await ada.findsAccessible();
  });
});
