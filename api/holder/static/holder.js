// What a script adds: the seconds that a code has left, a new code before the old one is over, being told at once that
// a window used it, and a request that turns up while the page of requests is open. Everything else works without.

const EARLY = 8; // seconds before its end at which a code is made anew
const ASK = 1500; // milliseconds between two questions whether it was used
const FOLLOW = 5000; // milliseconds between two looks for requests
const FOLLOWED = 120; // how many looks there are: ten minutes, as long as a request waits for its answer
const RENEWALS = 15; // after so many codes that nobody scanned, the holder has to press for another

document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) {
    event.preventDefault();
    return;
  }
  event.target.dataset.sent = "yes";
});

// A page that is gone back to is asked for again: a code of before is good no longer.
window.addEventListener("pageshow", (event) => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  if (event.persisted && document.querySelector("#show")) location.reload();
});

let renewed = 0;
let busy = false;
let ends = 0;
let asked = 0;
let dark = false; // whether the network is gone

const place = () => document.querySelector("#show");
const left = () => Math.max(0, Math.ceil((ends - performance.now()) / 1000));

function begin() {
  ends = performance.now() + Number(place().dataset.left) * 1000;
  tick();
}

function tick() {
  const section = place();
  if (!section) return;
  const count = section.querySelector("[data-count]");
  const number = document.createElement("b");
  number.textContent = left();
  if (dark) count.textContent = left() > 0 ? `网络不通，此码 ${left()} 秒内仍可扫` : "网络不通，请稍后换新码";
  else count.replaceChildren(number, renewed < RENEWALS ? " 秒后到期，自动换新码" : " 秒后到期，请按“换新码”");
  section.querySelector("progress").value = left();
}

async function renew() {
  const form = document.querySelector("form[data-renew]");
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (!answer.ok) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("#show");
  if (!fresh) {
    location.reload();
    return;
  }
  place().replaceWith(document.adoptNode(fresh));
  renewed += 1;
  begin();
}

async function watch() {
  const section = place();
  if (!section || busy) return;
  busy = true;
  try {
    if (left() <= EARLY && renewed < RENEWALS && !document.hidden && (await state()) === "up") await renew();
    else if (performance.now() - asked >= ASK) await state();
    dark = false;
  } catch {
    dark = true;
  } finally {
    busy = false;
  }
}

async function state() {
  asked = performance.now();
  const answer = await fetch(place().dataset.state);
  if (answer.redirected) location.reload();
  if (!answer.ok) throw new Error(String(answer.status));
  const found = (await answer.json()).state;
  if (found !== "up") location.reload();
  return found;
}

if (place()) {
  begin();
  setInterval(() => {
    tick();
    watch();
  }, 500);
}

// The requests as a text that differs once one came or was answered.
function told(page) {
  const rows = [...page.querySelectorAll("[data-request], main [role='status']")];
  return rows.map((one) => `${one.dataset.request} ${one.textContent}`).join();
}

async function follow(looks) {
  if (looks === 0) return;
  if (!document.hidden && !document.querySelector("form[data-sent]")) {
    try {
      const answer = await fetch(location.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (answer.redirected || (answer.ok && told(page) !== told(document))) {
        location.reload();
        return;
      }
    } catch {
      // The network is away: look again.
    }
  }
  setTimeout(follow, FOLLOW, looks - 1);
}

if (document.querySelector("[data-follow]")) setTimeout(follow, FOLLOW, FOLLOWED);
