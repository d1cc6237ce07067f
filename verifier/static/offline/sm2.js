// SM2 verification (GB/T 32918.2) by big integers. All that it sees is public, so it need not take the same time always.
import { sm3 } from "./sm3.js";

const P = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn;
const N = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
const A = P - 3n;
const B = 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n;
const GX = 0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n;
const GY = 0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n;
const USER = new TextEncoder().encode("1234567812345678");

const mod = (value, by = P) => ((value % by) + by) % by;

export function toNumber(bytes) {
  let hex = "0x0";
  for (const byte of bytes) {
    hex += byte.toString(16).padStart(2, "0");
  }
  return BigInt(hex);
}

const toBytes = (number) =>
  Uint8Array.from(number.toString(16).padStart(64, "0").match(/../g), (pair) => parseInt(pair, 16));

export function join(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

// Points are [X, Y, Z] with x = X/Z², y = Y/Z³; Z = 0 is the point at infinity.
function double([x, y, z]) {
  if (z === 0n) {
    return [x, y, z];
  }
  const delta = mod(z * z);
  const gamma = mod(y * y);
  const beta = mod(x * gamma);
  const alpha = mod(3n * (x - delta) * (x + delta));
  const outX = mod(alpha * alpha - 8n * beta);
  const outZ = mod((y + z) * (y + z) - gamma - delta);
  return [outX, mod(alpha * (4n * beta - outX) - 8n * gamma * gamma), outZ];
}

function add(one, two) {
  if (one[2] === 0n) {
    return two;
  }
  if (two[2] === 0n) {
    return one;
  }
  const [x1, y1, z1] = one;
  const [x2, y2, z2] = two;
  const zz1 = mod(z1 * z1);
  const zz2 = mod(z2 * z2);
  const u1 = mod(x1 * zz2);
  const u2 = mod(x2 * zz1);
  const s1 = mod(y1 * z2 * zz2);
  const s2 = mod(y2 * z1 * zz1);
  const h = mod(u2 - u1);
  const r = mod(s2 - s1);
  if (h === 0n) {
    return r === 0n ? double(one) : [1n, 1n, 0n];
  }
  const hh = mod(h * h);
  const hhh = mod(h * hh);
  const v = mod(u1 * hh);
  const outX = mod(r * r - hhh - 2n * v);
  return [outX, mod(r * (v - outX) - s1 * hhh), mod(z1 * z2 * h)];
}

// Returns s·G + t·Q, bit by bit with the sum of both at hand.
function combine(s, t, q) {
  const g = [GX, GY, 1n];
  const table = [null, g, q, add(g, q)];
  let sum = [1n, 1n, 0n];
  for (let bit = 255n; bit >= 0n; bit -= 1n) {
    sum = double(sum);
    const chosen = Number((s >> bit) & 1n) + 2 * Number((t >> bit) & 1n);
    if (chosen) {
      sum = add(sum, table[chosen]);
    }
  }
  return sum;
}

function inverse(value) {
  let [a, b, u, v] = [mod(value), P, 1n, 0n];
  while (a > 1n) {
    const quotient = b / a;
    [a, b, u, v] = [b - quotient * a, a, v - quotient * u, u];
  }
  return mod(u);
}

// Tells whether r and s can be a signature's at all.
export function isPossible(r, s) {
  return r > 0n && r < N && s > 0n && s < N && r + s !== N;
}

// Tells whether a raw signature, r ‖ s, is that of a message by a point, x ‖ y.
export function verifies(point, message, signature) {
  const [r, s] = [toNumber(signature.subarray(0, 32)), toNumber(signature.subarray(32, 64))];
  if (signature.length !== 64 || point.length !== 64 || !isPossible(r, s)) {
    return false;
  }
  const [x, y] = [toNumber(point.subarray(0, 32)), toNumber(point.subarray(32, 64))];
  if (x >= P || y >= P || mod(y * y - (x * x + A) * x - B) !== 0n) {
    return false;
  }
  const owner = sm3(join(Uint8Array.of(0, 128), USER, ...[A, B, GX, GY].map(toBytes), point));
  const e = toNumber(sm3(join(owner, message)));
  const sum = combine(s, mod(r + s, N), [x, y, 1n]);
  if (sum[2] === 0n) {
    return false;
  }
  const over = inverse(sum[2]);
  return mod(e + mod(sum[0] * over * over), N) === r;
}
