// What takes the place of a browser's things in tests of the page's client: they do what the test says.

/** Has what the page uses of localStorage, and room for so many characters in all. */
export class ScriptedStorage {
  #items = new Map();
  room = Infinity;

  get length() {
    return this.#items.size;
  }

  key(index) {
    return [...this.#items.keys()][index] ?? null;
  }

  getItem(name) {
    return this.#items.get(name) ?? null;
  }

  setItem(name, text) {
    if (text.length > this.room) {
      throw new Error("QuotaExceededError");
    }
    this.#items.set(name, text);
  }

  removeItem(name) {
    this.#items.delete(name);
  }

  /** The same, as a page has it: one that is closed writes nothing any more. */
  seenWhile(isOpen) {
    return {
      items: this,
      get length() {
        return this.items.length;
      },
      key: (index) => this.key(index),
      getItem: (name) => this.getItem(name),
      setItem: (name, text) => isOpen() && this.setItem(name, text),
      removeItem: (name) => isOpen() && this.removeItem(name),
    };
  }
}

/** Lets everything that waits for settled promises run. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A clock that goes on when the test says so, and not by itself. */
export class VirtualTime {
  now = 1_000_000;
  chance = 1;
  #timers = [];

  random() {
    return this.chance;
  }

  after(milliseconds, action) {
    const timer = { at: this.now + milliseconds, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets time pass; what happens at one moment has settled before the next. */
  async pass(milliseconds) {
    const end = this.now + milliseconds;
    await settle();
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((left, right) => left.at - right.at)[0];
      if (due === undefined) {
        break;
      }
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.now = Math.max(this.now, due.at);
      due.action();
      await settle();
    }
    this.now = end;
  }
}
