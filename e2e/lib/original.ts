import type { Browser, Page } from '@playwright/test';
import { hideDepthCamera } from './browsers.ts';
import type { Kennel } from './kennel.ts';
import type { PageServer } from './pages.ts';

/** What the original app's own back end does, with Kennel's `/login` behind it. */
export async function loginBy(kennel: Kennel): Promise<(body: string) => Promise<{ status: number; body: string }>> {
  const key = await kennel.ownerKey();
  return async (body) => {
    const answer = await fetch(`${kennel.url}/login`, { method: 'POST', headers: { authorization: `Bearer ${key}` }, body });
    return { status: answer.status, body: await answer.text() };
  };
}

/** The stand-in for the original app (pages/original.html), its SDK loaded from Kennel, not joined yet. */
export async function openOriginal(browser: Browser, pages: PageServer, kennel: Kennel): Promise<Page> {
  pages.login = await loginBy(kennel);
  const context = await browser.newContext({ permissions: ['camera', 'microphone'] });
  await context.addInitScript(hideDepthCamera);
  const page = await context.newPage();
  await page.goto(`${pages.url}/original.html?sdk=${kennel.url}/sdk/js/video/releases/2.18.1/twilio-video.min.js`);
  return page;
}
