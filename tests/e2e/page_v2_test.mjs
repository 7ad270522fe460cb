// The page in a real browser, speaking restante.v2: with the real server, or with RESTANTE_MODEL=1 with the model of one.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { pathToFileURL } from "node:url";

import { Person, startBrowser } from "./browser.mjs";
import { ModelV2Server } from "./model_v2_server.mjs";
import { Server, webFolder } from "./support.mjs";

const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const TestedServer = process.env.RESTANTE_MODEL === "1" ? ModelV2Server : Server;

let browser;
// What the test that runs has started.
let server;
let servers;
let people;

async function started(starting) {
  const result = await starting;
  servers.push(result);
  return result;
}

async function open(options = {}, address = server.url) {
  const person = await Person.open(browser, address, { names: true, ...options });
  people.push(person);
  return person;
}

const opened = async (name, options) => (await open(options)).openedMailbox(name);

before(async () => {
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
});
beforeEach(async () => {
  people = [];
  servers = [];
  server = await started(TestedServer.start());
});
afterEach(async () => {
  const ends = await Promise.allSettled(people.map((person) => person.close()));
  await Promise.all(servers.map((each) => each.stop()));
  for (const { reason } of ends) {
    assert.ifError(reason);
  }
});

describe("messages by name", { timeout: 300_000 }, () => {
  test("come by themselves, and what became of them is shown", async () => {
    const ada = await opened("ada");
    await ada.send("bob", "Are you back on Thursday?");
    await ada.seesOutcome("Are you back on Thursday?", "accepted");
    const bob = await opened("bob");
    assert.deepEqual(await bob.conversations("ada"), ["ada | Are you back on Thursday? | 1 unread"]);
    await ada.seesOutcome("Are you back on Thursday?", "acknowledged");
    await bob.read("ada");
    assert.deepEqual(await bob.messages(1), ["From ada | Are you back on Thursday?"]);
    assert.deepEqual(await bob.conversations("ada"), ["ada | Are you back on Thursday?"]);
    assert.equal(await bob.page.getByRole("log").textContent(), "From ada: Are you back on Thursday?");
    await bob.send("ada", "On Friday 🙂");
    await ada.messages(2);
    assert.equal(await ada.page.getByRole("button", { name: /^Get/ }).count(), 0, "there is nothing to ask for");
  });

  test("of others, and their names, are shown as text, whatever they look like", async () => {
    const ada = await opened("<b>ada</b>");
    const bob = await opened("constructor");
    await ada.send("constructor", '<img src=x onerror="alert(1)">');
    await bob.read("<b>ada</b>");
    assert.deepEqual(await bob.messages(1), ['From <b>ada</b> | <img src=x onerror="alert(1)">']);
    assert.equal(await bob.page.locator("main img, main b").count(), 0);
    // A name may also be a word that the page or its language uses.
    const written = ada.page.getByRole("textbox", { name: "Message" });
    assert.equal(await written.inputValue(), "");
    await written.fill("begun");
    await ada.press("New message");
    await ada.send("new", "hi");
    await ada.seesOutcome("hi", "accepted");
    await ada.press("New message");
    await ada.write("new", "begun for new");
    await ada.read("constructor");
    assert.equal(await written.inputValue(), "begun");
    await ada.press("New message");
    assert.equal(await written.inputValue(), "begun for new");
    await ada.read("new");
    assert.equal(await written.inputValue(), "");
  });

  test("wait in the page while there is no connection, over a reload too, and are then sent in order", async () => {
    const ada = await opened("ada");
    await ada.send("bob", "one");
    await ada.seesOutcome("one", "accepted");
    const { port, model } = server;
    await server.stop("SIGKILL");
    await ada.page.getByText(/^Next try in/).waitFor();
    await ada.send("bob", "two");
    await ada.send("bob", "three");
    await ada.seesOutcome("three", "waiting …");
    await ada.page.context().setOffline(true);
    await ada.page.context().setOffline(false);
    server = await started(TestedServer.start({ port, model }));
    await ada.page.reload();
    await ada.seesPhase("You are ada");
    await ada.seesOutcome("three", "accepted");
    const bob = await opened("bob");
    await bob.read("ada");
    const got = await bob.messages(TestedServer === Server ? 2 : 3);
    assert.deepEqual(got.slice(-2), ["From ada | two", "From ada | three"]);
  });

  test("that are too long for a client ID are stopped before they are sent", async () => {
    const ada = await opened("8");
    await ada.write("7", "x".repeat(255));
    await ada.press("Send");
    await ada.seesError("This is one byte too long. Please shorten it.");
    assert.equal(await ada.page.locator(".message").count(), 0);
  });

  test("need a name that can be one, and a room that was joined", async () => {
    const ada = await opened("ada");
    for (const [name, problem] of [
      ["", "Please enter a name."],
      ["256", "A name of digits alone is a number from 0 to 255."],
      ["é".repeat(33), "This is too long for a name."],
      ["a\u202eb", "This has characters that cannot stand in a name."],
      ["#lobby", "You are not in #lobby. Join it first."],
    ]) {
      await ada.write(name, "x");
      await ada.press("Send");
      await ada.seesError(problem);
    }
    assert.equal(await ada.page.locator(".message").count(), 0);
  });
});

