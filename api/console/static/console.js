// What a script adds: live progress, a shortcut to the first field, printing, and one sending of a form sent twice.

const field = "main input:not([type=hidden]), main select, main textarea";

document.addEventListener("keydown", (event) => {
  const inField = event.target.closest("input, select, textarea");
  if (event.key === "Escape" && inField) {
    inField.blur();
  } else if (event.key === "/" && !inField && !event.ctrlKey && !event.altKey && !event.metaKey) {
    const first = document.querySelector(field);
    if (first) {
      event.preventDefault();
      first.focus();
    }
  }
});

document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) {
    event.preventDefault();
    return;
  }
  event.target.dataset.sent = "yes";
  setTimeout(() => event.submitter?.setAttribute("disabled", ""));
});

// A page that is gone back to can be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelectorAll(":disabled").forEach((one) => one.removeAttribute("disabled"));
  }
});

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

document.querySelector("[role=alert][tabindex]")?.focus();

const live = document.querySelector("[data-events]");
if (live) follow(live);

// Events carry {"state", "rows", "done", "issued", "failed"}; whatever changes the state makes another page.
function follow(section) {
  const source = new EventSource(section.dataset.events);
  const shown = (name) => section.querySelector(`[data-${name}]`);
  const bar = section.querySelector("progress");
  section.querySelector(".refresh")?.setAttribute("hidden", "");
  source.onmessage = (event) => {
    const now = JSON.parse(event.data);
    if (now.state !== section.dataset.state) {
      source.close();
      location.reload();
      return;
    }
    bar.max = now.rows || 1;
    bar.value = now.done;
    for (const name of ["done", "rows", "issued", "failed"]) {
      const place = shown(name);
      if (place) place.textContent = now[name].toLocaleString("en-US");
    }
  };
}
