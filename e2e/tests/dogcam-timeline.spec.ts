import { expect, phone, laptop, test } from '../lib/dogcam.ts';

const MINUTE_MS = 60_000;
const tablet = { width: 768, height: 1024 };

/** A recording that begins and ends here, as the server tells of one. */
function recording(start: number, end: number, kind: 'video' | 'audio'): object {
  return {
    id: `RT${kind === 'video' ? '1' : '2'}${String(start).padStart(31, '0')}`,
    room: 'Dog Cam', room_sid: `RM${'0'.repeat(32)}`, participant: 'Kitchen', track: kind, kind, status: 'completed', left: false, why: null,
    codec: kind === 'video' ? 'vp8' : 'opus', created: start, ended: end, offset: start, duration: end - start, bytes: 1_000_000, playable: true,
  };
}

test('the times of the timeline can be read to the last, on a phone, a tablet and a laptop', async ({ start, visitors }) => {
  const kennel = await start();
  const owner = await visitors.open('owner', { kennel });
  await owner.goto('/');
  // The room around all bars is three hundredths of their length at each end: so it ends just after a mark that is a whole hour.
  const spans = [10, 59, 130, 440].map((minutes) => {
    const length = minutes * MINUTE_MS;
    const end = new Date(2026, 4, 3, 20).getTime() + 1_000 - length * 0.03;
    return { minutes, begin: end - length, end };
  });
  for (const { minutes, begin, end } of spans) {
    const recordings = [recording(begin, end, 'video'), recording(begin, end, 'audio')];
    await owner.page.unroute('**/kennel/v1/recordings?*');
    await owner.page.route('**/kennel/v1/recordings?*', (route) => route.fulfill({ json: { recordings, next: null, space: null } }));
    await owner.goto('/recordings');
    for (const size of [phone, tablet, laptop]) {
      await owner.page.setViewportSize(size);
      await expect(owner.at('bar')).toHaveCount(1);
      const edges = () =>
        owner.at('timeline').evaluate((timeline) => {
          const box = timeline.querySelector('.marks')!.getBoundingClientRect();
          const marks = [...timeline.querySelectorAll('.marks span')].map((mark) => mark.getBoundingClientRect());
          return { count: marks.length, apart: marks.every(({ right }, at) => right <= (marks[at + 1]?.left ?? box.right)), first: marks[0] && marks[0].left >= box.left };
        });
      await expect.poll(edges, { message: `${minutes} minutes at ${size.width} px` }).toMatchObject({ apart: true, first: true });
      expect((await edges()).count, `${minutes} minutes at ${size.width} px`).toBeGreaterThan(1);
      await owner.picture(`timeline-${minutes}-${size.width}`);
    }
  }
});
