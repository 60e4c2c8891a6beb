import { expect, test } from '../lib/dogcam.ts';
import { token } from '../lib/tokens.ts';
import { twilio } from '../lib/twilio.ts';

test('beeps out of silence are heard as far apart as they were, when they are played again', async ({ start, people, visitors, roomName }) => {
  test.setTimeout(180_000);
  const kennel = await start();
  const made = await twilio(kennel, 'POST', 'Rooms', { UniqueName: roomName, Type: 'group', RecordParticipantsOnConnect: 'true' });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const ann = await people.open('ann', '2.36.0');
  await ann.join(token('ann', roomName), kennel.signaling, [['beeps', 'beeps']], { dominantSpeaker: false });
  // Time is the fact here: a beep each second.
  await new Promise((done) => setTimeout(done, 14_000));
  expect((await twilio(kennel, 'POST', `Rooms/${made.body.sid}`, { Status: 'completed' })).status).toBe(202);

  const owner = await visitors.open('owner', { kennel });
  await owner.goto('/recordings');
  await owner.at('take').first().click();
  await expect(owner.page.getByTestId('player')).toHaveAttribute('data-phase', 'playing', { timeout: 20_000 });
  const heard = await owner.page.locator('audio').evaluate(async (element) => {
    const context = new AudioContext();
    await context.resume();
    const analyser = new AnalyserNode(context, { fftSize: 512 });
    context.createMediaElementSource(element as HTMLMediaElement).connect(analyser).connect(context.destination);
    const samples = new Float32Array(analyser.fftSize);
    const beginnings: number[] = [];
    let loud = false;
    for (const until = context.currentTime + 10; context.currentTime < until; ) {
      await new Promise((done) => setTimeout(done, 5));
      analyser.getFloatTimeDomainData(samples);
      const now = Math.max(...samples) > 0.05;
      if (now && !loud) beginnings.push(context.currentTime);
      loud = now;
    }
    await context.close();
    return beginnings;
  });
  const apart = heard.slice(1).map((at, n) => at - heard[n]!);
  expect(heard.length, `beeps in ten seconds, apart by ${apart.map((one) => one.toFixed(2)).join(' ')}`).toBeGreaterThanOrEqual(7);
  const middle = apart.sort((one, other) => one - other)[apart.length >> 1]!;
  expect(Math.abs(middle - 1), `seconds between two beeps: ${middle}`).toBeLessThan(0.1);
});
