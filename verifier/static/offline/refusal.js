// What a step ends in when it does not pass: "fail", or "unknown" where it cannot be told. Codes are those of the service.

export class Refusal extends Error {
  constructor(result, code) {
    super(code);
    this.result = result;
    this.code = code;
  }
}

export const fails = (code) => new Refusal("fail", code);
export const cannotTell = (code) => new Refusal("unknown", code);

// The one code that the service does not have: a page without it reads face codes alone.
export const UNCHECKED = "offline-unchecked";
