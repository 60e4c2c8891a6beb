import { expect, test } from '../lib/mix.ts';
import { guest, moderator } from '../lib/member.ts';

const ann = { colour: 1, tone: 440 };
const bo = { colour: 2, tone: 880 };

for (const [first, second] of [['firefox', 'chromium'], ['chromium', 'firefox']] as const) {
  test(`${first} meets ${second} in the mix`, async ({ mix, roomName }) => {
    test.setTimeout(120_000);
    const [a, b] = [await mix.open('ann', '3.30.0', first), await mix.open('bo', '3.30.0', second)];
    await mix.join(a, roomName, 'ann', [...moderator, 'room.self.screenshare'], ann);
    await mix.join(b, roomName, 'bo', guest, bo);
    const both = new Map([[a.me, 1], [b.me, 2]]);
    for (const one of [a, b]) await one.seesColours(both, 30_000);
    await a.hearsTones([bo.tone], [ann.tone]);
    await b.hearsTones([ann.tone], [bo.tone]);

    await test.step('muted, and back', async () => {
      await a.does('videoMute', { memberId: b.me });
      await b.hasHeard('member.updated', (detail) => detail.member.id === b.me && detail.member.video_muted === true);
      await a.seesColours(new Map<string, number | 'card'>([...both, [b.me, 'card']]));
      await a.does('videoUnmute', { memberId: b.me });
      await a.seesColours(both);
      await b.does('audioMute');
      await a.hearsTones([], [bo.tone]);
      await b.does('audioUnmute');
      await a.hearsTones([bo.tone], []);
    });

    await test.step('a shared screen', async () => {
      const shared = await a.call<any>('share');
      expect(shared.error).toBeUndefined();
      await b.seesColours(new Map([...both, [shared.result.member, 7]]));
      await a.call('unshare');
      await b.seesColours(both);
    });
  });
}
