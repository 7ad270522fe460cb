// Takes the pictures of the page that the README shows: `npm run picture`, with RESTANTE_SERVER set as for the tests.
import { fileURLToPath } from "node:url";

import { Person, startBrowser } from "./browser.mjs";
import { Server } from "./support.mjs";

const picture = (name) => fileURLToPath(new URL(`../../docs/images/${name}`, import.meta.url));
const view = { viewport: { width: 1120, height: 900 }, deviceScaleFactor: 1.25, locale: "en-GB", timezoneId: "UTC" };

const browser = await startBrowser();
const server = await Server.start();
const ada = await Person.open(browser, server.url, view);
const bob = await Person.open(browser, server.url, {
  ...view,
  viewport: { width: 390, height: 844 },
  isMobile: true,
  hasTouch: true,
  deviceScaleFactor: 2,
  colorScheme: "dark",
});
await bob.page.clock.setFixedTime("2026-03-05T09:41:00Z");
await ada.page.clock.setFixedTime("2026-03-05T09:41:00Z");
await ada.associated(7);
await bob.associated(12);

/** One writes, the other fetches. */
async function exchange(writer, reader, receiver, text) {
  await writer.send(receiver, text);
  await writer.page.locator('[data-outcome="accepted"]').getByText(text).waitFor();
  // On a phone, an open conversation has a button of its own.
  await reader.page.getByRole("button", { name: /^Get( all)?$/ }).click();
  await reader.page.locator(".message-text, .conversation-last").getByText(text).first().waitFor({ state: "attached" });
}

await exchange(ada, bob, 12, "Are you back on Thursday? The parcel from Lisbon has come.");
await exchange(bob, ada, 7, "Friday at noon. Please keep it for me.");
await exchange(ada, bob, 12, "It waits on the second shelf. No hurry.");
await exchange(bob, ada, 7, "Thank you!");
await ada.page.locator(".packets summary").click();
await ada.write(12, "See you on Friday, then.");
await ada.page.screenshot({ path: picture("page.png") });
await bob.page.screenshot({ path: picture("page-phone-dark.png") });

await ada.close();
await bob.close();
await server.stop();
await browser.close();
