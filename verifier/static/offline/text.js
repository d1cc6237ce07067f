// The text of a code: what a keyboard made of it undone, and base-41 (ecert/qr.py, verifier/keystrokes.py).
import { cannotTell, fails, UNCHECKED } from "./refusal.js";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ+-/*.";
const LINK = /^HTTPS:\/\/[A-Z0-9.-]{1,253}\/([A-Z]?)#(.*)$/s;
const MAX_TEXT = 4096;
const MAX_FACE = 1024;
const PUNCTUATION = { "。": ".", "、": "/", "￥": "$", "¥": "$", "｡": ".", "､": "/" };

export function undoKeyboard(typed) {
  const kept = typed.replace(/[\p{Cc}\p{Cf}\p{Zs}\p{Zl}\p{Zp}]/gu, "");
  const narrow = kept.replace(/[\uff01-\uff5e]/g, (one) => String.fromCharCode(one.charCodeAt(0) - 0xfee0));
  return narrow.replace(/[。、￥¥｡､]/g, (one) => PUNCTUATION[one]).replace(/[a-z]/g, (one) => one.toUpperCase());
}

function decodeBase41(code) {
  const over = code.length % 3;
  const bytes = [];
  const digits = [...code].map((character) => ALPHABET.indexOf(character));
  if (over === 1 || digits.includes(-1)) {
    throw fails("text-damaged");
  }
  for (let at = 0; at < digits.length; at += 3) {
    const whole = at + 3 <= digits.length;
    const value = digits[at] + 41 * digits[at + 1] + (whole ? 1681 * digits[at + 2] : 0);
    if (value > (whole ? 0xffff : 0xff)) {
      throw fails("text-damaged");
    }
    bytes.push(...(whole ? [value >> 8, value & 0xff] : [value]));
  }
  return Uint8Array.from(bytes);
}

// Returns the letter of a code and its bytes; a face's has none, a phone's dynamic code has D.
export function readLink(text) {
  if (text.length > MAX_TEXT) {
    throw fails("too-large");
  }
  const match = /^[\x00-\x7f]*$/.test(text) ? LINK.exec(text.trim().toUpperCase()) : null;
  if (match === null) {
    throw fails("not-a-licence-text");
  }
  return [match[1], decodeBase41(match[2])];
}

export function readText(text) {
  const [letter, data] = readLink(text);
  if (letter === "D" || letter === "O") {
    throw cannotTell(UNCHECKED);
  }
  if (letter) {
    throw fails("not-a-licence-text");
  }
  if (data.length > MAX_FACE) {
    throw fails("too-large");
  }
  return data;
}
