import { expect, test } from '../lib/mix.ts';
import { guest, moderator, rest } from '../lib/member.ts';

/** Each sends one flat colour and one steady tone. */
const ann = { colour: 1, tone: 440 };
const bo = { colour: 2, tone: 880 };
const cy = { colour: 4, tone: 1320 };

test('three are in one picture where the layout says, and each hears the others and not itself', async ({ mix, roomName }) => {
  test.setTimeout(180_000);
  const [a, b, c] = [await mix.open('ann'), await mix.open('bo'), await mix.open('cy')];
  await mix.join(a, roomName, 'ann', moderator, ann);
  await mix.join(b, roomName, 'bo', guest, bo);
  const late = Date.now();
  await mix.join(c, roomName, 'cy', guest, cy);
  const all = new Map([[a.me, ann.colour], [b.me, bo.colour], [c.me, cy.colour]]);
  for (const one of [a, b, c]) await one.seesColours(all);
  await a.hearsTones([bo.tone, cy.tone], [ann.tone]);
  await b.hearsTones([ann.tone, cy.tone], [bo.tone]);
  await c.hearsTones([ann.tone, bo.tone], [cy.tone]);
  const { first, width, height } = (await c.call<any>('look', [])) as { first: number; width: number; height: number };
  console.log(`    the late one saw its first picture ${first - late} ms after asking; the mix is ${width} by ${height}`);

  await test.step('a member list without doubles', async () => {
    const { members } = await a.does('getMembers');
    expect(members.map((one: any) => one.name).sort()).toEqual(['ann', 'bo', 'cy']);
    expect((await a.events('member.joined')).map((event) => event.detail.member.name)).toEqual(['bo', 'cy']);
    expect((await c.events('member.joined')).length).toBe(0);
  });

  await test.step('a moderator mutes one: it is heard no more, and hears so', async () => {
    await a.does('audioMute', { memberId: b.me });
    await b.hasHeard('member.updated', (detail) => detail.member.id === b.me && detail.member.audio_muted === true);
    await c.hearsTones([ann.tone], [bo.tone, cy.tone]);
    await a.does('audioUnmute', { memberId: b.me });
    await c.hearsTones([ann.tone, bo.tone], [cy.tone]);
  });

  await test.step('a guest may not', async () => {
    const answer = await b.ask('audioMute', { memberId: a.me });
    expect(answer.error).toMatchObject({ code: '403', message: 'Unauthorized' });
  });

  await test.step('another layout is in the picture as it is told', async () => {
    await a.does('setLayout', { name: '3x3' });
    await c.hasHeard('layout.changed', (detail) => detail.layout.name === '3x3');
    await c.seesColours(all);
    await b.seesColours(all);
  });

  await test.step('a muted picture is a card', async () => {
    await a.does('videoMute', { memberId: b.me });
    await b.hasHeard('member.updated', (detail) => detail.member.id === b.me && detail.member.video_muted === true);
    for (const one of [a, b, c]) await one.seesColours(new Map<string, number | 'card'>([...all, [b.me, 'card']]));
    await a.does('videoUnmute', { memberId: b.me });
    await c.seesColours(all);
  });

  await test.step('who is put out is out, and told so', async () => {
    await a.does('removeMember', { memberId: c.me });
    await c.hasHeard('room.left');
    await a.hasHeard('member.left', (detail) => detail.member.id === c.me);
    await a.seesColours(new Map([[a.me, ann.colour], [b.me, bo.colour]]));
    await a.hearsTones([bo.tone], [ann.tone, cy.tone]);
  });

  await test.step('the history knows', async () => {
    const { body } = await rest(mix.kennel, 'GET', `room_sessions?room_name=${encodeURIComponent(roomName)}`);
    expect(body.data).toHaveLength(1);
    const members = await rest(mix.kennel, 'GET', `room_sessions/${body.data[0].id}/members`);
    expect(members.body.data.map((one: any) => one.name).sort()).toEqual(['ann', 'bo', 'cy']);
  });
});
