// A scanner gun types wherever the focus is. Whatever was clicked last, what it types belongs in the field.

export function keepField(field) {
  document.addEventListener("keydown", (event) => {
    const typing = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (typing && event.key !== " " && document.activeElement !== field) {
      field.focus();
    }
  });
  window.addEventListener("focus", () => {
    if (document.activeElement === document.body) {
      field.focus();
    }
  });
}