describe("rooms", { timeout: 300_000 }, () => {
  test("show what everybody says, who is a member, and who is there", async () => {
    const ada = await opened("ada");
    await ada.join("#lobby");
    await ada.send("#lobby", "first");
    await ada.seesOutcome("first", "accepted");
    const bob = await opened("bob");
    await bob.join("#lobby");
    assert.deepEqual(await bob.messages(1), ["ada | first"], "the history is there");
    await bob.send("#lobby", "second");
    assert.deepEqual(await ada.messages(2), ["To #lobby | first | accepted", "bob | second"]);
    const members = ada.page.locator("#members-count");
    await members.getByText("2 members, 2 here").waitFor();
    await bob.press("Leave");
    await members.getByText("2 members, 1 here").waitFor();
    await members.click();
    assert.deepEqual(await ada.page.locator(".member").allTextContents(), ["ada, is here", "bob, is away"]);
    await ada.press("Leave room");
    await ada.seesNotice("You left #lobby.");
    await ada.page.locator("#members").waitFor({ state: "hidden" });
  });

  test("are still joined after a reload, and what was said meanwhile comes once", async () => {
    const ada = await opened("ada");
    const bob = await opened("bob");
    await ada.join("#lobby");
    await bob.join("#lobby");
    await bob.send("#lobby", "one");
    await ada.messages(1);
    await ada.page.goto("about:blank");
    await bob.send("#lobby", "two");
    await bob.seesOutcome("two", "accepted");
    await ada.page.goBack();
    assert.deepEqual(await ada.messages(2), ["bob | one", "bob | two"]);
    await ada.seesPhase("You are ada");
  });

  test("need a name that begins with #", async () => {
    const ada = await opened("ada");
    await ada.press("Join a room");
    assert.equal(await ada.focus(), "Name of the room");
    await ada.page.getByLabel("Name of the room").fill("lobby");
    await ada.press("Join");
    await ada.seesError("The name of a room begins with #.");
    await ada.findsAccessible();
    await ada.page.keyboard.press("Escape");
    await ada.page.locator("#join-dialog").waitFor({ state: "hidden" });
  });
});

describe("who one is", { timeout: 300_000 }, () => {
  test("can be one person at a time, and another name can be chosen", async () => {
    await opened("ada");
    const other = await open();
    await other.openMailbox("ada");
    await other.seesNotice("ada is taken by somebody else. Choose another name.");
    await other.seesError("ada is taken.");
    assert.equal(await other.focus(), "Your name");
    await other.openedMailbox("eve");
  });

  test("is held by one tab of a browser", async () => {
    const ada = await opened("ada");
    const second = await ada.context.newPage();
    await second.goto(server.url);
    await second.getByLabel("Your name").fill("ada");
    await second.getByRole("button", { name: "Open mailbox" }).click();
    await second.getByRole("status").getByText("ada is open in another tab of this browser.").waitFor();
    await ada.seesPhase("You are ada");
  });

  test("needs a password where the server asks for one, which no reload keeps", async () => {
    const strict = await started(ModelV2Server.start());
    strict.model.credentials = { ada: "open sesame" };
    const ada = await open({}, strict.url);
    const password = ada.page.getByLabel("Password or token");
    assert.ok(await password.isHidden());
    await ada.openMailbox("ada");
    await ada.seesNotice("ada needs a password or a token.");
    await ada.page.locator("#credential:focus").waitFor();
    await ada.findsAccessible();
    await password.fill("guess");
    await ada.press("Open mailbox");
    await ada.seesError("This is not right.");
    await password.fill("open sesame");
    await ada.page.keyboard.press("Enter");
    await ada.seesPhase("You are ada");
    assert.equal(await password.inputValue(), "", "it does not stay in the page");
    await ada.page.locator(".packets summary").click();
    const packets = await ada.page.locator("#packets").textContent();
    assert.ok(packets.includes("11 secret bytes") && !packets.includes("73 65 73 61 6d 65"), packets);
    await ada.page.reload();
    await ada.page.locator("#credential:focus").waitFor();
    assert.equal(await ada.page.getByLabel("Your name").inputValue(), "ada");
    assert.equal(await password.inputValue(), "");
  });

  test("ends here when it begins elsewhere with a proof", async () => {
    const strict = await started(ModelV2Server.start());
    strict.model.credentials = { ada: "secret" };
    const devices = [await open({}, strict.url), await open({}, strict.url)];
    for (const device of devices) {
      await device.openMailbox("ada");
      await device.page.getByLabel("Password or token").fill("secret");
      await device.press("Open mailbox");
      await device.seesPhase("You are ada");
    }
    await devices[0].seesNotice("ada was opened elsewhere, so you are not connected here any more.");
    assert.ok(await devices[0].page.locator("#retry").isHidden());
    await devices[1].seesPhase("You are ada");
  });

  test("is a client ID with a server that knows no names, and the page says so", async () => {
    const old = await started(ModelV2Server.start({ classic: true }));
    const ada = await open({}, old.url);
    await ada.openMailbox("ada");
    await ada.seesNotice("This server speaks the classic protocol, which knows no names.");
    await ada.seesError("Please enter a whole number from 0 to 255.");
    await ada.openMailbox("7");
    await ada.seesPhase("You are 7");
    await ada.seesNotice("This server speaks the classic protocol only.");
    await ada.press("Get all");
    await ada.seesNotice("The mailbox of 7 is empty.");
    await ada.page.getByLabel("Get automatically").waitFor();
    await ada.findsAccessible();
  });

  test("can be a client ID by choice, also where names are known", async () => {
    const ada = await open();
    await ada.page.getByLabel("Protocol").selectOption("classic");
    await ada.page.getByLabel("Client ID").waitFor();
    await ada.page.getByRole("button", { name: "Associate" }).waitFor();
    await ada.page.getByLabel("Protocol").selectOption("automatic");
    await ada.openedMailbox("ada");
  });
});

