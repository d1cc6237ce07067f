// Takes what is scanned, one after the other, and shows what it came to.
import { undoKeyboard } from "../offline/text.js";
import { verify } from "../offline/verify.js";
import { readHere } from "./camera.js";
import { Unreachable } from "./link.js";
import { clockOf, showNotice, showVerdict } from "./offline-view.js";
import { Recheck } from "./recheck.js";

// A code on a licence is answered at once; a file is sent and drawn first, a phone's code asked about elsewhere.
const SHORT = 4000;
const LONG = 20000;
const ALL = ["results", "today", "lights"];
const PHONE = /\/D#/;

export class Scanner {
  constructor(link, voice) {
    this.link = link;
    this.voice = voice;
    this.queue = Promise.resolve();
    this.judged = ""; // whose verdict on the page was reached here
    this.recheck = new Recheck(document.getElementById("rechecked"), clockOf);
    link.back = () => this.inTurn(() => this.checkAgain());
  }

  takeText(typed) {
    const form = new FormData();
    form.set("text", typed);
    const patience = PHONE.test(undoKeyboard(typed)) ? LONG : SHORT;
    return this.inTurn(() => this.send(form, patience, () => this.judge(typed)));
  }

  takeFile(file) {
    const form = new FormData();
    form.set("picture", file);
    return this.inTurn(() => this.send(form, LONG, () => this.judgePicture(file)));
  }

  inTurn(work) {
    this.queue = this.queue.then(work, work); // what went wrong with one scan is not the next one's
    return this.queue;
  }

  // Sends a form; where the service is out of reach, judges here. A known cut is not waited for.
  async send(form, patience, judge) {
    if (!this.link.reachable) {
      await judge();
    } else {
      try {
        this.set(await this.ask(form, patience), ALL);
      } catch (error) {
        if (!(error instanceof Unreachable)) {
          throw error;
        }
        await judge();
      }
    }
    const results = document.getElementById("results");
    if (results.getBoundingClientRect().top > innerHeight / 2) {
      results.scrollIntoView();
    }
    this.voice.tell();
  }

  ask(form, patience) {
    return this.link.ask("/", "results", { method: "POST", body: form, signal: AbortSignal.timeout(patience) });
  }

  set(page, parts) {
    if (parts.includes("results")) {
      document.title = page.title;
      this.judged = "";
    }
    for (const id of parts) {
      document.getElementById(id).replaceWith(page.getElementById(id));
    }
  }

  // Asks the service about one that was judged here, and has the next wait behind whatever was scanned meanwhile.
  async checkAgain() {
    const text = this.recheck.next();
    if (text === undefined || !this.link.reachable) {
      return;
    }
    const form = new FormData();
    form.set("text", text);
    let page;
    try {
      page = await this.ask(form, SHORT);
    } catch (error) {
      if (error instanceof Unreachable) {
        return; // it waits for the next time
      }
      throw error;
    }
    const verdict = page.querySelector(".verdict");
    if (!verdict) {
      return; // busy, as it seems
    }
    if (this.recheck.compare(text, verdict)) {
      this.voice.say(this.recheck.spoken);
    }
    this.set(page, text === this.judged ? ALL : ["today", "lights"]);
    this.inTurn(() => this.checkAgain());
  }

  judge(typed) {
    this.judged = "";
    if (!this.link.bundle) {
      showNotice("nothing");
      return;
    }
    const now = this.link.now();
    const text = undoKeyboard(typed);
    const verdict = verify(this.link.bundle, text, now);
    showVerdict(this.link.bundle, verdict, now);
    this.judged = text;
    this.recheck.remember(text, verdict, now);
  }

  async judgePicture(file) {
    const text = await readHere(file);
    if (text === null) {
      this.judged = "";
      showNotice("picture");
    } else {
      this.judge(text);
    }
  }
}
