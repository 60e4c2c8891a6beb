import { test } from '../lib/test.ts';
import { meet } from '../lib/person.ts';
import { token } from '../lib/tokens.ts';

test('two meet, one on each SDK', async ({ people, kennel, roomName }) => {
  const ann = await people.open('ann', '2.18.1');
  const ben = await people.open('ben', '2.36.0');
  await ann.join(token('ann', roomName), kennel.signaling);
  await ben.join(token('ben', roomName), kennel.signaling);
  await meet([ann, ben], ['ann', 'ben']);
});