describe("the page", { timeout: 300_000 }, () => {
  test("can be used with the keyboard alone", async () => {
    const ada = await open();
    const { keyboard } = ada.page;
    assert.equal(await ada.focus(), "Your name");
    await keyboard.type("ada");
    await keyboard.press("Enter");
    await ada.page.locator("#receiver:focus").waitFor();
    const reach = async (wanted) => {
      const passed = [];
      for (let name = await ada.focus(); name !== wanted; name = await ada.focus()) {
        passed.push(name);
        assert.ok(passed.length < 20, passed.join(", "));
        await keyboard.press("Shift+Tab");
      }
      await keyboard.press("Enter");
    };
    await reach("Join a room");
    await ada.page.locator("#room:focus").waitFor();
    await keyboard.press("End");
    await keyboard.type("lobby");
    await keyboard.press("Enter");
    await ada.page.locator("#text:focus").waitFor();
    await keyboard.type("hello");
    await keyboard.press("Enter");
    await ada.seesOutcome("hello", "accepted");
    await reach("1 member, 1 here");
    await ada.page.locator(".member").getByText("ada").waitFor();
    await reach("Leave room");
    await ada.seesNotice("You left #lobby.");
    await keyboard.press("Escape");
    await ada.page.getByRole("heading", { name: "New message" }).waitFor();
  });

  for (const colorScheme of ["light", "dark"]) {
    test(`fits a phone and has no fault that axe-core finds, ${colorScheme}, in all its states`, async () => {
      const long = "W".repeat(64);
      const ada = await open({ ...phone, colorScheme });
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
      await ada.openMailbox("#lobby");
      await ada.seesError("A name that begins with # is that of a room.");
      await fits();
      await ada.openedMailbox(long);
      await fits();
      await ada.press("New message");
      await ada.send(long, "W".repeat(300));
      await ada.messages(2);
      await fits();
      await ada.press("Back");
      await ada.join(`#${"r".repeat(63)}`);
      await ada.send(`#${"r".repeat(63)}`, "hello");
      await ada.seesOutcome("hello", "accepted");
      await ada.page.locator("#members-count").click();
      await fits();
      await ada.press("Back");
      await fits();
      await server.stop("SIGKILL");
      await ada.seesPhase("Not connected");
      await fits();
    });
  }

  test("works from a file too", async () => {
    const other = TestedServer === Server ? await started(Server.start({ options: ["--allow-origin", "null"] })) : server;
    const ada = await open({}, pathToFileURL(`${webFolder}index.html`).href);
    await ada.page.getByLabel("Server").fill(`127.0.0.1:${other.port}`);
    await ada.openedMailbox("ada");
    await ada.send("ada", "from a file");
    assert.deepEqual(await ada.messages(2), ["To ada | from a file | acknowledged", "From ada | from a file"]);
  });
});
