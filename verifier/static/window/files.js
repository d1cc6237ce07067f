// A picture or a file that is chosen, dropped anywhere on the page, or pasted.

export function takeFiles(form, take) {
  const input = form.querySelector("input[type=file]");
  const takeFirst = (files) => {
    const file = files?.[0];
    if (file) {
      take(file);
    }
    return Boolean(file);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    takeFirst(input.files);
  });
  input.addEventListener("change", () => {
    takeFirst(input.files);
    input.value = "";
  });
  document.addEventListener("paste", (event) => {
    if (takeFirst(event.clipboardData.files)) {
      event.preventDefault();
    }
  });
  const over = (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  };
  document.addEventListener("dragover", over);
  document.addEventListener("dragleave", () => document.body.classList.remove("dropping"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    takeFirst(event.dataTransfer.files);
  });
}
