// What makes the pages for accepting matters easier; every one of them works without.
"use strict";

const LOOK_EVERY = 2000;
const SIGNED_SIZE = 24;

for (const element of document.querySelectorAll("[data-script], [data-print]")) {
  element.hidden = false;
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => window.print());
}

// A second click while the first is on its way sends nothing.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
    }
    form.dataset.sent = "yes";
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) {
    delete form.dataset.sent;
  }
});

// A scanner gun types wherever the focus is: what it types outside any field belongs in that for codes.
const gun = document.querySelector("input[data-gun]");
document.addEventListener("keydown", (event) => {
  const typing = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (gun && typing && !document.activeElement.matches("input, textarea, select")) {
    gun.focus();
  }
});

// Handwriting: strokes on a canvas below the words that are signed, sent as one picture.
for (const form of document.querySelectorAll("form[data-ink]")) {
  writeOn(form, form.querySelector("canvas"));
}

function writeOn(form, canvas) {
  const pen = canvas.getContext("2d");
  const empty = form.querySelector("[data-empty]");
  let strokes = 0;
  let ready = false;

  function clear() {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.lineWidth = 5;
    pen.lineCap = "round";
    pen.lineJoin = "round";
    pen.strokeStyle = "#101828";
    strokes = 0;
    delete form.dataset.dirty;
    pen.fillStyle = "#101828";
    pen.font = `${SIGNED_SIZE}px "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif`;
    lines(canvas.dataset.statement).forEach((line, at) => pen.fillText(line, SIGNED_SIZE, SIGNED_SIZE * 1.5 * (at + 1)));
  }

  function lines(text) {
    const found = [""];
    for (const character of text) {
      const longer = found.at(-1) + character;
      if (pen.measureText(longer).width > canvas.width - 2 * SIGNED_SIZE) {
        found.push(character);
      } else {
        found[found.length - 1] = longer;
      }
    }
    return found;
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * canvas.width) / box.width,
      ((event.clientY - box.top) * canvas.height) / box.height,
    ];
  }

  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) {
      pen.lineTo(...place(event));
      pen.stroke();
      strokes += 1;
      form.dataset.dirty = "yes";
    }
  });
  form.querySelector("[data-clear]").addEventListener("click", clear);
  form.addEventListener("submit", (event) => {
    if (ready) {
      return;
    }
    event.preventDefault();
    empty.hidden = strokes > 0;
    if (strokes > 0) {
      const now = new Date().toLocaleString("zh-CN", { timeZone: "Asia/Shanghai" });
      pen.fillText(now, canvas.width - SIGNED_SIZE - pen.measureText(now).width, canvas.height - SIGNED_SIZE);
      canvas.toBlob((picture) => {
        const files = new DataTransfer();
        files.items.add(new File([picture], "consent.png", { type: "image/png" }));
        form.elements.scan.files = files.files;
        ready = true;
        form.requestSubmit();
      }, "image/png");
    }
  });
  clear();
}

// A request on the holder's phone: ask how it stands, and show the page anew once that changed. Nothing typed is lost.
const waiting = document.querySelector("[data-look]");
if (waiting) {
  setTimeout(look, LOOK_EVERY);
}

// A form is on its way: nothing of ours gets in its way.
let leaving = false;
document.addEventListener("submit", (event) => {
  leaving = !event.defaultPrevented;
});

async function look() {
  try {
    const answer = await fetch(waiting.dataset.look, { method: "POST", headers: { Accept: "application/json" } });
    if (answer.status === 401 || answer.status === 404) {
      window.location.assign(waiting.dataset.look.replace(/\/look$/, ""));
      return;
    }
    if (answer.ok && (await answer.json()).changed) {
      if (leaving) {
        return;
      }
      if (!isDirty()) {
        document.querySelector("form[action$='/look']").requestSubmit();
        return;
      }
      document.querySelector("[data-news]").hidden = false;
      return;
    }
  } catch {
    // The network is away: ask again.
  }
  setTimeout(look, LOOK_EVERY);
}

function isDirty() {
  return document.querySelector("form[data-dirty]") !== null || [...document.querySelectorAll("main input:not([type=hidden]), main textarea")].some((field) =>
    field.type === "file" ? field.files.length > 0 : field.value !== field.defaultValue,
  );
}
