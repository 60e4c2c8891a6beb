/** What the address of a room's page asks for. Pure. */

export interface RoomAddress {
  /** Asked to look after the room; the server decides whether this device may. */
  moderator: boolean;
  room: string;
  /** Who to be; empty: not said. */
  user: string;
}

/** Where people meet who name no room, as in the original pages. */
export const DEFAULT_ROOM = 'Main_Office';

/** `?room=A?user=B`, a misprint of the original pages, reads as it was meant. */
export function parseRoomAddress(path: string, search: string, linked: string | null): RoomAddress {
  const query = new URLSearchParams(search.replace(/^\?/, '').replace(/\?/g, '&'));
  const text = (name: string) => (query.get(name) ?? '').trim();
  return { moderator: !/^\/guest\b/.test(path), room: text('room') || linked || DEFAULT_ROOM, user: text('user') };
}

/** A name for somebody who gave none, from a number of 0 to 1. */
export function randomUser(random: number): string {
  return `user_${String(Math.floor(random * 90) + 10)}`;
}

/** The address to give away, without the key. */
export function roomPath(moderator: boolean, room: string): string {
  return `${moderator ? '/room' : '/guest'}?${new URLSearchParams({ room })}`;
}
