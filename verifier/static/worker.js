// Keeps the scan page alive through a cut: the page without anything that was scanned, what it is made of, and the
// bundle by which it verifies. The network comes first; what is kept is for when it does not answer.

const CACHE = "window-3";
const SHELL = "/shell";
const BUNDLE = "/offline/bundle.json";
const PARTS = [
  "/static/icon.svg",
  "/static/window.css",
  "/static/scan.css",
  "/static/window/camera.js",
  "/static/window/field.js",
  "/static/window/files.js",
  "/static/window/link.js",
  "/static/window/main.js",
  "/static/window/offline-view.js",
  "/static/window/recheck.js",
  "/static/window/scanner.js",
  "/static/window/voice.js",
  "/static/offline/face.js",
  "/static/offline/gb18030.js",
  "/static/offline/refusal.js",
  "/static/offline/registry.js",
  "/static/offline/sm2.js",
  "/static/offline/sm3.js",
  "/static/offline/status.js",
  "/static/offline/text.js",
  "/static/offline/verify.js",
];
const PATIENCE = 4000;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([SHELL, BUNDLE, ...PARTS])));
});

self.addEventListener("activate", (event) => {
  const drop = (names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(drop).then(() => self.clients.claim()));
});

async function keep(address, answer) {
  const cache = await caches.open(CACHE);
  await cache.put(address, answer);
}

async function fromNetworkOrKept(request, address) {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
    if (answer.ok) {
      await keep(address, answer.clone());
    }
    return answer;
  } catch (error) {
    const kept = await caches.match(address);
    if (kept) {
      const headers = new Headers(kept.headers);
      headers.set("X-Kept", "1"); // its Date is not the time
      return new Response(kept.body, { headers });
    }
    throw error;
  }
}

async function open(event) {
  try {
    const answer = await fetch(event.request, { signal: AbortSignal.timeout(PATIENCE) });
    event.waitUntil(fetch(SHELL).then((shell) => (shell.ok ? keep(SHELL, shell) : null)).catch(() => null));
    return answer;
  } catch {
    return caches.match(SHELL);
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname } = new URL(request.url);
  if (request.method !== "GET") {
    return;
  }
  if (request.mode === "navigate" && pathname === "/") {
    event.respondWith(open(event));
  } else if (pathname === BUNDLE || PARTS.includes(pathname)) {
    event.respondWith(fromNetworkOrKept(request, pathname));
  }
});
