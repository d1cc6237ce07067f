// What was judged in the page through a cut is asked of the service afterwards: so it is counted, and where the service
// comes to another verdict the clerk is told. Codes are remembered in this page's memory alone.
const MOST = 500;
const KINDS = { valid: "有效", invalid: "无效", undetermined: "无法判断", unread: "没有读出" };

export class Recheck {
  constructor(root, time) {
    this.root = root;
    this.time = time;
    this.waiting = new Map();
    this.forget();
  }

  // Forgets what was told; what still waits is asked about all the same.
  forget() {
    this.count = 0;
    this.missed = 0;
    this.changes = [];
    this.root.replaceChildren();
  }

  remember(text, verdict, now) {
    if (!verdict.face) {
      return;
    }
    if (this.waiting.size < MOST || this.waiting.has(text)) {
      this.waiting.set(text, { outcome: verdict.outcome, holder: verdict.face.holder, at: this.time(now) });
    } else {
      this.missed += 1;
    }
  }

  next() {
    return this.waiting.keys().next().value;
  }

  // Takes the service's verdict on one; returns whether it is another.
  compare(text, verdict) {
    const before = this.waiting.get(text);
    this.waiting.delete(text);
    this.count += 1;
    const after = Object.keys(KINDS).find((kind) => verdict.classList.contains(kind));
    const changed = after !== before.outcome;
    if (changed) {
      this.changes.push({ ...before, after, sentence: verdict.querySelector(".sentence").textContent });
    }
    if (changed || this.waiting.size === 0) {
      this.show();
    }
    return changed;
  }

  get spoken() {
    return `断网期间核验的证照，有 ${this.changes.length} 张结论有变，请查看。`;
  }

  show() {
    const changed = this.changes.length;
    const panel = document.getElementById("checked-again").content.cloneNode(true);
    const section = panel.querySelector("section");
    const result = changed ? `${changed} 张的结论有变` : "结论都没有变";
    const missed = this.missed ? `；另有 ${this.missed} 张没有记下，请重新扫描` : "";
    panel.querySelector("[data-slot='title']").textContent = `断网期间核验的 ${this.count} 张已联网复核，${result}${missed}`;
    panel.querySelector("[data-slot='title-en']").textContent =
      `${this.count} checked again on line, ${changed || "no"} with another verdict` +
      (this.missed ? `; ${this.missed} not remembered: scan them anew` : "");
    section.classList.toggle("worse", this.missed > 0 || this.changes.some((one) => one.after !== "valid"));
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
