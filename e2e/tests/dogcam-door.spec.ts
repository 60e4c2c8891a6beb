import { chromium, type BrowserContext, type Page } from '@playwright/test';
import { chromiumArgs, chromium as executablePath } from '../lib/browsers.ts';
import { expect, phone, test } from '../lib/dogcam.ts';

/** A name that is not this computer's own, as a phone in the network sees it. */
const host = 'door.test';

const agents = {
  iphone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  android: 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36',
};

/** A browser that finds `door.test` on this computer and trusts nobody's certificate. */
async function stranger(): Promise<{ open(userAgent: string): Promise<{ context: BrowserContext; page: Page; asked: string[] }>; close(): Promise<void> }> {
  const browser = await chromium.launch({ executablePath, args: [...chromiumArgs, `--host-resolver-rules=MAP ${host} 127.0.0.1`] });
  return {
    async open(userAgent) {
      const context = await browser.newContext({ viewport: phone, userAgent });
      const page = await context.newPage();
      const asked: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      return { context, page, asked };
    },
    close: () => browser.close(),
  };
}

/** What a person does with Advanced and Proceed: Chromium takes these letters for it, anywhere on its warning. */
async function passWarning(context: BrowserContext, address: string): Promise<void> {
  const page = await context.newPage();
  await page.goto(address).catch(() => {});
  await expect(page.locator('#proceed-link')).toBeAttached();
  await page.bringToFront();
  await page.keyboard.type('thisisunsafe');
  await expect(page.locator('body')).toHaveText(/^ok\s*$/);
  await page.close();
}

test('plain http leads a phone to the secure address, with its key, once the phone trusts it', async ({ start }) => {
  const kennel = await start({ https: true, args: ['--host-name', host] });
  const key = await kennel.ownerKey();
  const browser = await stranger();
  try {
    const { context, page, asked } = await browser.open(agents.android);
    await page.goto(`http://${host}:${kennel.ports.http}/dogcam?as=camera#k=${key}`);
    const secure = `https://${host}:${kennel.ports.https}`;
    await expect(page.getByTestId('door-continue')).toHaveAttribute('href', `${secure}/dogcam?as=camera#k=${key}`);
    await expect(page.locator('ol > li')).toHaveCount(2);
    await expect(page.locator('ol')).toContainText(`Proceed to ${host}`);

    await passWarning(context, `${secure}/healthz`);
    await page.bringToFront();
    await expect(page).toHaveURL(`${secure}/dogcam?as=camera`, { timeout: 5000 });
    await expect(page.getByTestId('turn-on-camera')).toBeVisible();
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ name: '__Host-kennel', httpOnly: true, secure: true });
    expect(asked.filter((address) => address.includes(key))).toEqual([]);
    expect(kennel.log).not.toContain(key);
  } finally {
    await browser.close();
  }
});

test('an iPhone is led through the certificate, and others are one tap away', async ({ start }) => {
  const kennel = await start({ https: true, args: ['--host-name', host] });
  const browser = await stranger();
  try {
    const { page } = await browser.open(agents.iphone);
    const plain = `http://${host}:${kennel.ports.http}`;
    await page.goto(`${plain}/`);
    await expect(page.locator('ol > li')).toHaveCount(3);
    await expect(page.getByTestId('door-continue')).toHaveCount(0);
    const download = page.getByTestId('door-download');
    await expect(download).not.toHaveAttribute('download');
    const answer = await page.request.get(new URL((await download.getAttribute('href'))!, plain).href.replace(host, '127.0.0.1'));
    expect(answer.headers()['content-type']).toBe('application/x-x509-ca-cert');

    await page.getByText('Details').click();
    await expect(page.getByTestId('door-fingerprint')).toHaveText(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    await page.getByText('Other device').click();
    await page.getByTestId('door-system-android').click();
    await expect(page.getByTestId('door-continue')).toBeVisible();
  } finally {
    await browser.close();
  }
});
