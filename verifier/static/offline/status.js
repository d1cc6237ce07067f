// What the bundle says of a licence's status: marks packed as (distance, mark) pairs, and decisions where they are held.
import { cannotTell } from "./refusal.js";

export const SKEW = 300;
export const STATES = [
  "valid", "inactive", "suspended", "superseded", "transferred", "cancelled", "withdrawn", "revoked",
];
const PAGE = 4096;

const ends = (state) => state > 2;

function unpack(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

// Distances are from the mark before, in groups of seven bits, the lowest first; all but the last have the high bit.
function markOf(listing, index) {
  listing.bytes ??= unpack(listing.marks);
  const { bytes } = listing;
  let place = -1;
  for (let at = 0; at < bytes.length; ) {
    let distance = 0;
    let shift = 1;
    for (; bytes[at] & 0x80; at += 1, shift *= 128) {
      distance += (bytes[at] & 0x7f) * shift;
    }
    place += distance + bytes[at] * shift;
    if (place >= index) {
      return place === index ? bytes[at + 1] : 0;
    }
    at += 2;
  }
  return 0;
}

// Returns { state, flags, touched } of a licence.
export function readMark(status, keyId, face) {
  const listing = status.lists.find((one) => one.key === keyId && one.number === face.list);
  if (!listing || face.index >= listing.covered) {
    throw cannotTell("status-not-covered");
  }
  const byte = markOf(listing, face.index);
  return { state: byte & 7, flags: byte >> 4, touched: byte !== 0 };
}

function stateAt(events, at) {
  const begun = events.filter(([, since]) => since <= at);
  const ended = begun.filter(([state]) => ends(state));
  if (ended.length) {
    return ended.reduce((first, one) => (one[1] < first[1] ? one : first))[0];
  }
  const ruling = begun.reverse().find(([, , until]) => until === null || at < until);
  return ruling ? ruling[0] : 0;
}

// Returns the state at `at`. Decisions may make it worse than the list says, and never better.
export function stateOf(status, mark, keyId, face, at) {
  const number = Math.floor(face.index / PAGE);
  const page = status.pages.find((one) => one.key === keyId && one.number === face.list && one.page === number);
  const events = page?.events[face.index] ?? [];
  if (at >= status.issued_at - SKEW) {
    const later = stateAt(events, at);
    const worse = ends(later) || (page !== undefined && page.sequence > status.sequence && later !== 0);
    return worse && !ends(mark.state) ? later : mark.state;
  }
  if (!mark.touched) {
    return 0;
  }
  if (!page || page.issued_at < at || stateAt(events, status.issued_at) !== mark.state) {
    throw cannotTell("status-details-missing");
  }
  return stateAt(events, at);
}

export const hasEnded = ends;
