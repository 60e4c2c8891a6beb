import { Member, roomToken, type Entered, type Joining, type SignalWireSdk } from './member.ts';
import type { Kennel } from './kennel.ts';
import { openFirefox, test as base } from './test.ts';

export { expect } from './test.ts';

export interface Mix {
  kennel: Kennel;
  /** A page with the vendor's SDK loaded, in no room. */
  open(label: string, sdk?: SignalWireSdk, kind?: 'chromium' | 'firefox'): Promise<Member>;
  /** Asks REST for a token as an app's back end does, and joins with it. */
  join(member: Member, room: string, user: string, permissions: string[], joining?: Joining, token?: object): Promise<Entered>;
}

export const test = base.extend<{ mix: Mix }>({
  mix: async ({ browser, firefox, pages, kennel, evidence }, use, info) => {
    const close: (() => Promise<unknown>)[] = [];
    await use({
      kennel,
      async open(label, sdk = '3.30.0', kind = 'chromium') {
        if (kind === 'firefox') {
          const opened = await openFirefox(await firefox());
          close.push(opened.close);
          evidence.watch(label, opened.page, opened.lines, opened.wire);
          const member = new Member(opened.page, pages, label);
          await member.load(sdk);
          return member;
        }
        const context = await browser.newContext({ permissions: ['camera', 'microphone'] });
        close.push(() => context.close());
        const page = await context.newPage();
        const lines: string[] = [];
        const wire: string[] = [];
        page.on('console', (message) => lines.push(`${message.type()}: ${message.text()}`));
        page.on('pageerror', (error) => lines.push(`uncaught: ${error.stack ?? error}`));
        const frame = (sign: string) => (frame: { payload: string | Buffer }) => void wire.push(`${Date.now()} ${sign} ${frame.payload}`);
        page.on('websocket', (socket) => void socket.on('framesent', frame('>')).on('framereceived', frame('<')).on('close', () => void wire.push(`${Date.now()} closed`)));
        evidence.watch(label, page, lines, wire);
        const member = new Member(page, pages, label);
        await member.load(sdk);
        return member;
      },
      async join(member, room, user, permissions, joining, token) {
        return member.join(await roomToken(kennel, room.replace(/\W+/g, '_'), user, permissions, token), kennel.relay, joining);
      },
    });
    if (info.status !== info.expectedStatus) await evidence.photograph();
    await Promise.all(close.map((one) => one().catch(() => {})));
  },

  roomName: async ({}, use, info) => {
    await use(`room_${info.testId.slice(-6)}_${info.retry}${info.repeatEachIndex}`);
  },
});
