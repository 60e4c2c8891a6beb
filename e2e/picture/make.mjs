// Makes docs/images/dogcam.png: the real pages, two drawn scenes as cameras, a laptop watching and a phone being one of them.
//   node e2e/picture/make.mjs [path to kennel]
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync, closeSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const kennel = process.argv[2] ?? join(root, 'target/debug/kennel');
const work = mkdtempSync(join(tmpdir(), 'kennel-picture-'));
const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--disable-features=WebRtcHideLocalIpsWithMdns'];
const browsers = [];

async function main() {
  const port = await freePort();
  const server = spawn(kennel, ['serve', '--http', `127.0.0.1:${port}`, '--https', 'off', '--data', join(work, 'data'), '--log', 'warn'], { cwd: work, stdio: 'ignore' });
  try {
    const base = `http://localhost:${port}`;
    await answers(base);
    const key = JSON.parse(execFileSync(kennel, ['keys', '--json', '--data', join(work, 'data')], { cwd: work })).links[0].replace(/.*#/, '');
    const phone = await camera('kitchen', 'Kitchen', base, key);
    await camera('garden', 'Garden', base, key);
    const laptop = await open([], { viewport: { width: 1280, height: 800 } }, `${base}/dogcam#${key}`);
    await laptop.locator('[data-testid=tile][data-state=live]').nth(1).waitFor();
    await laptop.getByTestId('tap-for-sound').click();
    await laptop.waitForTimeout(3000);
    await compose(await laptop.screenshot(), await phone.screenshot());
  } finally {
    for (const browser of browsers) await browser.close();
    server.kill();
    rmSync(work, { recursive: true, force: true });
  }
}

async function camera(scene, name, base, key) {
  const video = join(work, `${scene}.y4m`);
  await film(readFileSync(join(here, `${scene}.svg`), 'utf8'), video);
  const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, permissions: ['camera', 'microphone', 'screen-wake-lock'] };
  const page = await open([`--use-file-for-fake-video-capture=${video}`], phone, `${base}/dogcam?as=camera&name=${name}&start=1#${key}`);
  await page.getByTestId('stop').waitFor();
  return page;
}

async function open(more, context, url) {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: [...flags, ...more] });
  browsers.push(browser);
  const page = await (await browser.newContext({ colorScheme: 'dark', ...context })).newPage();
  await page.goto(url);
  return page;
}

/** A film of one second in which a light blinks, as YUV4MPEG2. */
async function film(svg, path) {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: flags });
  const page = await browser.newPage();
  const planes = await page.evaluate(draw, svg);
  await browser.close();
  const file = openSync(path, 'w');
  writeSync(file, 'YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n');
  for (let frame = 0; frame < 10; frame++) {
    const bytes = Buffer.from(planes);
    for (let y = 12; y < 20; y++) bytes.fill(frame < 5 ? 76 : 120, y * 640 + 616, y * 640 + 624);
    writeSync(file, 'FRAME\n');
    writeSync(file, bytes);
  }
  closeSync(file);
}

/** In a page: the drawing as I420 planes (ITU-R BT.601, full range). */
async function draw(svg) {
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = new OffscreenCanvas(640, 480);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, 640, 480);
  const at = (x, y) => data.subarray((y * 640 + x) * 4, (y * 640 + x) * 4 + 3);
  const out = [];
  for (let y = 0; y < 480; y++) for (let x = 0; x < 640; x++) { const [r, g, b] = at(x, y); out.push(0.299 * r + 0.587 * g + 0.114 * b); }
  for (const [kr, kg, kb] of [[-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]])
    for (let y = 0; y < 480; y += 2) for (let x = 0; x < 640; x += 2) { const [r, g, b] = at(x, y); out.push(128 + kr * r + kg * g + kb * b); }
  return out.map((value) => Math.round(Math.min(255, Math.max(0, value))));
}

/** Laptop and phone side by side on one ground. */
async function compose(laptop, phone) {
  const image = (png, style) => `<img src="data:image/png;base64,${png.toString('base64')}" style="${style}">`;
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: flags });
  const page = await browser.newPage({ viewport: { width: 1400, height: 700 } });
  const frame = 'border:10px solid #24282e;box-shadow:0 12px 40px #0006;';
  await page.setContent(`<body style="margin:0;height:700px;background:#efede8;display:flex;gap:40px;align-items:center;justify-content:center">
    ${image(laptop, `width:940px;border-radius:14px;${frame}`)}${image(phone, `height:570px;border-radius:28px;${frame}`)}</body>`);
  writeFileSync(join(root, 'docs/images/dogcam.png'), await page.screenshot());
  await browser.close();
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function answers(base) {
  for (let tries = 0; tries < 100; tries++) {
    if (await fetch(`${base}/healthz`).then((r) => r.ok, () => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the server does not answer');
}

await main();
