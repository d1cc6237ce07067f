// A printed name in GB18030: its text, if it is written in the one way that the service would write it.
import { cannotTell, fails, UNCHECKED } from "./refusal.js";

// Browsers and the service read these few by different editions of the standard.
const DISPUTED = /[\ue000-\uf8ff\ufe10-\ufe19\u1e3f\u9fb4-\u9fbb]/u;
const decoder = new TextDecoder("gb18030", { fatal: true });
let inTwo = null;

function read(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    throw fails("record-malformed");
  }
}

// The characters that two bytes can write: for them four are not canonical.
function writableInTwo() {
  if (inTwo === null) {
    inTwo = new Set();
    const loose = new TextDecoder("gb18030");
    for (let first = 0x81; first <= 0xfe; first += 1) {
      for (let second = 0x40; second <= 0xfe; second += 1) {
        inTwo.add(second === 0x7f ? "" : loose.decode(Uint8Array.of(first, second)));
      }
    }
  }
  return inTwo;
}

export function readName(bytes) {
  let name = "";
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at];
    const second = bytes[at + 1] ?? 0;
    const length = first < 0x80 ? 1 : second >= 0x30 && second <= 0x39 ? 4 : 2;
    if (first === 0x80 || at + length > bytes.length) {
      throw fails("record-malformed");
    }
    const character = read(bytes.subarray(at, at + length));
    if (DISPUTED.test(character) || (first === 0xa3 && second === 0xa0)) {
      throw cannotTell(UNCHECKED);
    }
    if (length === 4 && writableInTwo().has(character)) {
      throw fails("record-malformed");
    }
    name += character;
    at += length;
  }
  if (name !== name.trim() || /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(name)) {
    throw fails("record-malformed");
  }
  return name;
}
