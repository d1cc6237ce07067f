// Reads the verdict aloud, where the browser has a voice: on demand, or always while the switch is on.

const REMEMBERED = "read-aloud";

export class Voice {
  constructor(always, again) {
    this.always = always;
    this.again = again;
    this.able = "speechSynthesis" in window;
    always.disabled = !this.able;
    always.checked = this.able && localStorage.getItem(REMEMBERED) === "yes";
    always.addEventListener("change", () => localStorage.setItem(REMEMBERED, always.checked ? "yes" : "no"));
    again.addEventListener("click", () => this.speak());
    this.offer();
  }

  // Called when something new is shown.
  tell() {
    this.offer();
    if (this.always.checked) {
      this.speak();
    }
  }

  offer() {
    this.again.hidden = !this.able || document.querySelector("[data-spoken]") === null;
  }

  // Says something by the way, once.
  say(words) {
    if (this.always.checked) {
      this.utter(words);
    }
  }

  speak() {
    this.utter(Array.from(document.querySelectorAll("[data-spoken]"), (one) => one.dataset.spoken).join(""));
  }

  utter(said) {
    const utterance = new SpeechSynthesisUtterance(said);
    utterance.lang = "zh-CN";
    speechSynthesis.cancel();
    speechSynthesis.speak(utterance);
  }
}
