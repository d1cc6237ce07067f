// The scan page, kept open: what is scanned goes to the service, and its answer is set into the page. While the service
// cannot be reached, codes are verified here.
import { Camera } from "./camera.js";
import { keepField } from "./field.js";
import { takeFiles } from "./files.js";
import { keepInTouch } from "./link.js";
import { Scanner } from "./scanner.js";
import { Voice } from "./voice.js";

const field = document.getElementById("scan");
const voice = new Voice(document.getElementById("voice"), document.getElementById("again"));
const link = keepInTouch(document.getElementById("offline"));
const scanner = new Scanner(link, voice);

keepField(field);
takeFiles(document.getElementById("files"), (file) => scanner.takeFile(file));
new Camera((text) => scanner.takeText(text)).attach();
document.getElementById("tools").hidden = false;
document.getElementById("scanner").addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = field.value;
  field.value = "";
  scanner.takeText(typed);
});
if ("serviceWorker" in navigator) {
  navigator.serviceWorker.register("/worker.js");
}
