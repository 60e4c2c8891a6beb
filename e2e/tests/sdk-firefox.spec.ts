import { test } from '../lib/test.ts';
import { meet, type Sdk } from '../lib/person.ts';
import { token } from '../lib/tokens.ts';

const cases: ['chromium' | 'firefox', Sdk, 'chromium' | 'firefox', Sdk][] = [
  ['chromium', '2.36.0', 'firefox', '2.36.0'],
  ['firefox', '2.18.1', 'chromium', '2.36.0'],
  ['firefox', '2.36.0', 'chromium', '2.18.1'],
];

for (const [first, sdk, second, otherSdk] of cases) {
  test(`${first} with ${sdk}, then ${second} with ${otherSdk}`, async ({ people, kennel, roomName }) => {
    const ann = await people.open('ann', sdk, first);
    const ben = await people.open('ben', otherSdk, second);
    await ann.join(token('ann', roomName), kennel.signaling);
    await ben.join(token('ben', roomName), kennel.signaling);
    await meet([ann, ben], ['ann', 'ben']);
    await ben.call('enable', 'audio', false);
    await ann.hearsSilenceOf('ben');
    await ben.call('enable', 'audio', true);
    await ann.hears('ben');
  });
}
