// A real browser, and a page of Restante in it as a person sees and uses it.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** Chromium as Debian installs it, unless the environment names another. */
const chromiumProgram = process.env.CHROMIUM ?? "/usr/bin/chromium";
const chromiumOptions = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function startBrowser() {
  if (!existsSync(chromiumProgram)) {
    throw new Error(`there is no browser at ${chromiumProgram}: install chromium, or say where it is with CHROMIUM=…`);
  }
  const { chromium } = await import("playwright-core").catch((error) => {
    throw error.code === "ERR_MODULE_NOT_FOUND" ? new Error("run `npm ci` in tests/e2e first", { cause: error }) : error;
  });
  return chromium.launch({ executablePath: chromiumProgram, args: chromiumOptions });
}

const axeSource = () => readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/**
 * The console is also told of connections that could not be made, which the page tells the person, and of an icon of the
 * tab that came too late because the test had ended the server by then.
 */
function isExpected(message) {
  return message.text().includes("WebSocket connection to") || message.location().url.endsWith("/favicon.svg");
}

/** One person at one page. Every wait ends when the thing waited for is there, or fails after the time limit. */
export class Person {
  #complaints = [];

  /** In the classic protocol, unless `names` says that the page shall speak the newest that the server knows. */
  static async open(browser, address, { names = false, ...options } = {}) {
    const context = await browser.newContext({ viewport: { width: 1180, height: 860 }, colorScheme: "light", ...options });
    context.setDefaultTimeout(20_000);
    const person = new Person();
    person.context = context;
    person.page = await context.newPage();
    person.page.on("console", (message) => {
      if (message.type() === "error" && !isExpected(message)) {
        person.#complaints.push(message.text());
      }
    });
    person.page.on("pageerror", (error) => person.#complaints.push(String(error)));
    await person.page.goto(names ? address : `${address}#classic`);
    return person;
  }

  /** Leaves, and makes sure that the browser had nothing to complain about: no fault of a script, no breach of the CSP. */
  async close() {
    await this.context.close();
    assert.deepEqual(this.#complaints, []);
  }

  async associate(id) {
    await this.page.getByLabel("Client ID").fill(String(id));
    await this.page.getByRole("button", { name: "Associate" }).click();
  }

  async openMailbox(name) {
    await this.page.getByLabel("Your name").fill(name);
    await this.press("Open mailbox");
  }

  async openedMailbox(name) {
    await this.openMailbox(name);
    await this.seesPhase(`You are ${name}`);
    return this;
  }

  async join(room) {
    await this.press("Join a room");
    await this.page.getByLabel("Name of the room").fill(room);
    await this.press("Join");
    await this.page.getByRole("heading", { name: room }).waitFor();
  }

  async associated(id) {
    await this.associate(id);
    await this.seesPhase(`You are ${id}`);
    return this;
  }

  /** Sees what became of the message that says this. */
  async seesOutcome(text, outcome) {
    await this.page.locator(".message", { hasText: text }).locator(".outcome").getByText(outcome, { exact: true }).waitFor();
  }

  /** Opens the conversation with this peer from the list. */
  async read(peer) {
    await this.page.locator(`[data-peer="${peer}"]`).click();
  }

  async write(receiver, text) {
    if (await this.page.locator("#receiver").isHidden()) {
      if (![`Client ${receiver}`, receiver].includes(await this.page.locator("#thread-title").textContent())) {
        await this.page.getByRole("button", { name: "New message" }).click();
      }
    }
    if (await this.page.locator("#receiver").isVisible()) {
      await this.page.getByRole("textbox", { name: "To" }).fill(String(receiver));
    }
    await this.page.getByRole("textbox", { name: "Message" }).fill(text);
  }

  async send(receiver, text) {
    await this.write(receiver, text);
    await this.press("Send");
  }

  async press(name) {
    await this.page.getByRole("button", { name, exact: true }).click();
  }

  /** The conversations in the list, from top to bottom, once one says this. */
  async conversations(text) {
    await this.page.locator(".conversation-button").getByText(text).first().waitFor();
    return this.page.locator(".conversation-button").evaluateAll((nodes) =>
      nodes.map((node) =>
        [".conversation-peer", ".conversation-last", ".unread"]
          .map((selector) => node.querySelector(selector)?.textContent ?? "")
          .filter((word) => word !== "")
          .join(" | "),
      ),
    );
  }

  /** The messages of the open conversation, from top to bottom, once there are so many and none of them waits. */
  async messages(count) {
    await this.page.waitForFunction(
      (expected) =>
        document.querySelectorAll(".message").length === expected &&
        document.querySelector('.message[data-outcome="waiting"]') === null,
      count,
    );
    return this.page.locator(".message").evaluateAll((nodes) =>
      nodes.map((node) => {
        const text = (selector) => node.querySelector(selector)?.textContent ?? "";
        const words = [text(".peer"), text(".message-text") || text(".message-bytes"), text(".outcome")];
        return words.filter((word) => word !== "").join(" | ");
      }),
    );
  }

  async seesPhase(text) {
    await this.page.locator("#phase").getByText(text, { exact: true }).waitFor();
  }

  async seesNotice(text) {
    await this.page.getByRole("status").getByText(text).waitFor();
  }

  async seesError(text) {
    await this.page.locator(".error").getByText(text, { exact: true }).waitFor();
  }

  /** Where the keyboard is: the label or the text of what has the focus. */
  async focus() {
    return this.page.evaluate(() => {
      const focused = document.activeElement;
      return focused.labels?.[0]?.textContent ?? focused.getAttribute("aria-label") ?? focused.textContent.trim();
    });
  }

  /** The rules of accessibility that the page breaks, as axe-core finds them. */
  async findsAccessible() {
    await this.page.evaluate(axeSource());
    const found = await this.page.evaluate(async () => {
      const { violations, passes } = await globalThis.axe.run(document, {
        resultTypes: ["violations", "passes"],
        // It would fetch the style sheets, which the page's policy forbids.
        preload: false,
      });
      return {
        passes: passes.length,
        violations: violations.flatMap(({ id, help, nodes }) =>
          nodes.map(({ html, failureSummary }) => `${id}: ${help}\n${html}\n${failureSummary}`),
        ),
      };
    });
    assert.deepEqual(found.violations, []);
    assert.ok(found.passes > 20, `axe-core looked at ${found.passes} rules only`);
  }
}
