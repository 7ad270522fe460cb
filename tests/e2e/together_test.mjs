// Two tabs of a browser and a terminal in one room, while the server is killed and started again and the network fails:
// each shows every message once.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { Person, startBrowser } from "./browser.mjs";
import { Server } from "./support.mjs";

const ROOM = "#kitchen";

/** `restante chat` in a room. */
class Terminal {
  #process;
  #heard = [];
  #said = "";
  #waiting = new Set();

  constructor(server, name, variables = {}) {
    const url = server.url.replace(/^http/, "ws");
    this.#process = spawn(process.env.RESTANTE_CLI, ["--server", url, "chat", "--name", name, "--to", ROOM], {
      env: { ...process.env, ...variables },
    });
    createInterface({ input: this.#process.stdout }).on("line", (line) => {
      this.#heard.push(line);
      this.#tell();
    });
    this.#process.stderr.setEncoding("utf8").on("data", (text) => {
      this.#said += text;
      this.#tell();
    });
  }

  #tell() {
    this.#waiting.forEach((check) => check());
  }

  #until(isTrue) {
    return new Promise((resolve) => {
      const check = () => {
        if (isTrue()) {
          this.#waiting.delete(check);
          resolve();
        }
      };
      this.#waiting.add(check);
      check();
    });
  }

  /** Resolves once it has said this, so often. */
  says(text, times = 1) {
    return this.#until(() => this.#said.split(text).length > times);
  }

  async hears(count) {
    await this.#until(() => this.#heard.length >= count);
    return this.#heard;
  }

  write(text) {
    this.#process.stdin.write(`${text}\n`);
  }

  async end() {
    if (this.#process.exitCode === null) {
      this.#process.kill();
      await once(this.#process, "exit");
    }
  }
}

let browser;
// What the test that runs has started.
let server;
let ada;
let bob;
let cyd;

before(async () => {
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
});
beforeEach(() => {
  server = ada = bob = cyd = undefined;
});
afterEach(async () => {
  await cyd?.end();
  await ada?.close();
  await bob?.close();
  await server?.stop();
});

test("two tabs and a terminal see each message of a room once", { timeout: 300_000 }, async () => {
  server = await Server.start();
  const open = async (name) => (await Person.open(browser, server.url, { names: true })).openedMailbox(name);
  ada = await open("ada");
  bob = await open("bob");
  for (const person of [ada, bob]) {
    await person.join(ROOM);
  }
  cyd = new Terminal(server, "cyd");
  await cyd.says("You are cyd");
  await ada.page.getByText("3 members, 3 here").waitFor();

  const all = [];
  const everybodySays = async (when) => {
    for (const [name, say] of [
      ["ada", (text) => ada.send(ROOM, text)],
      ["bob", (text) => bob.send(ROOM, text)],
      ["cyd", (text) => cyd.write(text)],
    ]) {
      all.push({ name, text: `${name} ${when}` });
      await say(`${name} ${when}`);
    }
  };
  const everybodyHears = async () => {
    const sorted = (texts) => [...texts].sort();
    for (const person of [ada, bob]) {
      // Named "From …" and "To …" in what messages() gives.
      const texts = (await person.messages(all.length)).map((line) => line.split(" | ")[1]);
      assert.deepEqual(sorted(texts), sorted(all.map(({ text }) => text)));
    }
    const others = all.filter(({ name }) => name !== "cyd");
    const heard = await cyd.hears(others.length);
    assert.deepEqual(sorted(heard), sorted(others.map(({ name, text }) => `${ROOM} ${name}: ${text}`)));
  };

  await everybodySays("while all is well");
  await everybodyHears();

  const { port } = server;
  await server.stop("SIGKILL");
  for (const person of [ada, bob]) {
    await person.page.getByText(/^Next try in/).waitFor();
  }
  await cyd.says("trying again");
  await everybodySays("while there is no server");
  server = await Server.start({ port });
  await everybodyHears();
  await ada.page.getByText("3 members, 3 here").waitFor();

  await bob.page.context().setOffline(true);
  await everybodySays("while bob has no network");
  await bob.page.context().setOffline(false);
  await everybodyHears();

  await ada.page.reload();
  await everybodySays("after ada loaded the page again");
  await everybodyHears();
});

