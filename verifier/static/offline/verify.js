// The verification of a face code in a page, by what the window's service had verified: the numbered steps of
// ecert/verification, with the same codes. What cannot be checked here cannot be told.
import { readEnvelope, readFace } from "./face.js";
import { cannotTell, fails, Refusal } from "./refusal.js";
import { budget, requireEntitled, requireStanding } from "./registry.js";
import { verifies } from "./sm2.js";
import { hasEnded, readMark, SKEW, STATES, stateOf } from "./status.js";
import { readText } from "./text.js";

const STEPS = [
  "format", "registry", "issuer-key", "seal", "content", "fields",
  "entitlement", "certificate", "validity", "status-list", "status", "freshness",
];

const fromHex = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));

class Run {
  constructor(bundle, text, now) {
    this.bundle = bundle;
    this.text = text;
    this.now = now;
    this.found = {};
  }

  format() {
    this.envelope = readEnvelope(readText(this.text));
    return true;
  }

  registry() {
    const { registry } = this.bundle;
    if (!registry) {
      throw cannotTell("registry-missing");
    }
    if (this.now > registry.fresh_until) {
      throw cannotTell("registry-stale");
    }
    return true;
  }

  "issuer-key"() {
    const { registry, regions } = this.bundle;
    if (!this.envelope || !registry) {
      return false;
    }
    for (const region of regions) {
      const key = region.keys.find((one) => one.id === this.envelope.keyId);
      if (key) {
        Object.assign(this.found, { region, key });
      }
    }
    if (!this.found.key) {
      throw cannotTell("issuer-unknown");
    }
    if (this.now <= registry.fresh_until && this.now > this.found.region.fresh_until) {
      throw cannotTell("registry-stale");
    }
    return true;
  }

  seal() {
    if (!this.envelope || !this.found.key) {
      return false;
    }
    if (!verifies(fromHex(this.found.key.point), this.envelope.tbs, this.envelope.signature)) {
      throw fails("seal-bad");
    }
    this.sealHolds = true;
    return true;
  }

  content() {
    if (!this.sealHolds) {
      return false;
    }
    this.found.face = readFace(this.envelope.payload, this.found.key.code);
    return true;
  }

  fields() {
    return false;
  }

  entitlement() {
    const { region, key, face } = this.found;
    if (!face) {
      return false;
    }
    requireEntitled(this.bundle.registry, region, key, face.typeCode, face.sealedAt, this.now);
    return true;
  }

  certificate() {
    const { region, key, face } = this.found;
    if (!face) {
      return false;
    }
    requireStanding(this.bundle.registry, region, key, face.sealedAt, this.now);
    return true;
  }

  validity() {
    const { face } = this.found;
    if (!face) {
      return false;
    }
    if (face.sealedAt > this.now + SKEW) {
      throw fails("sealed-in-future");
    }
    if (this.now < face.begins) {
      throw fails("not-yet-in-force");
    }
    if (this.now >= face.ends) {
      throw fails("expired");
    }
    return true;
  }

  "status-list"() {
    const { region, face, key } = this.found;
    if (!face) {
      return false;
    }
    if (!region.status) {
      throw cannotTell("status-missing");
    }
    this.found.status = region.status;
    this.mark = readMark(region.status, key.id, face);
    if (this.now > region.status.fresh_until) {
      throw cannotTell("status-stale");
    }
    return true;
  }

  status() {
    const { status, face, key } = this.found;
    if (!face || !status || !this.mark) {
      return false;
    }
    const stale = this.now > status.fresh_until;
    const state = stateOf(status, this.mark, key.id, face, this.now);
    if (state === 0) {
      return !stale;
    }
    throw stale && !hasEnded(state) ? cannotTell(STATES[state]) : fails(STATES[state]);
  }

  freshness() {
    const { status, face } = this.found;
    const { registry } = this.bundle;
    if (!face || !status) {
      return false;
    }
    const allowed = budget(this.bundle.policy, face.typeCode);
    for (const [evidence, most, code] of [
      [registry, allowed.registry, "registry-too-old"],
      [status, allowed.status, "status-too-old"],
    ]) {
      const age = this.now - evidence.issued_at;
      if (age < -SKEW) {
        throw cannotTell("clock-behind");
      }
      if (most !== null && age > most) {
        throw cannotTell(code);
      }
    }
    return true;
  }
}

function step(run, name) {
  try {
    return { name, result: run[name]() ? "pass" : "skipped", code: "ok" };
  } catch (error) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    return { name, result: error.result, code: error.code };
  }
}

// Returns { outcome, reason, checks, face, region, key, status, flags } of a code's text at `now`, seconds after 1970.
export function verify(bundle, text, now) {
  const run = new Run(bundle, text, now);
  const checks = STEPS.map((name) => step(run, name));
  const problem = checks.find((one) => one.result === "fail") ?? checks.find((one) => one.result === "unknown");
  const outcome = !problem ? "valid" : problem.result === "fail" ? "invalid" : "undetermined";
  return { outcome, reason: problem?.code ?? "ok", checks, flags: run.mark?.flags ?? 0, ...run.found };
}
