import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '../lib/test.ts';
import { token } from '../lib/tokens.ts';

interface Layer {
  frames: number;
  codec: string | null;
}

/** What each sends is what comes first in the room, by the browser's own figures, and the other sees it. Firefox has no H264 here. */
const rooms: [codecs: string[], other: 'chromium' | 'firefox', expected: string][] = [
  [['h264', 'vp8'], 'chromium', 'video/H264'],
  [['vp9', 'vp8'], 'firefox', 'video/VP9'],
  [['vp8', 'vp9'], 'firefox', 'video/VP8'],
];

for (const [codecs, other, expected] of rooms) {
  test(`in a room of ${codecs.join(' and ')} Chromium and ${other} send ${expected}`, async ({ people, start, roomName }) => {
    test.setTimeout(90_000);
    const folder = await mkdtemp(join(tmpdir(), 'kennel-codecs-'));
    try {
      const file = join(folder, 'kennel.toml');
      await writeFile(file, `[rooms.${JSON.stringify(roomName)}]\ntype = "group"\nvideo_codecs = ${JSON.stringify(codecs)}\n`);
      const kennel = await start({ args: ['--config', file] });
      const ann = await people.open('ann', '2.36.0');
      const ben = await people.open('ben', '2.36.0', other);
      await ann.join(token('ann', roomName), kennel.signaling, ['video']);
      await ben.join(token('ben', roomName), kennel.signaling, ['video']);
      await ben.sees('ann');
      await ann.sees('ben');
      for (const one of [ann, ben]) {
        const sent = async () => (await one.call<Layer[]>('layers')).filter((layer) => layer.frames).map((layer) => layer.codec);
        await expect.poll(sent, one.label).toEqual([expected]);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
