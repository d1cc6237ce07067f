// Whether the service can be reached, and what is kept for the time when it cannot: the bundle of what it holds.

import { ageOf } from "./offline-view.js";

const NOTHING_KEPT = "本页还没有名录，扫描一律“无法判断”。";
const LOOK_EVERY = 5000;
const BUNDLE_EVERY = 30000;
const PATIENCE = 4000;
const TOLD = "service-time";

export class Unreachable extends Error {}

class Link {
  constructor(banner) {
    this.banner = banner;
    this.reachable = true;
    this.bundle = null;
    this.told = Number(localStorage.getItem(TOLD) ?? 0);
    this.toldAt = performance.now();
    this.back = () => {}; // called when the service is found again
  }

  // Asks the service, and returns its answer as a page, which has a certain element; throws Unreachable where it does
  // not answer in time, or something else answers, such as a proxy in front of it.
  async ask(address, id, options = {}) {
    try {
      const answer = await fetch(address, { signal: AbortSignal.timeout(PATIENCE), ...options });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!page.getElementById(id)) {
        throw new Unreachable();
      }
      this.set(true);
      return page;
    } catch (error) {
      this.set(false);
      throw new Unreachable(error.message);
    }
  }

  set(reachable) {
    const found = reachable && !this.reachable;
    this.reachable = reachable;
    this.banner.hidden = reachable;
    document.body.classList.toggle("cut", !reachable);
    this.banner.querySelector("#kept").textContent = this.bundle ? ageOf(this.bundle, this.now()) : NOTHING_KEPT;
    if (found) {
      this.back();
    }
  }

  async look() {
    try {
      const page = await this.ask("/lights", "lights");
      document.getElementById("lights").replaceWith(page.getElementById("lights"));
    } catch (error) {
      if (!(error instanceof Unreachable)) {
        throw error;
      }
    }
  }

  // The time in seconds, never before what the service's clock was when it was last heard, and has gone on to since:
  // a clock of this machine that is behind makes nothing fresh, and no licence valid again.
  now() {
    return Math.max(Date.now() / 1000, this.told + (performance.now() - this.toldAt) / 1000);
  }

  hear(time) {
    this.told = time;
    this.toldAt = performance.now();
    localStorage.setItem(TOLD, String(time));
  }

  async refresh() {
    try {
      const answer = await fetch("/offline/bundle.json", { cache: "no-cache" });
      if (answer.ok) {
        if (!answer.headers.has("X-Kept")) {
          this.hear(Date.parse(answer.headers.get("Date")) / 1000);
        }
        this.bundle = await answer.json();
      }
    } catch {
      // What is kept stays; it says itself how old it is.
    }
  }
}

export function keepInTouch(banner) {
  const link = new Link(banner);
  link.refresh();
  link.look();
  setInterval(() => link.look(), LOOK_EVERY);
  setInterval(() => link.refresh(), BUNDLE_EVERY);
  return link;
}