test("what was accepted before a crash arrives after it", { timeout: 300_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "restante-together-"));
  try {
    const options = ["--store", `sqlite:${join(folder, "mail.sqlite")}`];
    server = await Server.start({ options });
    ada = await Person.open(browser, server.url, { names: true });
    await ada.openedMailbox("ada");
    await ada.join(ROOM);
    await ada.send(ROOM, "Is somebody here?");
    await ada.seesOutcome("Is somebody here?", "accepted");
    await ada.send("bob", "before the crash");
    await ada.seesOutcome("before the crash", "accepted");

    const { port } = server;
    await server.stop("SIGKILL");
    await ada.page.getByText(/^Next try in/).waitFor();
    await ada.send("bob", "while there is no server");
    server = await Server.start({ port, options });
    await ada.seesOutcome("while there is no server", "accepted");
    await ada.send("bob", "after the crash");
    await ada.seesOutcome("after the crash", "accepted");

    bob = await Person.open(browser, server.url, { names: true });
    await bob.openedMailbox("bob");
    await bob.read("ada");
    const texts = ["before the crash", "while there is no server", "after the crash"];
    assert.deepEqual(await bob.messages(3), texts.map((text) => `From ada | ${text}`));
    for (const text of texts) {
      await ada.seesOutcome(text, "acknowledged");
    }
    // She is a member still, without having joined again.
    await ada.page.locator(`[data-peer="${ROOM}"]`).click();
    await ada.page.getByText("1 member, 1 here").waitFor();
    await ada.send(ROOM, "Nobody");
    await ada.messages(2);

    // What was acknowledged does not come back.
    await server.stop("SIGKILL");
    await bob.page.getByText(/^Next try in/).waitFor();
    server = await Server.start({ port, options });
    await ada.seesPhase("You are ada");
    await bob.seesPhase("You are bob");
    await ada.send("bob", "the last");
    assert.deepEqual(await bob.messages(4), [...texts, "the last"].map((text) => `From ada | ${text}`));
  } finally {
    await server?.stop();
    rmSync(folder, { recursive: true });
  }
});

test("passwords open an address in the page and in the terminal", { timeout: 300_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "restante-together-"));
  try {
    const file = join(folder, "passwords");
    for (const name of ["ada", "cyd"]) {
      execFileSync(process.env.RESTANTE_CLI, ["passwd", file, "set", name], { input: `the word of ${name}\n` });
    }
    server = await Server.start({ options: ["--auth", `passwords:${file}`] });
    ada = await Person.open(browser, server.url, { names: true });
    await ada.openMailbox("ada");
    await ada.seesNotice("ada needs a password or a token.");
    const password = ada.page.getByLabel("Password or token");
    await password.fill("the word of cyd");
    await ada.press("Open mailbox");
    await ada.seesNotice("That is not the password or token of ada.");
    await password.fill("the word of ada");
    await ada.press("Open mailbox");
    await ada.seesPhase("You are ada");
    await ada.join(ROOM);
    cyd = new Terminal(server, "cyd", { RESTANTE_PASSWORD: "the word of cyd" });
    await cyd.says("You are cyd");
    await ada.send(ROOM, "who is there?");
    assert.deepEqual(await cyd.hears(1), [`${ROOM} ada: who is there?`]);
    // The page keeps the word while it is open, so that a connection that breaks is made again without asking.
    const { port } = server;
    await server.stop("SIGKILL");
    await ada.page.getByText(/^Next try in/).waitFor();
    await cyd.says("trying again");
    cyd.write("I am");
    server = await Server.start({ port, options: ["--auth", `passwords:${file}`] });
    await ada.messages(2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
