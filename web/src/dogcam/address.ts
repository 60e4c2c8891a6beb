/** What the address of the dog cam page asks for. Pure. */

export interface Address {
  as: 'camera' | 'watch';
  room: string;
  name: string;
  /** The camera shown large. */
  camera: string;
  /** Start without a tap where permission stands. */
  start: boolean;
}

export function parseAddress(search: string): Address {
  const query = new URLSearchParams(search);
  return {
    as: query.get('as') === 'camera' ? 'camera' : 'watch',
    room: query.get('room') ?? '',
    name: query.get('name') ?? '',
    camera: query.get('camera') ?? '',
    start: query.get('start') === '1',
  };
}

/** The same address with these values changed; an empty value leaves. */
export function withQuery(search: string, values: Record<string, string>): string {
  const query = new URLSearchParams(search);
  for (const [key, value] of Object.entries(values)) {
    if (value) query.set(key, value);
    else query.delete(key);
  }
  const text = query.toString();
  return text ? `?${text}` : '';
}
