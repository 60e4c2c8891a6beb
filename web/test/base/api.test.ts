import { afterEach, describe, expect, it, vi } from 'vitest';
import { Api, needsKey } from '../../src/api';

function answering(status: number, body: string | null) {
  const calls: [string, RequestInit | undefined][] = [];
  const fetch = async (path: unknown, init?: RequestInit) => (calls.push([String(path), init]), new Response(body, { status }));
  return { api: new Api(fetch as typeof globalThis.fetch), calls };
}

describe('a call', () => {
  afterEach(() => void vi.useRealTimers());

  it('sends JSON to the own origin and gives the value', async () => {
    const { api, calls } = answering(201, '{"id":"1","key":"k","path":"/dogcam#k=k"}');
    const answer = await api.makeKey({ label: 'Grandma', rights: ['watch'], room: null, ends_in_s: 60 });
    expect(answer).toEqual({ ok: true, value: { id: '1', key: 'k', path: '/dogcam#k=k' } });
    expect(calls[0]![0]).toBe('/kennel/v1/keys');
    expect(calls[0]![1]).toMatchObject({ method: 'POST', credentials: 'same-origin', body: expect.stringContaining('"Grandma"') as string });
  });

  it('escapes what goes into the address', async () => {
    const { api, calls } = answering(204, null);
    expect(await api.setRoom('Dog Cam/../x', 'go')).toEqual({ ok: true, value: null });
    expect(calls[0]![0]).toBe('/kennel/v1/rooms/Dog%20Cam%2F..%2Fx');
  });

  it('gives the code of a refusal', async () => {
    const { api } = answering(401, '{"error":{"code":"key_ended","message":"Over.","ended":5}}');
    const answer = await api.signIn('k');
    expect(answer).toEqual({ ok: false, failure: { kind: 'refused', status: 401, code: 'key_ended', message: 'Over.', ended: 5 } });
    expect(!answer.ok && needsKey(answer.failure)).toBe(true);
  });

  it.each<[number, string, string]>([
    [200, 'no json', 'garbled'],
    [200, '3', 'garbled'],
    [500, '<html>', 'garbled'],
    [404, '{"error":"x"}', 'garbled'],
    [502, '<html>', 'unreachable'],
    [504, '', 'unreachable'],
  ])('%i %j is %s', async (status, body, kind) => {
    expect(await answering(status, body).api.session()).toMatchObject({ ok: false, failure: { kind } });
  });

  it('never throws: no network, and no answer within 10 s', async () => {
    const broken = new Api(() => Promise.reject(new TypeError()));
    expect(await broken.server()).toEqual({ ok: false, failure: { kind: 'unreachable' } });
    vi.useFakeTimers();
    const silent = new Api((_path, init) => new Promise((_, reject) => init!.signal!.addEventListener('abort', () => reject(new Error()))));
    const answer = silent.server();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await answer).toEqual({ ok: false, failure: { kind: 'unreachable' } });
  });
});
