// SM3 (GB/T 32905).

const START = [
  0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e,
];

const turn = (word, by) => (word << by) | (word >>> (32 - by));
const permute0 = (x) => x ^ turn(x, 9) ^ turn(x, 17);
const permute1 = (x) => x ^ turn(x, 15) ^ turn(x, 23);

function padded(message) {
  const length = Math.ceil((message.length + 9) / 64) * 64;
  const data = new Uint8Array(length);
  data.set(message);
  data[message.length] = 0x80;
  const view = new DataView(data.buffer);
  view.setUint32(length - 8, Math.floor((message.length * 8) / 2 ** 32));
  view.setUint32(length - 4, (message.length * 8) >>> 0);
  return view;
}

function expand(view, at) {
  const w = new Int32Array(68);
  for (let j = 0; j < 16; j += 1) {
    w[j] = view.getInt32(at + 4 * j);
  }
  for (let j = 16; j < 68; j += 1) {
    w[j] = permute1(w[j - 16] ^ w[j - 9] ^ turn(w[j - 3], 15)) ^ turn(w[j - 13], 7) ^ w[j - 6];
  }
  return w;
}

function compress(state, w) {
  let [a, b, c, d, e, f, g, h] = state;
  for (let j = 0; j < 64; j += 1) {
    const early = j < 16;
    const t = turn(early ? 0x79cc4519 : 0x7a879d8a, j % 32);
    const ss1 = turn((turn(a, 12) + e + t) | 0, 7);
    const ss2 = ss1 ^ turn(a, 12);
    const ff = early ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
    const gg = early ? e ^ f ^ g : (e & f) | (~e & g);
    const tt1 = (ff + d + ss2 + (w[j] ^ w[j + 4])) | 0;
    const tt2 = (gg + h + ss1 + w[j]) | 0;
    [a, b, c, d, e, f, g, h] = [tt1, a, turn(b, 9), c, permute0(tt2), e, turn(f, 19), g];
  }
  return [a, b, c, d, e, f, g, h].map((word, index) => word ^ state[index]);
}

export function sm3(message) {
  const view = padded(message);
  let state = START;
  for (let at = 0; at < view.byteLength; at += 64) {
    state = compress(state, expand(view, at));
  }
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, index) => digest.setInt32(4 * index, word));
  return new Uint8Array(digest.buffer);
}
