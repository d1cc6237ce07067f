// What the bundle says of an issuer's key: the same questions as ecert/trust asks, in the same order.
import { cannotTell, fails, Refusal } from "./refusal.js";

const RENEWABLE = ["certificate-expired", "certificate-not-yet-valid", "certificate-no-path"];

function stateProblem(history, at) {
  const past = history.filter(([since]) => since <= at);
  return past.length ? !past.at(-1)[1] : history.length > 0;
}

function grantProblem(entry, typeCode, at) {
  const held = entry.grants.filter(
    ([type, since, until]) => type === typeCode && since <= at && (until === null || at < until),
  );
  return !held.length || stateProblem(entry.history, at);
}

function entitlementProblem(key, typeCode, at) {
  if (!key.issuer) {
    return true;
  }
  const about = key.entries.filter((entry) => entry.grants.some(([type]) => type === typeCode));
  return (about.length ? about : key.entries).every((entry) => grantProblem(entry, typeCode, at));
}

// Tells whether a newer registry could say otherwise about `at`.
function mayLag(registry, region, at, now) {
  return now > Math.min(registry.fresh_until, region.fresh_until) || at > registry.issued_at;
}

export function requireEntitled(registry, region, key, typeCode, at, now) {
  if (entitlementProblem(key, typeCode, at)) {
    throw mayLag(registry, region, at, now) ? cannotTell("registry-stale") : fails("issuer-not-entitled");
  }
}

function pathProblem(key, at) {
  const inUse = key.certificates.find((one) => one.not_before <= at && at <= one.not_after);
  const { path } = inUse ?? key.certificates[0];
  if (path.problem) {
    return new Refusal(...path.problem);
  }
  if (at < path.not_before) {
    return fails("certificate-not-yet-valid");
  }
  if (at > path.not_after) {
    return fails("certificate-expired");
  }
  return path.revoked.some((since) => since <= at) ? fails("certificate-revoked") : null;
}

export function requireStanding(registry, region, key, at, now) {
  if (!key.issuer && key.entries.every((entry) => stateProblem(entry.history, at))) {
    throw fails("issuer-not-entitled");
  }
  const problem = pathProblem(key, at);
  const lags = problem?.result === "fail" && RENEWABLE.includes(problem.code) && mayLag(registry, region, at, now);
  if (problem) {
    throw lags ? cannotTell("registry-stale") : problem;
  }
  if (key.compromised_at !== null && key.compromised_at <= now) {
    throw cannotTell("issuer-key-compromised");
  }
}

// How old registry and status may be for a licence of a type, in seconds; null sets no limit.
export function budget(policy, typeCode) {
  const applying = [policy.default, ...(policy.types[typeCode] ? [policy.types[typeCode]] : [])];
  const least = (at) => applying.map((one) => one[at]).reduce((a, b) => (a === null ? b : b === null ? a : Math.min(a, b)));
  return { registry: least(0), status: least(1) };
}
