import { expect, it } from 'vitest';
import { sendLayersOnceServed, type Inside } from '../../src/dogcam/layers';

const vp8 = (adaptiveSimulcast: boolean) => ({ codec: 'VP8', simulcast: true, adaptiveSimulcast });

/** A room as the package makes it, with connections that take the list of codecs when they are made. */
function joined(isSetup: boolean) {
  const codecs: { video: object[] } = { video: [vp8(isSetup)] };
  const hints = { isSetup };
  const room: Inside = { _signaling: { _peerConnectionManager: { _preferredCodecs: codecs }, _publisherHintsSignaling: hints } };
  return { room, hints, connection: () => codecs.video };
}

it('a connection made after the room has moved to the server carries layers, those before do not', () => {
  const { room, hints, connection } = joined(false);
  const first = connection();
  sendLayersOnceServed(room);
  const second = connection();
  expect(second).toEqual([vp8(false)]);
  hints.isSetup = true;
  expect(connection()).toEqual([vp8(true)]);
  expect(first).toEqual([vp8(false)]);
  hints.isSetup = false;
  expect(connection(), 'nor is it forgotten while a broken connection is replaced').toEqual([vp8(true)]);
});

it('a room that the server carries from the beginning is left alone, and so is a package without these parts', () => {
  const { room, connection } = joined(true);
  const before = connection();
  sendLayersOnceServed(room);
  expect(connection()).toBe(before);
  for (const other of [{}, { _signaling: {} }] as Inside[]) expect(() => sendLayersOnceServed(other)).not.toThrow();
});
