import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kennel } from '../lib/kennel.ts';
import { expect, test } from '../lib/test.ts';
import { token } from '../lib/tokens.ts';
import { twilio } from '../lib/twilio.ts';

interface Recording {
  sid: string;
  status: string;
  size: number;
  duration: number;
}

/** What every file of Matroska begins with (RFC 8794), what it calls itself, and its codecs. */
const PLAIN = [Buffer.from('1a45dfa3', 'hex'), ...['webm', 'matroska', 'A_OPUS', 'V_VP8'].map((text) => Buffer.from(text))];

/** The files of recordings as they are on the disk, by their endings. */
async function onDisk(kennel: Kennel): Promise<{ name: string; bytes: Buffer }[]> {
  const folder = join(kennel.data, 'recordings');
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.(mka|mkv)/.test(name));
  return Promise.all(names.map(async (name) => ({ name, bytes: await readFile(join(folder, name)) })));
}

async function areEncrypted(kennel: Kennel): Promise<void> {
  for (const { name, bytes } of await onDisk(kennel)) {
    for (const plain of PLAIN) expect(bytes.includes(plain), `${plain} in ${name}`).toBe(false);
  }
}

/** The file of a recording, as whoever plays it gets it: whole, and put together of parts. */
async function played(kennel: Kennel, { sid }: Recording): Promise<Buffer> {
  const { body } = await kennel.call('POST', `/kennel/v1/recordings/${sid}/link`, {});
  const bytes = async (range?: string) => Buffer.from(await (await fetch(body.url, range ? { headers: { range } } : {})).arrayBuffer());
  const whole = await bytes();
  const edges = [0, 1, 65_535, 65_536, 100_000, whole.length].filter((at) => at <= whole.length);
  const parts = await Promise.all(edges.slice(1).map((end, n) => bytes(`bytes=${edges[n]}-${end - 1}`)));
  expect(Buffer.concat(parts).equals(whole), 'parts are the whole').toBe(true);
  return whole;
}

test('recordings that are encrypted on the disk are played as all others, also when the server was killed', async ({ people, start, roomName }) => {
  test.setTimeout(120_000);
  const kennel = await start({ env: { KENNEL_RECORDING_ENCRYPT: 'true' } });
  const made = await twilio(kennel, 'POST', 'Rooms', { UniqueName: roomName, Type: 'group', RecordParticipantsOnConnect: 'true' });
  const ann = await people.open('ann', '2.36.0');
  await ann.join(token('ann', roomName), kennel.signaling, ['audio', 'video']);
  const written = async () => (await onDisk(kennel)).filter(({ bytes }) => bytes.length > 15_000).length;
  await expect.poll(written, { message: 'sound and pictures are written', timeout: 40_000 }).toBe(2);
  await areEncrypted(kennel);
  await kennel.stop('SIGKILL');
  await kennel.start();
  const { body } = await twilio(kennel, 'GET', `Rooms/${made.body.sid}/Recordings?Status=completed`);
  const found = body.recordings as Recording[];
  expect(found.length, JSON.stringify(body)).toBe(2);
  for (const one of found) {
    const bytes = await played(kennel, one);
    expect(bytes.subarray(0, 4).equals(PLAIN[0]!), 'Matroska').toBe(true);
    expect([bytes.length, one.duration >= 1]).toEqual([one.size, true]);
  }
  await areEncrypted(kennel);
  const keys = JSON.parse(await kennel.command('keys', 'recordings', '--json'));
  expect(keys.recordings).toHaveLength(1);
});
