// The camera: frames are read here where the browser can, else by the service, a few in a second and one at a time.

const LOOK_EVERY = 120;
const ASK_EVERY = 500;
const WIDEST = 1280;
const SAME_AGAIN = 4000;
const WORDS = {
  looking: "把二维码放到画面中间 Hold the code in the middle",
  found: "已读出 Read",
  insecure: "摄像头需要 HTTPS 或本机地址，请联系管理员（局域网证书） The camera needs HTTPS or localhost",
  NotAllowedError: "浏览器没有得到使用摄像头的许可，请在地址栏允许 The browser was not allowed to use the camera",
  NotFoundError: "没有找到摄像头 No camera was found",
  other: "摄像头打不开，可能正被别的程序使用 The camera cannot be opened",
  away: "连接已断开，这台设备的浏览器不能自己读码，请用扫码枪 The service that reads frames is away: use the gun",
};

let detector;

// Returns what reads codes in this browser, null where it cannot.
async function findDetector() {
  if (detector === undefined) {
    const formats = "BarcodeDetector" in window ? await BarcodeDetector.getSupportedFormats() : [];
    detector = formats.includes("qr_code") ? new BarcodeDetector({ formats: ["qr_code"] }) : null;
  }
  return detector;
}

// Returns the text of the code in a picture, read in this browser; null where it cannot, or there is none.
export async function readHere(file) {
  try {
    const found = await (await findDetector())?.detect(await createImageBitmap(file));
    return found?.[0]?.rawValue ?? null;
  } catch {
    return null;
  }
}

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

export class Camera {
  constructor(take) {
    this.take = take;
    this.box = document.getElementById("camera");
    this.video = document.getElementById("video");
    this.words = document.getElementById("camera-words");
    this.button = document.getElementById("camera-switch");
    this.canvas = document.createElement("canvas");
    this.last = { text: null, at: 0 };
  }

  attach() {
    this.button.addEventListener("click", () => (this.stream ? this.stop() : this.start()));
  }

  say(which) {
    this.words.textContent = WORDS[which] ?? WORDS.other;
  }

  async start() {
    this.box.hidden = false;
    if (!navigator.mediaDevices) {
      this.say("insecure");
      return;
    }
    try {
      const wanted = { facingMode: "environment", width: { ideal: WIDEST } };
      this.stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
    } catch (error) {
      this.say(error.name);
      return;
    }
    this.button.setAttribute("aria-pressed", "true");
    this.video.srcObject = this.stream;
    await this.video.play();
    this.say("looking");
    this.watch(this.stream);
  }

  stop() {
    for (const track of this.stream.getTracks()) {
      track.stop();
    }
    this.stream = null;
    this.box.hidden = true;
    this.button.setAttribute("aria-pressed", "false");
  }

  async watch(stream) {
    const here = await findDetector();
    while (this.stream === stream) {
      const text = await (here ? this.detect(here) : this.ask());
      if (text) {
        this.found(text);
      }
      await pause(here ? LOOK_EVERY : ASK_EVERY);
    }
  }

  // The same code is taken again only after it was out of sight for a while.
  found(text) {
    const now = performance.now();
    const isNew = text !== this.last.text || now - this.last.at > SAME_AGAIN;
    this.last = { text, at: now };
    if (isNew) {
      this.say("found");
      this.take(text);
    }
  }

  async detect(here) {
    try {
      return (await here.detect(this.video))[0]?.rawValue ?? null;
    } catch {
      return null;
    }
  }

  async ask() {
    const { videoWidth, videoHeight } = this.video;
    const scale = Math.min(1, WIDEST / Math.max(videoWidth, 1));
    this.canvas.width = Math.round(videoWidth * scale);
    this.canvas.height = Math.round(videoHeight * scale);
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    const frame = await new Promise((done) => this.canvas.toBlob(done, "image/jpeg", 0.85));
    try {
      const answer = await fetch("/frames", { method: "POST", body: frame });
      return answer.ok ? (await answer.json()).text : null;
    } catch {
      this.say("away");
      return null;
    }
  }
}
