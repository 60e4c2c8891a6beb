import { expect, test } from '../lib/test.ts';
import { token, type TokenParts } from '../lib/tokens.ts';

const now = Math.floor(Date.now() / 1000);

const broken: [string, string, number][] = [
  ['not a token at all', 'nonsense', 20101],
  ['empty', '', 20101],
  ['one bit of the signature flipped', flip(token('ann', 'Den')), 20107],
  ['signed with another secret', make({ secret: 'another-secret-of-thirty-two-let' }), 20107],
  ['another content type', make({ header: { cty: 'jwt' } }), 20102],
  ['no algorithm', make({ header: { alg: 'none' } }), 20102],
  ['an unknown API key', make({ payload: { iss: `SK${'9'.repeat(32)}` } }), 20103],
  ['another account', make({ payload: { sub: `AC${'9'.repeat(32)}` } }), 20103],
  ['expired an hour ago', make({ payload: { iat: now - 7200, exp: now - 3600 } }), 20104],
  ['an end that is a word', make({ payload: { exp: 'never' } }), 20101],
  ['valid from tomorrow', make({ payload: { nbf: now + 80_000 } }), 20105],
  ['longer than a day', make({ payload: { exp: now + 90_000 } }), 20157],
  ['no video grant', make({ payload: { grants: { identity: 'ann' } } }), 20106],
  ['no identity', make({ payload: { grants: { video: { room: 'Den' } } } }), 53200],
];

test('a broken token is refused with the code that says why', async ({ people, kennel }) => {
  const ann = await people.open('ann', '2.36.0');
  for (const [what, text, code] of broken) {
    const refused = await ann.tryJoin(text, kennel.signaling, []);
    expect.soft(refused.error?.code, what).toBe(code);
  }
});

test('unusual tokens that are good', async ({ people, kennel, roomName }) => {
  const good: [string, TokenParts][] = [
    ['HS384', { algorithm: 'HS384' }],
    ['HS512', { algorithm: 'HS512' }],
    ['not-before in milliseconds, as the original notes have it', { payload: { nbf: (now - 60) * 1000 } }],
  ];
  const ann = await people.open('ann', '2.18.1');
  for (const [what, parts] of good) {
    const joined = await ann.tryJoin(token('ann', roomName, parts), kennel.signaling, []);
    expect.soft(joined.room?.name, what).toBe(roomName);
    await ann.leave();
  }
});

test('a token for one room opens no other', async ({ people, kennel, roomName }) => {
  const ann = await people.open('ann', '2.36.0');
  const refused = await ann.tryJoin(token('ann', roomName), kennel.signaling, [], { name: `${roomName} next door` });
  expect(refused.error?.code).toBe(20106);
  const joined = await ann.join(token('ann', undefined), kennel.signaling, [], { name: `${roomName} next door` });
  expect(joined.name).toBe(`${roomName} next door`);
});

function make(parts: TokenParts): string {
  return token('ann', 'Den', parts);
}

/** The first letter of the signature: the last one carries bits that do not count. */
function flip(text: string): string {
  const at = text.lastIndexOf('.') + 1;
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
}
