// A verdict that was reached in the page, in the page's own template, in the service's words.

const KINDS = {
  valid: ["✓", "有效", "VALID"],
  invalid: ["✕", "无效", "INVALID"],
  undetermined: ["?", "无法判断", "CANNOT TELL"],
  unread: ["↻", "没有读出", "NOT READ"],
};
const RESULTS = {
  pass: ["✓", "通过", "pass"],
  fail: ["✕", "不通过", "fail"],
  unknown: ["?", "不能确定", "unknown"],
  skipped: ["–", "未涉及", "skipped"],
};
const NOTICES = {
  nothing: ["连接已断开，本页还没有名录，无法判断", "请等连接恢复后再扫；不要当作有效，也不要当作无效"],
  picture: ["连接已断开，这台设备的浏览器不能读图片", "请用扫码枪扫描照面码，或等连接恢复后再试"],
};
const UNITS = [[86400, "天"], [3600, "小时"], [60, "分钟"], [1, "秒"]];
const DAY = 86400;

const clock = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "medium" });
export const clockOf = (seconds) => clock.format(seconds * 1000).slice(-8);
const day = (number) => new Date(number * DAY * 1000).toISOString().slice(0, 10);

function ago(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [size, unit] = UNITS.find(([one]) => whole >= one) ?? UNITS.at(-1);
  return `${Math.floor(whole / size)} ${unit}前`;
}

function known(title, evidence, now) {
  const stale = now > evidence.fresh_until ? "，已过时" : "";
  return `${title} ${clock.format(evidence.issued_at * 1000)}，${ago(now - evidence.issued_at)}${stale}`;
}

// Says how old what is kept is: the registry, and the oldest status.
export function ageOf({ registry, regions }, now) {
  const held = regions.map((region) => region.status).filter((status) => status !== null);
  if (!registry || !held.length) {
    return "本页没有名录或状态，扫描一律“无法判断”。";
  }
  const oldest = held.reduce((one, other) => (other.issued_at < one.issued_at ? other : one));
  return `${known("本页名录截至", registry, now)}；${known("状态最旧截至", oldest, now)}。`;
}

function element(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

function english(text) {
  const made = element("span", text);
  made.lang = "en";
  return made;
}

function fill(root, slot, ...content) {
  root.querySelector(`[data-slot="${slot}"]`).replaceChildren(...content);
}

function adviceOf({ advice }, kind, reason) {
  return kind === "invalid" ? (advice.by_reason[reason] ?? advice.invalid) : advice[kind];
}

function fillCard(root, bundle, { face, region, key }) {
  const [type, typeEn] = bundle.types[face.typeCode] ?? [face.typeCode, ""];
  fill(root, "type", type, " ", english(typeEn));
  fill(root, "holder", face.holder);
  fill(root, "until", `${day(face.first)} 至 ${face.last === null ? "长期" : day(face.last)}`);
  fill(root, "issuer", key.name, " ", english(key.name_en));
  fill(root, "region", region.name, " ", english(region.name_en));
  fill(root, "identifier", face.identifier);
}

function steps(bundle, checks) {
  return checks.map(({ name, result, code }, index) => {
    const [mark, zh, en] = RESULTS[result];
    const [title, titleEn] = bundle.titles[name];
    const row = element("li", "", result);
    const icon = element("i", mark);
    icon.setAttribute("aria-hidden", "true");
    const words = element("span", "");
    words.append(element("b", `${index + 1}. ${title}`), ` ${zh} `);
    if (code !== "ok") {
      words.append(element("code", code), " ");
    }
    words.append(english(`${titleEn}: ${en}`));
    row.append(icon, words);
    return row;
  });
}

export function showVerdict(bundle, verdict, now) {
  const unread = verdict.checks[0].result === "fail";
  const kind = unread ? "unread" : verdict.outcome;
  const [icon, heading, headingEn] = KINDS[kind];
  const [said, saidEn, remedy, remedyEn] = bundle.words[verdict.reason];
  const advice = adviceOf(bundle, kind, verdict.reason);
  const root = document.getElementById("offline-verdict").content.cloneNode(true);
  const section = root.querySelector(".verdict");
  section.classList.add(kind);
  section.dataset.spoken = `${heading}。${said}。${remedy}。断网核验。`;
  fill(root, "icon", icon);
  fill(root, "heading", `${heading} `, english(headingEn));
  fill(root, "sentence", said);
  fill(root, "sentence-en", saidEn);
  fill(root, "remedy", `${remedy} `, english(remedyEn));
  fill(root, "say", `${advice.say[0]} `, english(advice.say[1]));
  fill(root, "todo", ...advice.steps.map(([zh, en]) => {
    const row = element("li", `${zh} `);
    row.append(english(en));
    return row;
  }));
  fill(root, "flags", ...Object.entries(bundle.flags).filter(([flag]) => verdict.flags & Number(flag)).map(([, [zh, en]]) => {
    const row = element("p", `! ${zh} `, "flag");
    row.append(english(en));
    return row;
  }));
  const rows = [["状态截至", verdict.status], ["名录截至", unread ? null : bundle.registry]].filter(([, one]) => one);
  fill(root, "known", ...rows.map(([title, one]) => element("span", known(title, one, now))));
  fill(root, "steps", ...steps(bundle, verdict.checks));
  if (verdict.face) {
    fillCard(root, bundle, verdict);
  } else {
    root.querySelector(".card").remove();
  }
  document.title = `${icon} ${heading} · 断网核验`;
  document.getElementById("results").replaceChildren(root);
}

export function showNotice(which) {
  const [said, remedy] = NOTICES[which];
  const section = element("section", "", "notice");
  section.setAttribute("role", "alert");
  section.dataset.spoken = `${said}。${remedy}。`;
  section.append(element("h1", said), element("p", `${remedy}。`));
  document.getElementById("results").replaceChildren(section);
}
