import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveChannel, parseMessage, socketUrl, type CameraStatus, type LiveCamera } from '../../src/live';

class FakeSocket {
  readyState = 0;
  sent: Record<string, unknown>[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;

  send(text: string) {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close() {
    this.closed = true;
  }
  open() {
    this.readyState = 1;
    this.onopen?.();
  }
  say(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const HELLO = { as: 'camera', room: 'Dog Cam', name: 'Kitchen', device: 'd' } as const;
const STATUS = { battery: 0.5, rotation: 90 } as CameraStatus;

describe('the live channel', () => {
  let sockets: FakeSocket[];
  let heard: string[];
  let cameras: LiveCamera[];
  let wake: () => void;
  let channel: LiveChannel;
  const last = () => sockets[sockets.length - 1]!;

  beforeEach(() => {
    vi.useFakeTimers();
    [sockets, heard, cameras, wake] = [[], [], [], () => {}];
    channel = new LiveChannel(
      HELLO,
      {
        cameras: (list) => (cameras = list),
        connected: (up) => heard.push(up ? 'up' : 'down'),
        ended: (reason) => heard.push(reason),
      },
      'ws://here/kennel/v1/live',
      () => (sockets.push(new FakeSocket()), last() as unknown as WebSocket),
      { listen: (run) => ((wake = run), () => (wake = () => {})) },
    );
    channel.start();
  });
  afterEach(() => {
    channel.close();
    vi.useRealTimers();
  });

  it('says hello first, its status after the welcome and on each change', () => {
    channel.setStatus(STATUS);
    last().open();
    expect(last().sent).toEqual([{ type: 'hello', ...HELLO }]);
    last().say({ type: 'welcome', time: 1 });
    channel.setStatus({ ...STATUS, battery: 0.4 });
    channel.sayStop();
    expect(last().sent.slice(1)).toEqual([{ type: 'status', ...STATUS }, { type: 'status', ...STATUS, battery: 0.4 }, { type: 'stop' }]);
    expect(heard).toEqual(['up']);
  });

  it('comes back 1, 2, 4 s later, with its status, and at once when woken', () => {
    channel.setStatus(STATUS);
    last().open();
    last().say({ type: 'welcome', time: 1 });
    last().onclose!();
    expect(heard).toEqual(['up', 'down']);
    vi.advanceTimersByTime(999);
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(2);
    last().onerror!();
    vi.advanceTimersByTime(1_999);
    expect(sockets).toHaveLength(2);
    wake();
    expect(sockets).toHaveLength(3);
    last().open();
    last().say({ type: 'welcome', time: 1 });
    expect(last().sent).toContainEqual({ type: 'status', ...STATUS });
  });

  it('gives up a socket that falls silent', () => {
    last().open();
    last().say({ type: 'welcome', time: 1 });
    vi.advanceTimersByTime(5_000);
    expect(last().sent).toContainEqual({ type: 'ping', n: 1 });
    last().say({ type: 'pong', n: 1 });
    vi.advanceTimersByTime(15_000);
    expect(heard).toEqual(['up']);
    vi.advanceTimersByTime(5_000);
    expect(heard).toEqual(['up', 'down']);
    expect(sockets[0]!.closed).toBe(true);
  });

  it('gives up a socket that is never welcomed', () => {
    last().open();
    vi.advanceTimersByTime(16_000);
    expect(sockets.length).toBeGreaterThan(1);
  });

  it('passes the cameras on, and survives what is not a message', () => {
    last().open();
    last().onmessage!({ data: '{' });
    last().onmessage!({ data: new ArrayBuffer(2) });
    last().say({ type: 'cameras', cameras: 'all' });
    last().say({ type: 'cameras', cameras: [{ name: 'Kitchen' }] });
    expect(cameras).toEqual([{ name: 'Kitchen' }]);
    expect(parseMessage('null')).toBeNull();
  });

  it.each(['withdrawn', 'expired', 'displaced'] as const)('stays away after "%s"', (reason) => {
    last().open();
    last().say({ type: 'ended', reason });
    vi.advanceTimersByTime(120_000);
    expect(heard).toEqual([reason]);
    expect(sockets).toHaveLength(1);
  });

  it('comes back after a shutdown', () => {
    last().open();
    last().say({ type: 'welcome', time: 1 });
    last().say({ type: 'ended', reason: 'shutdown' });
    last().onclose!();
    vi.advanceTimersByTime(1_000);
    expect(sockets).toHaveLength(2);
  });

  it('follows the protocol of the page', () => {
    expect(socketUrl('/x', { protocol: 'https:', host: 'a:8443' })).toBe('wss://a:8443/x');
    expect(socketUrl('/x', { protocol: 'http:', host: 'a:8080' })).toBe('ws://a:8080/x');
  });
});
