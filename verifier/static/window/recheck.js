// What was judged in the page through a cut is asked of the service afterwards: so it is counted, and where the service
// comes to another verdict the clerk is told. Codes are remembered in this page's memory alone.
import { Unreachable } from "./link.js";

const MOST = 500;
const KINDS = { valid: "有效", invalid: "无效", undetermined: "无法判断", unread: "没有读出" };

export class Recheck {
  constructor(root, time) {
    this.root = root;
    this.time = time;
    this.waiting = new Map();
    this.forget();
  }

  forget() {
    this.count = 0;
    this.changes = [];
    this.root.replaceChildren();
  }

  remember(text, verdict, now) {
    if (verdict.face && this.waiting.size < MOST) {
      this.waiting.set(text, { outcome: verdict.outcome, holder: verdict.face.holder, at: this.time(now) });
    }
  }

  // Asks about one after the other, and hands on each answer; those that the service could not be asked about wait.
  async run(ask, take) {
    try {
      for (const [text, before] of this.waiting) {
        const page = await ask(text);
        this.waiting.delete(text);
        this.count += 1;
        this.compare(before, page.querySelector(".verdict"));
        take(text, page);
      }
    } catch (error) {
      if (!(error instanceof Unreachable)) {
        throw error;
      }
    }
    if (this.count) {
      this.show();
    }
  }

  compare(before, verdict) {
    const after = Object.keys(KINDS).find((kind) => verdict?.classList.contains(kind)) ?? "undetermined";
    if (after !== before.outcome) {
      this.changes.push({ ...before, after, sentence: verdict?.querySelector(".sentence").textContent ?? "" });
    }
  }

  show() {
    const changed = this.changes.length;
    const panel = document.getElementById("checked-again").content.cloneNode(true);
    const section = panel.querySelector("section");
    const result = changed ? `${changed} 张的结论有变` : "结论都没有变";
    panel.querySelector("[data-slot='title']").textContent = `断网期间核验的 ${this.count} 张已联网复核，${result}`;
    panel.querySelector("[data-slot='title-en']").textContent =
      `${this.count} checked again on line, ${changed || "no"} with another verdict`;
    section.classList.toggle("worse", this.changes.some((one) => one.after !== "valid"));
    if (changed) {
      section.dataset.spoken = `断网期间核验的证照，有 ${changed} 张结论有变，请查看。`;
    }
    panel.querySelector("ol").replaceChildren(...this.changes.map((one) => {
      const row = document.createElement("li");
      row.className = one.after;
      row.textContent = `${one.at} ${one.holder}：${KINDS[one.outcome]} → ${KINDS[one.after]}，${one.sentence}`;
      return row;
    }));
    panel.querySelector("button").addEventListener("click", () => this.forget());
    this.root.replaceChildren(panel);
    if (changed) {
      this.root.scrollIntoView({ block: "nearest" });
    }
  }
}
