// The sealed face: its envelope cut where its parts must lie, and its content, each in the one form there is.
import { readName } from "./gb18030.js";
import { cannotTell, fails, UNCHECKED } from "./refusal.js";
import { isPossible, join, toNumber } from "./sm2.js";

const HEAD = [0x84, 0x51, 0xa2, 0x01, 0x3a, 0x00, 0x01, 0x00, 0x00, 0x04, 0x48];
const RECORD_KIND = new TextEncoder().encode("application/vnd.ecert.licence+cbor");
const SIGNATURE = new TextEncoder().encode("Signature1");
const USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY";
const SERIAL = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const CHINA = 8 * 3600;
const DAY = 86400;

const malformed = () => fails("record-malformed");
const starts = (data, head, at = 0) => head.every((byte, index) => data[at + index] === byte);

// Reads items of canonical CBOR one after another: whole numbers and byte strings are all that a face has.
class Reader {
  constructor(data) {
    this.data = data;
    this.at = 0;
  }

  head(major) {
    const first = this.data[this.at];
    const short = first & 31;
    const extra = short < 24 ? 0 : 2 ** (short - 24);
    if (first === undefined || first >> 5 !== major || short > 27 || this.at + 1 + extra > this.data.length) {
      throw malformed();
    }
    const value = extra ? toNumber(this.data.subarray(this.at + 1, this.at + 1 + extra)) : BigInt(short);
    const least = extra === 0 ? 0n : extra === 1 ? 24n : 1n << BigInt(4 * extra);
    if (value < least) {
      throw malformed();
    }
    this.at += 1 + extra;
    return value;
  }

  number(limit) {
    const value = this.head(0);
    if (value >= BigInt(limit)) {
      throw malformed();
    }
    return Number(value);
  }

  octets(least, most) {
    const length = this.head(2);
    if (length < BigInt(least) || length > BigInt(most)) {
      throw malformed();
    }
    const found = this.data.subarray(this.at, this.at + Number(length));
    if (found.length !== Number(length)) {
      throw malformed();
    }
    this.at += found.length;
    return found;
  }
}

function byteString(data) {
  const length = data.length;
  const head = length < 24 ? [0x40 + length] : length < 256 ? [0x58, length] : [0x59, length >> 8, length & 255];
  return join(Uint8Array.from(head), data);
}

// Returns { keyId, payload, signature, tbs }.
export function readEnvelope(data) {
  if (!starts(data, HEAD)) {
    const text = Array.from(data.subarray(0, 64), (byte) => String.fromCharCode(byte)).join("");
    throw text.includes(String.fromCharCode(...RECORD_KIND)) ? cannotTell(UNCHECKED) : malformed();
  }
  if (data[19] !== 0xa0) {
    throw malformed();
  }
  const reader = new Reader(data);
  reader.at = 20;
  const payload = reader.octets(0, data.length);
  const signature = reader.octets(64, 64);
  if (reader.at !== data.length) {
    throw malformed();
  }
  if (!isPossible(toNumber(signature.subarray(0, 32)), toNumber(signature.subarray(32)))) {
    throw fails("signature-malformed");
  }
  const protectedHeader = data.subarray(1, 19);
  const tbs = join(Uint8Array.of(0x84, 0x6a), SIGNATURE, protectedHeader, Uint8Array.of(0x40), byteString(payload));
  return { keyId: toHex(data.subarray(11, 19)), payload, signature, tbs };
}

export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function checkCharacter(digits) {
  let total = 0;
  let weight = 1;
  for (const digit of digits) {
    total += digit * weight;
    weight = (weight * 3) % 31;
  }
  return USCC[(31 - (total % 31)) % 31];
}

// ISO 7064 Mod 37,36.
function mod3736(payload) {
  let check = 18;
  for (const character of payload) {
    check = ((((check || 36) * 2) % 37) + SERIAL.indexOf(character)) % 36;
  }
  return SERIAL[(37 - (((check || 36) * 2) % 37)) % 36];
}

function readIdentifier(packed, issuerCode) {
  if (packed[0] === 0) {
    throw malformed();
  }
  let number = toNumber(packed);
  const take = (by) => {
    const rest = number % by;
    number /= by;
    return rest;
  };
  const version = Number(take(1000n));
  const sequence = Number(take(1000n));
  const digits = Array.from({ length: 17 }, () => Number(take(31n))).reverse();
  let serial = "";
  while (number > 0n && serial.length <= 32) {
    number -= 1n;
    serial = SERIAL[Number(number % 36n)] + serial;
    number /= 36n;
  }
  if (!serial || serial.length > 32 || !version) {
    throw malformed();
  }
  const body = digits.map((digit) => USCC[digit]).join("") + checkCharacter(digits);
  const typeCode = body + String(sequence).padStart(3, "0");
  const tail = String(version).padStart(3, "0");
  const check = mod3736(typeCode + issuerCode + serial + tail);
  return { typeCode, text: `1.2.156.3005.2.${typeCode}.${issuerCode}.${serial}.${tail}.${check}` };
}

const dayIn = (seconds) => Math.floor((seconds + CHINA) / DAY);

// Returns what a face says. Its seal was verified before.
export function readFace(payload, issuerCode) {
  const reader = new Reader(payload);
  const count = Number(reader.head(5));
  const content = {};
  let last = 0;
  for (let item = 0; item < count; item += 1) {
    const key = reader.number(8);
    if (key <= last) {
      throw malformed();
    }
    last = key;
    content[key] = {
      1: () => reader.octets(1, 34),
      2: () => reader.octets(1, 512),
      3: () => reader.number(2 ** 34),
      4: () => reader.number(Math.floor(2 ** 34 / DAY)),
      5: () => reader.number(Math.floor(2 ** 34 / DAY)),
      6: () => reader.number(2 ** 32),
      7: () => reader.octets(32, 32),
    }[key]();
  }
  if (reader.at !== payload.length || [1, 2, 3, 6, 7].some((key) => !(key in content))) {
    throw malformed();
  }
  const identifier = readIdentifier(content[1], issuerCode);
  const holder = readName(content[2]);
  const first = content[4] ?? dayIn(content[3]);
  if (content[4] === dayIn(content[3]) || (content[5] !== undefined && content[5] < first)) {
    throw malformed();
  }
  return {
    identifier: identifier.text,
    typeCode: identifier.typeCode,
    holder,
    sealedAt: content[3],
    first,
    last: content[5] ?? null,
    begins: first * DAY - CHINA,
    ends: content[5] === undefined ? Infinity : (content[5] + 1) * DAY - CHINA,
    list: Math.floor(content[6] / 2 ** 20),
    index: content[6] % 2 ** 20,
  };
}
